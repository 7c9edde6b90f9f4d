"""Pixels of DICOM frames, decoded by pydicom's plugins and turned into real values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError
from .headers import reading_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from pydicom import Dataset
    from pydicom.pixels.decoders.base import Decoder
    from pydicom.uid import UID

    from .frames import Frame

# Tried in this order; the first that holds every possible value is taken.
_WHOLE_NUMBER_TYPES = (np.uint8, np.int16, np.uint16, np.int32, np.int64)

# A progress bar for less would only flicker.
_LONG_SERIES = 8


def value_type(frames: Sequence[Frame]) -> np.dtype:
    """The type that holds all values of these frames: whole numbers if slopes and intercepts are, else float32.

    It depends on the headers only, so that memory can be judged before anything is decoded.

    :raises InputError: a header's bit depth cannot be.
    """
    low, high, whole = 0.0, 0.0, True
    for frame in frames:
        slope, intercept = frame.rescale
        whole = whole and slope.is_integer() and intercept.is_integer()
        ends = [slope * end + intercept for end in _stored_range(frame)]
        low, high = min(low, *ends), max(high, *ends)
    if not whole:
        return np.dtype(np.float32)
    for candidate in _WHOLE_NUMBER_TYPES:
        if np.iinfo(candidate).min <= low and high <= np.iinfo(candidate).max:
            return np.dtype(candidate)
    return np.dtype(np.float32)


def decode_frames(
    frames: Sequence[Frame], dtype: np.dtype, progress: Callable[[int, int], None] | None = None
) -> NDArray:
    """The frames' real values, [frame, row, column].

    Rescale slope and intercept (or the modality LUT, DICOM PS3.3 C.11.1) are applied. Pixels with the padding value
    are values like others.

    :param dtype: as :func:`value_type` says; int32 becomes int16 where that holds all values.
    :param progress: called with the number of frames done and in all, for long series.
    :raises InputError: pixel data is missing, cut off, damaged or in a syntax that nothing here decodes.
    """
    report = progress if progress is not None and len(frames) >= _LONG_SERIES else None
    # Most CT scanners declare 16 bits and use 12 of them: 32-bit values are only made when a slice needs them.
    array = np.empty((len(frames), *frames[0].shape), dtype=np.int16 if dtype == np.int32 else dtype)
    by_file: dict[Path, list[int]] = {}
    for index, frame in enumerate(frames):
        by_file.setdefault(frame.header.path, []).append(index)
    done = 0
    for path, indices in by_file.items():
        # In stored order, since compressed frames can only be found one after the other.
        indices.sort(key=lambda index: frames[index].number)
        for index, values in zip(indices, _file_values(path, [frames[index] for index in indices]), strict=True):
            if array.dtype != dtype and not _fits(values, array.dtype):
                array = array.astype(dtype)
            array[index] = values
            done += 1
            if report:
                report(done, len(frames))
    return array


def _file_values(path: Path, frames: list[Frame]) -> Iterator[NDArray]:
    """Real values [row, column] of frames of one file, given in stored order."""
    dataset, syntax = _read_file(path)
    if not syntax.is_encapsulated:
        _require_fitting_length(dataset, frames[0])
    for frame, pixels in zip(frames, _stored_pixels(dataset, syntax, frames), strict=True):
        if pixels.shape != frame.shape:
            raise _damaged(path)
        yield _real_values(pixels, frame, dataset)


def _damaged(path: Path) -> InputError:
    return InputError(
        f"{path} cannot be decoded: its pixel data is missing, cut off, or does not fit its header; "
        "get the file again from its source."
    )


def _decoding_errors() -> tuple[type[Exception], ...]:
    """What pydicom raises on damaged pixel data and tables, besides what it raises while reading."""
    return (
        *reading_errors(),
        AttributeError,  # an element that the decoder needs is missing
        LookupError,  # a table is missing, or its description too short
        RuntimeError,  # the plugin refused the compressed data
        TypeError,  # an element has several values in place of one
    )


def _fits(values: NDArray, dtype: np.dtype) -> bool:
    limits = np.iinfo(dtype)
    return bool(limits.min <= values.min() and values.max() <= limits.max)


def _stored_range(frame: Frame) -> tuple[int, int]:
    dataset = frame.header.dataset
    allocated = dataset.get("BitsAllocated")
    bits = dataset.get("BitsStored", allocated)
    if not isinstance(allocated, int) or not isinstance(bits, int) or not 1 <= bits <= allocated <= 32:
        raise InputError(f"{frame.header.path} stores {bits} of {allocated} bits a pixel; repair its header.")
    if "ModalityLUTSequence" in dataset:
        return 0, 65535
    if dataset.get("PixelRepresentation", 0) == 1:
        return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1


def _read_file(path: Path) -> tuple[Dataset, UID]:
    """The whole file, and the transfer syntax of its pixel data."""
    from pydicom import dcmread
    from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    try:
        dataset = dcmread(path, force=True)
        pixel_data, syntax = dataset.get("PixelData"), dataset.file_meta.get("TransferSyntaxUID")
    except reading_errors() as error:
        raise _damaged(path) from error
    if syntax is None:
        implicit, little = dataset.original_encoding
        native = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        # The decoders read it from there.
        syntax = dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else native
    if not isinstance(pixel_data, bytes) or not isinstance(syntax, UID) or not syntax.is_transfer_syntax:
        raise _damaged(path)
    return dataset, syntax


def _stored_pixels(dataset: Dataset, syntax: UID, frames: list[Frame]) -> Iterator[NDArray]:
    """The stored pixels [row, column] of each frame."""
    header = frames[0].header
    decoder, plugin = _decoder(syntax, header.path)
    numbers = [frame.number for frame in frames]
    every = numbers == list(range(1, int(header.dataset.get("NumberOfFrames") or 1) + 1))
    indices = None if every else [number - 1 for number in numbers]
    try:
        for pixels, _ in decoder.iter_array(dataset, indices=indices, raw=True, decoding_plugin=plugin):
            yield pixels
    except _decoding_errors() as error:
        raise _damaged(header.path) from error


def _decoder(syntax: UID, path: Path) -> tuple[Decoder, str]:
    """The decoder for a transfer syntax and the plugin that it is to use."""
    from pydicom.pixels.decoders.base import get_decoder

    plugin = _plugin(syntax)
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        # What get_decoder raises where pydicom has no decoder for the transfer syntax: the user is told below.
        decoder = None
    if decoder is None or (plugin and plugin not in decoder.available_plugins):
        raise InputError(
            f"{path} is stored as {syntax.name}, which cannot be decoded here; convert it to an uncompressed file."
        )
    return decoder, plugin


def _plugin(syntax: UID) -> str:
    """The pydicom plugin for a transfer syntax, "" for uncompressed data.

    Left to choose, pydicom takes any that is installed, and GDCM ends the process on some damaged JPEG-LS files.
    """
    from pydicom.uid import JPEGLSTransferSyntaxes, RLELossless

    if not syntax.is_encapsulated:
        return ""
    if syntax == RLELossless:
        return "pydicom"
    return "pyjpegls" if syntax in JPEGLSTransferSyntaxes else "pylibjpeg"


def _require_fitting_length(dataset: Dataset, frame: Frame) -> None:
    """Refuse pixel data that is longer than the header says by a row or more: rows or columns must be wrong.

    Shorter data is refused by pydicom itself.
    """
    header = frame.header.dataset
    rows, columns = frame.shape
    row = columns * header.BitsAllocated / 8
    expected = rows * row * int(header.get("NumberOfFrames") or 1)
    if len(dataset.PixelData) >= expected + max(row, 2):
        raise _damaged(frame.header.path)


def _real_values(pixels: NDArray, frame: Frame, dataset: Dataset) -> NDArray:
    if "ModalityLUTSequence" in dataset:
        from pydicom.pixels.processing import apply_modality_lut

        try:
            return apply_modality_lut(pixels, dataset)
        except _decoding_errors() as error:
            raise _damaged(frame.header.path) from error
    slope, intercept = frame.rescale
    if (slope, intercept) == (1.0, 0.0):
        return pixels
    # Double precision holds 32-bit whole numbers exactly; the result is brought to the volume's type on storing it.
    return pixels * slope + intercept
