"""What is closed is freed: images can be opened one after the other for as long as the viewer runs."""

import gc

import numpy as np
from trame_slicer.segmentation import SegmentationDisplay

from SAMSegmentLib.volume import Volume
from SAMSegmentWeb import work
from SAMSegmentWeb.application import Application
from SAMSegmentWeb.opening import Source

_OPENED = 4


class _Engine:
    """Answers nothing, and keeps nothing."""

    model_name = weights_sha256 = ""

    def __getattr__(self, _name):
        return lambda *_arguments, **_options: None


def _volume(number):
    return Volume(np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6), np.eye(4), name=f"image {number}")


def test_an_image_does_not_stay_in_memory_when_another_one_is_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(work, "WorkerEngine", lambda *_arguments, **_options: _Engine())
    freed, displays = [], []
    make = SegmentationDisplay.__init__
    monkeypatch.setattr(SegmentationDisplay, "__init__", lambda *arguments: displays.append(True) or make(*arguments))

    controllers = Application("ab", tmp_path).controllers
    monkeypatch.setattr(controllers.recovery, "show_volume", lambda: None)  # that needs an event loop
    for number in range(_OPENED):
        controllers.work.open(Source(tmp_path / "image.nii"), _volume(number))
        controllers._opened()
        voxels = controllers.work.opened.volume_node.GetImageData()
        voxels.AddObserver("DeleteEvent", lambda *_, number=number: freed.append(number))
        del voxels
        controllers.look()
        (segment,) = controllers.work.scene_session.segment_ids
        controllers.segments.toggle_visibility(segment)
        controllers.look()
        gc.collect()
    controllers.work.close()
    assert freed == list(range(_OPENED - 1))
    assert len(displays) == _OPENED, "trame-slicer's wrappers, which never end, are made again and again"
