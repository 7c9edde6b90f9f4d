"""Stand-ins for CTK's and Slicer's widgets: PySide6 classes of the same names, with the members that the facts list.

They behave as the real ones where a test would notice, and are plain otherwise.
"""
