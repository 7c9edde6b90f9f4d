"""SAMSegment's engine: interactive segmentation of medical volumes with promptable models.

No Qt here, no ``slicer``/``vtk`` outside :mod:`SAMSegmentLib.mrml`, no ``torch`` outside
:mod:`SAMSegmentLib.models` and :mod:`SAMSegmentLib.worker`.
"""

__version__ = "0.1.0"
