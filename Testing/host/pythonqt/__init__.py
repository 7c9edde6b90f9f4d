"""PySide6's objects shown to Python code as PythonQt shows Qt's in Slicer, and nothing that PythonQt would not show.

Rules are those of PythonQtInstanceWrapper and PythonQtClassInfo (MeVisLab/pythonqt, as Slicer 5.12 uses it).
"""
