"""Reading DICOM: files and folders to volumes.

``headers`` finds files and reads their headers, ``frames`` says what each stored frame is and where it lies, ``series``
groups frames into stacks and chooses one, ``layout`` orders a stack and judges its spacing, ``pixels`` decodes it, and
``reader`` puts the volume together. ``seg_sources`` prepares the headers of these images for a DICOM Segmentation.
"""

from .headers import is_dicom_file, is_segmentation
from .reader import list_series, read_dicom

__all__ = ["is_dicom_file", "is_segmentation", "list_series", "read_dicom"]
