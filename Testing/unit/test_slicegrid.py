"""Prompts and pixels go to the model's square pixels and back without a half-pixel shift."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from SAMSegmentLib.slicegrid import SliceGrid

sizes = st.integers(1, 700)
spacings = st.floats(0.2, 8)


@given(sizes, sizes, spacings, spacings, st.sampled_from((256, 1024)))
@settings(max_examples=300, deadline=None)
def test_every_pixel_centre_returns_to_itself(rows, columns, row_mm, column_mm, side):
    grid = SliceGrid.fit((rows, columns), (row_mm, column_mm), side)
    assert max(grid.model_shape) == side
    corners = np.array([(0, 0), (columns - 1, rows - 1), (columns // 2, rows // 3)])
    assert np.allclose(grid.to_source(grid.to_model(corners)), corners)


@given(sizes, sizes)
@settings(max_examples=100, deadline=None)
def test_the_outer_edges_of_slice_and_model_grid_coincide(rows, columns):
    grid = SliceGrid.fit((rows, columns), (1, 1), 256)
    edges = grid.to_model([(-0.5, -0.5), (columns - 0.5, rows - 0.5)])
    assert np.allclose(edges, [(-0.5, -0.5), (grid.model_shape[1] - 0.5, grid.model_shape[0] - 0.5)])


def test_a_millimetre_is_as_long_down_as_across():
    grid = SliceGrid.fit((20, 200), (5.0, 0.5), 256)
    assert grid.model_shape == (256, 256)
    grid = SliceGrid.fit((100, 100), (1.0, 3.0), 300)
    assert grid.model_shape == (100, 300)


def test_a_box_of_one_pixel_covers_all_model_pixels_of_it():
    grid = SliceGrid.fit((64, 64), (1, 1), 256)
    assert grid.box_to_model((10, 20, 10, 20)) == (40, 80, 43, 83)
    assert SliceGrid.fit((256, 256), (1, 1), 256).box_to_model((3, 4, 9, 8)) == (3, 4, 9, 8)


def test_a_blob_keeps_its_centre_when_resampled():
    pixels = np.zeros((40, 25), dtype=np.uint8)
    pixels[11:18, 6:13] = 200
    grid = SliceGrid.fit(pixels.shape, (2.0, 0.7), 256)
    model = grid.resample(pixels).astype(float)
    row, column = (np.average(axis, weights=model) for axis in np.indices(model.shape))
    ((at_column, at_row),) = grid.to_source([(column, row)])
    assert (at_column, at_row) == pytest.approx((9, 14), abs=0.02)


def test_a_slice_that_fits_already_is_not_touched():
    pixels = np.random.default_rng(0).integers(0, 256, (256, 100), dtype=np.uint8)
    assert np.array_equal(SliceGrid.fit(pixels.shape, (1, 1), 256).resample(pixels), pixels)
