"""Between the messages and the types that the rest of the library speaks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..errors import EngineError, InputError, ModelUnavailableError, OutputError, SAMSegmentError
from ..geometry import Orientation
from ..models.interface import Candidates
from ..prompts import Box, MaskPrompt, Point, PromptSet
from ..propagation import PropagatedSlice, PropagationRequest
from .channel import ChannelError
from .messages import Answer, EmbedAll, Failed, Focus, Packed, Predict, Propagate, SliceReached

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..geometry import IJK, SlicePlane
    from ..propagation import Interval
    from .interface import Timings

_ERRORS: dict[str, type[SAMSegmentError]] = {
    kind.__name__: kind for kind in (EngineError, InputError, ModelUnavailableError, OutputError)
}


def pack_bits(mask: NDArray[np.bool_]) -> Packed:
    """A bool array as bits."""
    return Packed(mask.shape, np.packbits(mask).tobytes())


def unpack_bits(packed: Packed) -> NDArray[np.bool_]:
    """The inverse of :func:`pack_bits`.

    :raises ChannelError: shape and bytes do not fit each other.
    """
    count = math.prod(packed.shape)
    if len(packed.data) != (count + 7) // 8:
        raise ChannelError("a mask of another size than it says")
    bits = np.frombuffer(packed.data, dtype=np.uint8)
    return np.unpackbits(bits, count=count).reshape(packed.shape).view(np.bool_)


def pack_numbers(values: NDArray[np.float32]) -> Packed:
    """A float32 array as bytes."""
    return Packed(values.shape, np.ascontiguousarray(values, dtype=np.float32).tobytes())


def unpack_numbers(packed: Packed) -> NDArray[np.float32]:
    """The inverse of :func:`pack_numbers`.

    :raises ChannelError: shape and bytes do not fit each other.
    """
    if len(packed.data) != 4 * math.prod(packed.shape):
        raise ChannelError("an array of another size than it says")
    # A copy: torch warns of arrays that it could write to and must not.
    values: NDArray[np.float32] = np.frombuffer(packed.data, dtype=np.float32).reshape(packed.shape).copy()
    return values


def predict_message(number: int, prompts: PromptSet, slot: str | None) -> Predict:
    """The request for the answer to one slice's prompts."""
    return Predict(
        id=number,
        orientation=prompts.orientation.value,
        index=int(prompts.index),
        points=[(_voxel(point.ijk), bool(point.positive)) for point in prompts.points],
        boxes=[(_voxel(box.ijk_min), _voxel(box.ijk_max)) for box in prompts.boxes],
        logits=pack_numbers(prompts.mask.logits) if prompts.mask else None,
        slot=slot,
    )


def prompts_of(message: Predict) -> PromptSet:
    """The prompts of a request."""
    return PromptSet(
        Orientation(message.orientation),
        message.index,
        tuple(Point(ijk, positive) for ijk, positive in message.points),
        tuple(Box(ijk_min, ijk_max) for ijk_min, ijk_max in message.boxes),
        MaskPrompt(unpack_numbers(message.logits)) if message.logits else None,
    )


def answer_message(number: int, candidates: Candidates, timings: Timings) -> Answer:
    """The answer to a request."""
    return Answer(
        id=number,
        masks=pack_bits(candidates.masks),
        predicted_iou=candidates.predicted_iou.tolist(),
        stability=candidates.stability.tolist(),
        logits=pack_numbers(candidates.logits),
        best=int(candidates.best),
        encode_ms=timings.encode_ms,
        decode_ms=timings.decode_ms,
    )


def candidates_of(message: Answer) -> Candidates:
    """The candidates of an answer.

    :raises ChannelError: its members do not fit each other.
    """
    masks, logits = unpack_bits(message.masks), unpack_numbers(message.logits)
    scores = (np.asarray(values, dtype=np.float32) for values in (message.predicted_iou, message.stability))
    predicted_iou, stability = scores
    if not len(masks) == len(logits) == len(predicted_iou) == len(stability) or not 0 <= message.best < len(masks):
        raise ChannelError("an answer whose members do not fit each other")
    return Candidates(masks, predicted_iou, stability, logits, message.best)


def propagate_message(number: int, request: PropagationRequest) -> Propagate:
    """The request to carry masks through the volume."""
    return Propagate(
        id=number,
        orientation=request.orientation.value,
        key_masks=[(int(index), pack_bits(mask)) for index, mask in sorted(request.key_masks.items())],
        first=int(request.first),
        last=int(request.last),
        only=None if request.only is None else [int(index) for index in request.only],
        stops=[int(index) for index in request.stops],
        farthest_mm=None if request.farthest_mm is None else float(request.farthest_mm),
        intervals=None if request.intervals is None else [_interval(*ends) for ends in request.intervals],
        smooth=bool(request.smooth),
        connected=bool(request.connected),
        fill_holes=bool(request.fill_holes),
    )


def embed_message(number: int, orientation: Orientation, first: int, last: int) -> EmbedAll:
    """The request to encode slices ahead of the user."""
    return EmbedAll(number, orientation.value, int(first), int(last))


def focus_message(orientation: Orientation, index: int) -> Focus:
    """Which slice the user looks at."""
    return Focus(orientation.value, int(index))


def propagation_of(message: Propagate) -> PropagationRequest:
    """The propagation of a request."""
    return PropagationRequest(
        Orientation(message.orientation),
        {index: unpack_bits(mask) for index, mask in message.key_masks},
        message.first,
        message.last,
        None if message.only is None else tuple(message.only),
        tuple(message.stops),
        message.farthest_mm,
        None if message.intervals is None else tuple(message.intervals),
        message.smooth,
        message.connected,
        message.fill_holes,
    )


def reached_message(number: int, position: int, reached: PropagatedSlice) -> SliceReached:
    """One slice of a propagation."""
    return SliceReached(
        id=number,
        position=position,
        index=reached.plane.index,
        mask=pack_bits(reached.mask),
        predicted_iou=reached.predicted_iou,
        stability=reached.stability,
        confidence=reached.confidence,
    )


def reached_of(message: SliceReached, plane: SlicePlane) -> PropagatedSlice:
    """The slice that a message tells of.

    :raises ChannelError: its members do not fit each other.
    """
    mask = unpack_bits(message.mask)
    return PropagatedSlice(plane, mask, message.predicted_iou, message.stability, message.confidence)


def _interval(low: int | None, high: int | None) -> Interval:
    return None if low is None else int(low), None if high is None else int(high)


def _voxel(ijk: IJK) -> tuple[int, int, int]:
    # Who counts with numpy has its integers, which are no msgpack.
    i, j, k = ijk
    return int(i), int(j), int(k)


def failed_message(number: int | None, error: SAMSegmentError) -> Failed:
    """An error as a message."""
    return Failed(number, type(error).__name__, str(error))


def error_of(message: Failed) -> SAMSegmentError:
    """The error that a message tells of."""
    return _ERRORS.get(message.kind, EngineError)(message.text)
