"""What the text headers of NRRD and MetaImage files have in common: lines, detached data files, LPS geometry."""

from __future__ import annotations

from pathlib import PurePath, PureWindowsPath
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..geometry import LPS_TO_RAS
from .checks import check_readable, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

# Real headers take some KiB; a segmentation with hundreds of segments, some hundred KiB.
_LONGEST_HEADER = 16 * 2**20


def read_header_lines(path: Path, is_last: Callable[[bytes], bool]) -> tuple[list[bytes], int]:
    """The lines of a header, without their line ends, up to and with the last one.

    A file that ends before the last line of its header (detached headers may) gives all its lines.

    :param is_last: whether a line ends the header.
    :returns: the lines, and the number of bytes that they take in the file.
    :raises InputError: unreadable, or no end of the header within 16 MiB.
    """
    lines: list[bytes] = []
    length = 0
    try:
        with path.open("rb") as file:
            while line := file.readline(_LONGEST_HEADER):
                length += len(line)
                if length > _LONGEST_HEADER:
                    raise InputError(f"{path}: its header does not end; export the image again.")
                lines.append(line.rstrip(b"\r\n"))
                if is_last(lines[-1]):
                    break
    except OSError as error:
        raise unreadable(path, error) from None
    return lines, length


def detached_data_path(header_path: Path, declared: str) -> Path:
    """The data file that a detached header names, which must lie in the header's folder or below it.

    A header from elsewhere must not make us read (or reveal the size of) other files of this machine.

    :param declared: as it stands in the header, relative to the header's folder.
    :raises InputError: it lies elsewhere, or is not there.
    """
    folder = header_path.resolve().parent
    outside = PurePath(declared).is_absolute() or PureWindowsPath(declared).anchor or "\0" in declared
    candidate = folder / declared
    if outside or not candidate.resolve().is_relative_to(folder):
        raise InputError(
            f"{header_path}: names a data file outside of its own folder ({declared!r}); "
            "put the data file beside the header and its bare name into it."
        )
    if not candidate.is_file():
        raise InputError(f"{header_path}: its data file {declared!r} is not beside it; put both in one folder.")
    check_readable(candidate)
    return candidate


def lps_geometry(axes: NDArray[np.float64], origin: NDArray[np.float64]) -> NDArray[np.float64]:
    """4x4 from IJK to RAS in mm.

    :param axes: 3x3, one column for each voxel axis, in LPS mm per voxel.
    :param origin: centre of the first voxel in LPS mm.
    """
    ijk_to_lps = np.eye(4)
    ijk_to_lps[:3, :3] = axes
    ijk_to_lps[:3, 3] = origin
    return LPS_TO_RAS @ ijk_to_lps
