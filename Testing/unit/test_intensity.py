"""The window shows what a radiologist would expect, and never alters the voxels."""

import numpy as np
import pytest

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.intensity import PRESETS, check_window, resolve_window, to_8bit
from SAMSegmentLib.volume import Window
from Testing.generated import volume_of


def ct_like():
    array = np.full((10, 20, 20), -1000, dtype=np.int16)
    array[:, 5:15, 5:15] = 40
    array[4:6, 9:11, 9:11] = 900
    return array


def test_auto_takes_the_stored_window_first():
    stored = Window(35, 70)
    assert resolve_window(volume_of(ct_like(), window=stored)) == stored


@pytest.mark.parametrize("modality", ["CT", ""])
def test_auto_shows_soft_tissue_where_values_are_hounsfield_units(modality):
    assert resolve_window(volume_of(ct_like(), modality=modality)) == PRESETS["abdomen"]


def test_auto_does_not_take_mr_for_ct():
    assert resolve_window(volume_of(ct_like(), modality="MR")) != PRESETS["abdomen"]
    assert resolve_window(volume_of(ct_like() + 1024, modality="CT")) != PRESETS["abdomen"]


def test_auto_spans_the_percentiles_of_the_volume_not_of_a_slice():
    array = np.zeros((10, 50, 50))
    array[:] = np.linspace(0, 1000, 2500).reshape(50, 50)
    array[0, 0, 0] = 1e6  # one hot voxel must not blacken the rest
    window = resolve_window(volume_of(array, modality="MR"))
    assert window.level - window.width / 2 == pytest.approx(5, abs=2)
    assert window.level + window.width / 2 == pytest.approx(995, abs=2)


def test_percentile_ignores_what_auto_knows_of_the_image():
    volume = volume_of(ct_like(), modality="CT", window=Window(35, 70))
    assert resolve_window(volume, "percentile") == resolve_window(volume_of(ct_like(), modality="MR"))
    assert resolve_window(volume, "percentile") != resolve_window(volume)


def test_auto_does_not_blank_a_small_object_in_an_empty_volume():
    array = np.zeros((10, 50, 50), dtype=np.uint8)
    array[5, 20:25, 20:25] = 7
    volume = volume_of(array)
    assert to_8bit(array, resolve_window(volume)).max() == 255


def test_full_spans_all_values():
    array = np.arange(-8, 19, dtype=np.int16).reshape(3, 3, 3)
    window = resolve_window(volume_of(array), "full")
    grey = to_8bit(array, window)
    assert (grey.min(), grey.max()) == (0, 255)
    assert array.min() == -8  # the voxels are as they were


@pytest.mark.parametrize("spec", ["auto", "full", "percentile"])
def test_a_constant_volume_has_a_window(spec):
    array = np.full((2, 2, 2), 5.0)
    assert resolve_window(volume_of(array), spec).width > 0
    assert np.unique(to_8bit(array, resolve_window(volume_of(array), spec))).size == 1


def test_level_and_width_map_their_ends_to_black_and_white():
    window = resolve_window(volume_of(np.zeros((1, 1, 1))), "40,80")
    assert window == PRESETS["brain"]
    values = np.array([-1000, 0, 40, 80, 3000])
    assert to_8bit(values, window).tolist() == [0, 0, 128, 255, 255]
    assert to_8bit(values, window, inverted=True).tolist() == [255, 255, 128, 0, 0]


@pytest.mark.parametrize("spec", ["", "bones", "40", "40,0", "40,-5", "a,b", "nan,5", "1,2,3", "40,inf"])
def test_an_unknown_window_is_refused_in_words(spec):
    with pytest.raises(InputError, match="Window"):
        check_window(spec)
