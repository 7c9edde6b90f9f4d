"""The browser viewer: 3D Slicer's own slice and 3D views through trame-slicer, with SAM prompts in them.

``samsegment view`` starts it (:func:`SAMSegmentWeb.viewer.run_viewer`). Prompts, masks and undo are those of
:mod:`SAMSegmentLib.mrml`, which the 3D Slicer module uses, too; what is here is the page, the server and the wiring.
"""
