"""What a segment of a scene is as a state of a session: prompts from its nodes, masks from its voxels."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from ..geometry import slice_count, slice_plane
from ..prompts import CANDIDATE_COUNT
from ..segmentstate import SegmentState, SliceMask
from .tags import ACCEPTED, CANDIDATES, CONFIDENCES, PROPAGATED, slices_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import slicer
    from numpy.typing import NDArray

    from ..prompts import PromptSet
    from ..segments import Color
    from ..segmentstate import SliceKey
    from ..volume import Volume
    from .labelmaps import Extent, Labelmaps


def segment_state(
    volume: Volume, labelmaps: Labelmaps, segment_id: str, *, name: str, prompts: Mapping[SliceKey, PromptSet]
) -> SegmentState:
    """A segment whose slices are as they stand in the scene, whichever model made them.

    A prompted slice without voxels has no mask yet: the scene was saved before its answer came. Propagated slices are
    outdated, since nothing is known of what made them; those that were changed by hand since are left to the hand.

    :param name: what the session is to call it.
    :param prompts: of the segment, as its nodes have them.
    """
    node = labelmaps.segmentation_node
    candidates = slices_of(node, segment_id, CANDIDATES)
    prompts = {key: _with_candidate(item, candidates.get(key)) for key, item in prompts.items()}
    masks = {}
    for key, item in prompts.items():
        pixels = slice_voxels(volume, labelmaps, segment_id, key)
        if pixels.any():
            masks[key] = replace(SliceMask.given(pixels), prompts=item, is_accepted=False)
    for key in slices_of(node, segment_id, ACCEPTED):
        if key[1] < slice_count(volume, key[0]):
            given = SliceMask.given(slice_voxels(volume, labelmaps, segment_id, key))
            masks[key] = replace(given, prompts=prompts.get(key))
    masks |= _propagated(volume, labelmaps, segment_id, masks)
    color = segment_color(node.GetSegmentation().GetSegment(segment_id))
    return SegmentState(name, color, MappingProxyType(prompts), MappingProxyType(masks))


def _propagated(
    volume: Volume, labelmaps: Labelmaps, segment_id: str, others: Mapping[SliceKey, SliceMask]
) -> dict[SliceKey, SliceMask]:
    node = labelmaps.segmentation_node
    confidences = slices_of(node, segment_id, CONFIDENCES)
    masks = {}
    for key, checksum in slices_of(node, segment_id, PROPAGATED).items():
        if key in others or key[1] >= slice_count(volume, key[0]):
            continue
        percent = confidences.get(key)
        confidence = None if percent is None else min(percent, 100) / 100
        mask = SliceMask.outdated(slice_voxels(volume, labelmaps, segment_id, key), confidence)
        if mask.checksum == checksum:
            masks[key] = mask
    return masks


def slice_voxels(volume: Volume, labelmaps: Labelmaps, segment_id: str, key: SliceKey) -> NDArray[np.bool_]:
    """The pixels [row, column] of a slice that a segment has in the scene."""
    plane = slice_plane(volume, *key)
    ranges = [(0, count - 1) for count in volume.shape_ijk]
    ranges[plane.slice_axis] = (plane.index, plane.index)
    (i0, i1), (j0, j1), (k0, k1) = ranges
    extent: Extent = (i0, i1, j0, j1, k0, k1)
    pixels: NDArray[np.bool_] = plane.oriented(labelmaps.read(segment_id, extent).squeeze(axis=2 - plane.slice_axis))
    return pixels


def segment_color(segment: slicer.vtkSegment) -> Color:
    """A segment's colour, 0-255."""
    red, green, blue = (int(value) for value in np.rint(np.array(segment.GetColor()) * 255))
    return red, green, blue


def _with_candidate(prompts: PromptSet, candidate: int | None) -> PromptSet:
    return prompts if candidate is None or candidate >= CANDIDATE_COUNT else replace(prompts, candidate=candidate)
