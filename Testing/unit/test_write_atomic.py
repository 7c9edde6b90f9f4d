"""A file is written completely or not at all."""

import errno
import os
from pathlib import Path

import pytest

from SAMSegmentLib.errors import OutputError
from SAMSegmentLib.io.atomic import atomic_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["a.seg.nrrd", "patient.1.nii.gz", "x" * 240 + ".nii.gz", "größe 肝.dcm"])
def test_temporary_file_is_beside_the_target_and_ends_like_it(tmp_path, name) -> None:
    target = tmp_path / name
    with atomic_path(target) as temporary:
        assert temporary.parent == tmp_path
        assert temporary != target
        assert temporary.name.endswith(name[-7:])
        temporary.write_bytes(b"new")
    assert target.read_bytes() == b"new"
    assert names(tmp_path) == [name]


@pytest.mark.parametrize(
    "error", [ValueError("bug"), KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")], ids=repr
)
def test_failure_keeps_the_old_file_and_leaves_nothing_behind(tmp_path, error) -> None:
    target = tmp_path / "a.nii.gz"
    target.write_bytes(b"old")

    def fail_halfway() -> None:
        with atomic_path(target) as temporary:
            temporary.write_bytes(b"half")
            raise error

    with pytest.raises(OutputError if isinstance(error, OSError) else type(error)):
        fail_halfway()
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["a.nii.gz"]


@pytest.mark.parametrize(
    ("code", "cure"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EACCES, "not permitted"),
        (errno.EROFS, "read-only"),
        (errno.ENOENT, "create the folder"),
        (errno.EIO, "check the folder and the disk"),
    ],
)
def test_system_errors_become_one_sentence_with_a_cure(tmp_path, code, cure) -> None:
    with pytest.raises(OutputError, match=cure) as caught, atomic_path(tmp_path / "a.nii.gz"):
        raise OSError(code, os.strerror(code))
    assert "a.nii.gz" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("parent", ["gone", "file.txt"])
def test_missing_folder_is_named(tmp_path, parent) -> None:
    (tmp_path / "file.txt").touch()
    with (
        pytest.raises(OutputError, match="folder"),
        atomic_path(tmp_path / parent / "a.nii.gz") as temporary,
    ):
        temporary.write_bytes(b"")


def test_permissions_of_the_old_file_are_kept(tmp_path) -> None:
    target = tmp_path / "a.nii"
    target.touch()
    target.chmod(0o640)
    with atomic_path(target) as temporary:
        temporary.write_bytes(b"new")
    assert target.stat().st_mode & 0o777 == 0o640


def test_link_is_written_through(tmp_path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link.nii").symlink_to(tmp_path / "elsewhere" / "real.nii")
    with atomic_path(tmp_path / "link.nii") as temporary:
        temporary.write_bytes(b"new")
    assert (tmp_path / "link.nii").is_symlink()
    assert (tmp_path / "elsewhere" / "real.nii").read_bytes() == b"new"
