"""What an interval's slices make together is put in order, where that is asked for."""

import numpy as np
import pytest

from SAMSegmentLib.geometry import Orientation, slice_plane
from SAMSegmentLib.propagation import PropagatedSlice, PropagationRequest
from SAMSegmentLib.propagation.tidy import tidied
from Testing.generated import volume_of

KEY = 1


def body_of(*boxes):
    """Bool [k, j, i] with boxes (k, j, i as slices) set, on 8 slices of 10x12 pixels."""
    body = np.zeros((8, 10, 12), dtype=bool)
    for box in boxes:
        body[box] = True
    return body


TUBE = np.s_[1:7, 2:7, 2:8]


def changed(body, orientation=Orientation.AXIAL, **options):
    """The slices that are handed over again after a body was propagated from its slice 1, and their masks' pixels."""
    source = type("Source", (), {"volume": volume_of(body.astype(np.uint8))})
    planes = [slice_plane(source.volume, orientation, index) for index in range(8)]
    made = {
        plane.index: PropagatedSlice(plane, plane.extract(body), 0.9, 0.9, 0.9) for plane in planes if plane.index > KEY
    }
    key_masks = {KEY: planes[KEY].extract(body)}
    request = PropagationRequest(orientation, key_masks, 0, 7, **options)
    result = body.copy()
    indices = []
    for item in tidied(source, request, key_masks, made):
        indices.append(item.plane.index)
        item.plane.extract(result)[...] = item.mask
    return indices, result


def test_loose_pieces_go_and_what_hangs_together_with_the_key_slice_stays():
    loose, corner = np.s_[4:6, 8:10, 9:12], np.s_[3:5, 7:8, 8:9]
    indices, result = changed(body_of(TUBE, corner, loose), connected=True)
    assert np.array_equal(result, body_of(TUBE, corner, loose))  # it touches: by corners all is one
    indices, result = changed(body_of(TUBE, loose), connected=True)
    assert indices == [4, 5]
    assert np.array_equal(result, body_of(TUBE))


def test_a_slice_of_loose_pieces_alone_becomes_empty():
    far = np.s_[7, 8:10, 9:12]
    indices, result = changed(body_of(np.s_[1:6, 2:7, 2:8], far), connected=True)
    assert indices == [7]
    assert not result[7].any()


def test_cavities_are_filled_and_those_with_a_way_out_are_not():
    body = body_of(TUBE)
    body[3:5, 4, 4] = False
    open_below = body.copy()
    open_below[1:3, 4, 4] = False  # through the key slice
    indices, result = changed(body, fill_holes=True)
    assert indices == [3, 4]
    assert np.array_equal(result, body_of(TUBE))
    assert changed(open_below, fill_holes=True)[0] == []


@pytest.mark.parametrize("options", [{"connected": True}, {"fill_holes": True}], ids=str)
def test_each_does_its_own_part_only(options):
    body = body_of(TUBE, np.s_[4:6, 8:10, 9:12])
    body[3, 4, 4] = False
    _, result = changed(body, **options)
    assert result[5, 9, 10] == ("connected" not in options)
    assert result[3, 4, 4] == ("fill_holes" in options)
