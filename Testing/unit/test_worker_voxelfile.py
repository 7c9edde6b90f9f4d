"""A volume's voxels from one process to another: exactly, privately, and with nothing left behind."""

import errno
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from SAMSegmentLib.errors import EngineError
from SAMSegmentLib.worker import voxelfile
from SAMSegmentLib.worker.voxelfile import candidate_paths, map_voxels, write_voxels

NUMBERS = np.arange(3 * 4 * 5).reshape(3, 4, 5)


@pytest.fixture
def paths(tmp_path):
    folders = tmp_path / "memory", tmp_path / "disk"
    for folder in folders:
        folder.mkdir()
    return [folder / "voxels" for folder in folders]


def there_and_back(array, paths):
    return map_voxels(write_voxels(array, paths), array.dtype, array.shape)


@pytest.mark.parametrize(
    "array",
    [
        *(NUMBERS.astype(kind) for kind in ("u1", "<i2", ">i2", ">u4", "<i8", "<f4", ">f8", "f2", "g")),
        NUMBERS % 3 == 0,
        NUMBERS.astype("<f4").T,
        np.asfortranarray(NUMBERS.astype(">i2")),
        NUMBERS.astype("i2")[::-1, ::-1, ::-1],
        NUMBERS.astype("i2")[:, 1:3, ::2],
        NUMBERS.astype("i2")[:1, :1, :1],
        np.broadcast_to(np.float32(7), (2, 3, 4)),
    ],
    ids=lambda array: f"{array.dtype.str}{array.shape}{array.strides}",
)
def test_voxels_arrive_bit_by_bit(array, paths):
    mapped = there_and_back(array, paths)
    assert mapped.dtype == array.dtype
    assert np.array_equal(mapped, array)


def test_special_values_survive(paths):
    array = np.array([[[np.nan, np.inf, -np.inf, -0.0]]], dtype="<f4")
    assert there_and_back(array, paths).tobytes() == array.tobytes()


def test_the_reader_cannot_change_them(paths):
    mapped = there_and_back(NUMBERS.astype("i2"), paths)
    with pytest.raises(ValueError, match="read-only"):
        mapped[0, 0, 0] = 1


def test_nobody_else_may_open_the_file_and_mapping_removes_its_name(paths):
    path = write_voxels(NUMBERS, paths)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    map_voxels(path, NUMBERS.dtype, NUMBERS.shape)
    assert not path.exists()


def test_names_cannot_be_guessed_and_are_ours(paths):
    names = {path.name for _ in range(5) for path in candidate_paths()}
    assert len(names) == 5
    assert all(name.startswith("samsegment-") and len(name) == len("samsegment-") + 32 for name in names)


def test_a_file_that_somebody_has_put_there_is_not_written_to(paths):
    paths[0].write_bytes(b"somebody else's")
    elsewhere = paths[0].with_name("target")
    paths[1].symlink_to(elsewhere)
    with pytest.raises(EngineError, match="exists"):
        write_voxels(NUMBERS, paths)
    assert not elsewhere.exists()


class FullFolder:
    """os.write into these folders fails when some bytes are written."""

    def __init__(self, folders):
        self.folders = folders
        self.write = os.write

    def __call__(self, descriptor, data):
        place = Path(f"/proc/self/fd/{descriptor}").readlink()
        if place.parent in self.folders:
            if os.fstat(descriptor).st_size > 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            data = data[:10]
        return self.write(descriptor, data)


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks descriptors up in /proc")


@needs_proc
def test_where_the_first_place_is_full_the_second_one_serves(paths, monkeypatch):
    monkeypatch.setattr(voxelfile.os, "write", FullFolder([paths[0].parent]))
    path = write_voxels(NUMBERS, paths)
    assert path == paths[1]
    assert not paths[0].exists()
    assert np.array_equal(map_voxels(path, NUMBERS.dtype, NUMBERS.shape), NUMBERS)


@needs_proc
def test_where_no_place_has_room_the_error_says_so_and_nothing_is_left(paths, monkeypatch):
    monkeypatch.setattr(voxelfile.os, "write", FullFolder([path.parent for path in paths]))
    with pytest.raises(EngineError, match=r"no room .* 0 MB .*No space left.*; free memory or disk space\."):
        write_voxels(NUMBERS, paths)
    assert not any(path.exists() for path in paths)


@pytest.mark.parametrize("shape", [(3, 4, 4), (3, 4, 6), (0, 4, 5), (1 << 20, 1 << 20, 1 << 20)])
def test_a_file_of_another_size_than_announced_is_refused(paths, shape):
    path = write_voxels(NUMBERS, paths)
    with pytest.raises(EngineError, match="not the voxels that were announced"):
        map_voxels(path, NUMBERS.dtype, shape)


def test_a_file_that_is_not_there_or_a_link_is_refused(paths):
    with pytest.raises(EngineError, match="cannot be read"):
        map_voxels(paths[0], NUMBERS.dtype, NUMBERS.shape)
    paths[1].symlink_to(write_voxels(NUMBERS, paths[:1]))
    with pytest.raises(EngineError, match="cannot be read"):
        map_voxels(paths[1], NUMBERS.dtype, NUMBERS.shape)
