"""Views of a volume that was scanned at an angle show its own slices, not a cut through several of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from SAMSegmentLib.geometry import obliqueness_degrees

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSliceNode

    from SAMSegmentLib.volume import Volume

# Less than this is rounding, and the view lies along the patient's axes.
_ALIGNED_DEGREES = 0.1


def turn_to_volume(
    slice_node: vtkMRMLSliceNode, volume: Volume, volume_node: vtkMRMLScalarVolumeNode, orientation: str
) -> bool:
    """Lay a view into the volume's plane that is nearest to an anatomical one.

    :param orientation: of the view while the volume is not oblique, as its node names it.
    :returns: whether the view has been turned.
    """
    is_oblique = obliqueness_degrees(volume.ijk_to_ras) > _ALIGNED_DEGREES
    was_oblique = slice_node.GetOrientation() != orientation
    if was_oblique:
        slice_node.SetOrientation(orientation)
    if is_oblique:
        slice_node.RotateToVolumePlane(volume_node)
    return is_oblique or was_oblique
