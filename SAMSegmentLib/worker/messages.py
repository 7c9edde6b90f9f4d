"""What host and worker process say to each other: plain data, checked when it is read (msgpack by msgspec).

A message that does not fit one of these types is refused when it is decoded: nothing is unpickled, and nothing is
looked up by name.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

# Slices and pixels are counted from 0; a volume side beyond this is refused by readers long before.
_Index = Annotated[int, msgspec.Meta(ge=0, lt=1 << 24)]
# What a user points at may lie outside of the volume: that is answered with an error, and no fault of the channel.
_Voxel = tuple[int, int, int]


class _Message(msgspec.Struct, tag=True):
    """Base of all messages; on the wire each carries the name of its type."""


class Packed(msgspec.Struct, frozen=True):
    """An array as bytes, in row order: bits where it is bool, else float32 numbers."""

    shape: tuple[_Index, ...]
    data: bytes


# --- from host to worker


class LoadModel(_Message):
    """Make the model; sent once, first.

    :param factory: ``module:function`` that makes the model from name, weights, device and precision.
    :param weights: path of a weights file, None for the catalogue's.
    :param threads: for torch; 0 leaves the choice to the worker.
    :param cache_bytes: memory for embeddings.
    :param disk_cache: whether embeddings are kept on disk, too.
    """

    factory: str
    model: str
    weights: str | None
    device: str
    precision: str
    threads: int
    cache_bytes: int
    disk_cache: bool


class Announce(_Message):
    """A file of voxels is about to be made: whoever is left removes it."""

    path: str


class OpenVolume(_Message):
    """Work on this volume from now on. The file holds the voxels [k, j, i] and nothing else; the worker removes it.

    :param window: (level, width) of the grey values that become black to white.
    """

    path: str
    dtype: str
    shape: tuple[int, int, int]
    ijk_to_ras: list[float]  # 16, row by row, mm
    inverted: bool
    window: tuple[float, float]


class Predict(_Message):
    """Answer the prompts of one slice.

    :param points: voxel and whether it is positive.
    :param boxes: inclusive corner voxels.
    :param logits: float32 [row, column] of a mask prompt with its shape, None when there is none.
    :param slot: a newer request in the same slot replaces this one; None: nothing does.
    """

    id: int
    orientation: str
    index: int
    points: list[tuple[_Voxel, bool]]
    boxes: list[tuple[_Voxel, _Voxel]]
    logits: Packed | None = None
    slot: str | None = None


class Propagate(_Message):
    """Carry the masks of key slices through ``first`` to ``last``.

    :param key_masks: slice index and its mask.

    The other members are those of ``PropagationRequest``.
    """

    id: int
    orientation: str
    key_masks: list[tuple[_Index, Packed]]
    first: _Index
    last: _Index
    only: list[_Index] | None
    stops: list[_Index]
    farthest_mm: float | None
    intervals: list[tuple[_Index | None, _Index | None]] | None
    smooth: bool
    connected: bool
    fill_holes: bool


class EmbedAll(_Message):
    """Encode the slices ``first`` to ``last`` (inclusive) when nothing else is to be done."""

    id: int
    orientation: str
    first: _Index
    last: _Index


class Focus(_Message):
    """The user looks at this slice now; a view may be scrolled out of the volume, where there is nothing to encode."""

    orientation: str
    index: int


class Cancel(_Message):
    """The answer to this request is not wanted any more."""

    id: int


class Pause(_Message):
    """Stop or go on with work that nobody waits for."""

    paused: bool


# --- from worker to host


class Heartbeat(_Message):
    """The worker lives."""


class Status(_Message):
    """What the worker is at while it starts."""

    text: str


class Ready(_Message):
    """The model is loaded."""

    model: str
    weights_sha256: str
    precision: str


class Counted(_Message):
    """Where embeddings have come from since the worker started; members are those of ``CacheCounts``."""

    memory_hits: int
    disk_hits: int
    misses: int


class Answer(_Message):
    """To :class:`Predict`; members are those of ``Candidates`` and ``Timings``."""

    id: int
    masks: Packed
    predicted_iou: list[float]
    stability: list[float]
    logits: Packed
    best: int
    encode_ms: float
    decode_ms: float


class SliceReached(_Message):
    """One slice of a propagation.

    :param position: how many slices it handed over before, an index that came twice counted twice.
    """

    id: int
    position: Annotated[int, msgspec.Meta(ge=0)]
    index: _Index
    mask: Packed
    predicted_iou: float
    stability: float
    confidence: float


class Progress(_Message):
    """Of :class:`EmbedAll`: slices that have an embedding now, of how many; ``encoded`` of them were computed."""

    id: int
    done: int
    total: int
    encoded: int


class Done(_Message):
    """A request that has no answer of its own is finished."""

    id: int


class Failed(_Message):
    """A request, or (id None) the worker as a whole, cannot go on; ``kind`` is the name of a ``SAMSegmentError``."""

    id: int | None
    kind: str
    text: str


class Notice(_Message):
    """Something the user should be told once."""

    text: str


class Log(_Message):
    """A log record; ``level`` as in :mod:`logging`."""

    level: int
    text: str


ToWorker = LoadModel | Announce | OpenVolume | Predict | Propagate | EmbedAll | Focus | Cancel | Pause
ToHost = Heartbeat | Status | Ready | Counted | Answer | SliceReached | Progress | Done | Failed | Notice | Log
