"""DICOM files and folders to volumes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from ...geometry import is_sheared
from ...volume import SourceFrame, Volume
from ..checks import check_memory, check_readable
from .headers import images_beside, quiet_libraries, scan_file, scan_folder
from .layout import lay_out
from .pixels import decode_frames, value_type
from .series import build_stacks, choose_stack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from ..choices import SeriesSummary
    from .frames import Frame
    from .headers import Scan
    from .layout import Layout
    from .series import Stack

# A gantry tilts up to 30 degrees; beyond this the "slices" are no stack but, say, a rotation.
_LARGEST_TILT_DEGREES = 45.0


def read_dicom(
    path: Path,
    *,
    series: str | None = None,
    frame: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Volume:
    """Read a DICOM file or the images in a folder and its sub-folders as a volume.

    Slices are ordered by position along their normal. Missing slices are filled, unequal spacing is made equal, both
    by linear interpolation, and a tilted gantry's slices are brought to a rectangular grid; ``Volume.notes`` says so.
    Files with the same SOPInstanceUID are copies: the first by path is read.

    :param path: a folder, or a file: single-frame files give one slice, multi-frame files all frames.
    :param series: SeriesInstanceUID, or a selector of :func:`list_series`; needed if there are several.
    :param frame: 0-based, among images at the same places; needed if there are several.
    :param progress: called with the number of slices decoded and in all, for long series.
    :returns: values in the modality's units (rescaled), ``ijk_to_ras`` as the headers say to the last digit if the
        slices are regular and their direction cosines unit vectors; the stored frames that were used are in
        ``source_frames``, slice by slice.
    :raises SeriesChoiceNeededError: several series and none chosen.
    :raises FrameChoiceNeededError: several frames and none chosen.
    :raises InputError: no grey-value image, or a damaged one.
    """
    with quiet_libraries():
        scan = _scan(path)
        stacks = build_stacks(scan.images)
        stack = choose_stack(stacks, series, path)
        layout = lay_out(stack.frames, frame, path)
        return _volume(stack, layout, path, (*scan.notes, *stacks.notes, *_file_notes(path, stack)), progress)


def list_series(folder: Path) -> tuple[SeriesSummary, ...]:
    """The image series in a folder (or a file), one entry for each stack that can be opened.

    :raises InputError: there is none.
    """
    with quiet_libraries():
        return build_stacks(_scan(folder).images).summaries()


def _scan(path: Path) -> Scan:
    check_readable(path)
    return scan_folder(path) if path.is_dir() else scan_file(path)


def _file_notes(path: Path, stack: Stack) -> tuple[str, ...]:
    """What a user who opened a single-frame file, or a folder with copies, should know."""
    if stack.copies:
        plural = "s" if stack.copies != 1 else ""
        return (f"Ignored {stack.copies} file{plural} that repeat{'' if plural else 's'} an image of the series.",)
    if path.is_dir() or len(stack.frames) > 1:
        return ()
    beside = images_beside(stack.frames[0].header)
    if not beside:
        return ()
    return (f"The folder holds {beside} more image{'s' if beside != 1 else ''} of this series; open it for all.",)


def _volume(
    stack: Stack,
    layout: Layout,
    path: Path,
    notes: tuple[str, ...],
    progress: Callable[[int, int], None] | None,
) -> Volume:
    name = stack.description or (path.resolve().name if path.is_dir() else path.stem)
    dtype = value_type(layout.frames)
    _check_size(layout, dtype, path)
    array = decode_frames(layout.frames, dtype, progress)
    affine = layout.ijk_to_ras
    all_notes = [*notes, *dict.fromkeys(note for frame in layout.frames for note in frame.assumptions)]
    if not layout.is_regular:
        array = _on_grid(array, layout)
        all_notes.append(layout.note)
    if is_sheared(affine):
        from ..regrid import make_rectangular

        array, affine = make_rectangular(array, affine)
        all_notes.append(_shear_note(layout))
    if not layout.is_regular or affine is not layout.ijk_to_ras:
        from ..regrid import NEW_GRID_NOTE

        all_notes.append(NEW_GRID_NOTE)
    middle = layout.frames[len(layout.frames) // 2]
    return Volume(
        array=array,
        ijk_to_ras=affine,
        name=name,
        modality=stack.modality,
        window=middle.window,
        inverted=middle.header.dataset.get("PhotometricInterpretation") == "MONOCHROME1",
        source_frames=tuple(_source_frame(frame) for frame in layout.frames),
        notes=tuple(all_notes),
    )


def _shear_note(layout: Layout) -> str:
    """Which angles are not right ones; those that would be said to be 0.0 degrees off are no reason."""
    skew, tilt = f"{layout.skew_degrees:.1f}", f"{layout.tilt_degrees:.1f}"
    reasons = []
    if tilt != "0.0":
        reasons.append(f"The gantry was tilted by {tilt} degrees")
    if skew != "0.0":
        reasons.append(f"{'rows' if reasons else 'Rows'} and columns are {skew} degrees off a right angle")
    return f"{' and '.join(reasons)}; slices were resampled to a rectangular grid."


def _source_frame(frame: Frame) -> SourceFrame:
    return SourceFrame(
        path=frame.header.path,
        frame=frame.number,
        sop_instance_uid=str(frame.header.dataset.get("SOPInstanceUID", "")),
        shape=frame.shape,
        pixel_to_ras=frame.pixel_to_ras,
    )


def _check_size(layout: Layout, dtype: np.dtype, path: Path) -> None:
    """Refuse what does not fit into memory, and tilts that would need absurd amounts of it."""
    rows, columns = layout.frames[0].shape
    # While values grow from int16 to int32 both are held.
    itemsize = dtype.itemsize + 2 * (dtype == np.int32)
    needed = len(layout.frames) * rows * columns * itemsize
    if len({frame.header.path for frame in layout.frames}) < len(layout.frames):
        # A multi-frame file is held as a whole while it is decoded.
        needed *= 2
    if not layout.is_regular:
        needed += len(layout.grid) * rows * columns * dtype.itemsize
    if is_sheared(layout.ijk_to_ras):
        tilt = layout.tilt_degrees
        if tilt > _LARGEST_TILT_DEGREES:
            raise InputError(
                f"{path} holds slices whose positions run {tilt:.0f} degrees off their normal, "
                "which is no regular volume; resample it with another tool first."
            )
        from ..regrid import rectangular_grid

        shape, _ = rectangular_grid((columns, rows, len(layout.grid)), layout.ijk_to_ras)
        # Resampling works in double precision.
        needed += math.prod(shape) * (8 + dtype.itemsize)
    check_memory(needed, str(path))


def _on_grid(array: NDArray, layout: Layout) -> NDArray:
    """The slices at the layout's regular positions, linear between the measured ones."""
    result = np.empty((len(layout.grid), *array.shape[1:]), dtype=array.dtype)
    for index, position in enumerate(layout.grid):
        upper = int(np.clip(np.searchsorted(layout.positions, position), 1, len(layout.positions) - 1))
        below, above = layout.positions[upper - 1], layout.positions[upper]
        weight = float(np.clip((position - below) / (above - below), 0.0, 1.0))
        mixed = array[upper - 1] * (1.0 - weight) + array[upper] * weight
        result[index] = np.rint(mixed) if array.dtype.kind in "iu" else mixed
    return result
