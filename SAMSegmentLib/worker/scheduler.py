"""What the worker does next: whoever waits for a mask first, what somebody looks at second, the rest after that.

No threads and no clock: the worker's loop asks :meth:`Scheduler.next` after each unit of work. A unit is an answer, a
slice of a propagation, or, where nobody waits for it, a step of encoding: part of a slice on the CPU, a batch of slices
on a graphics processor.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..geometry import Orientation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .messages import Predict

SliceKey = tuple[Orientation, int]

# How many slices are encoded before the user gets there: onward in the direction of scrolling, and behind.
_AHEAD, _BEHIND = 4, 2

# How many newer predictions may pass the oldest, and how many in a row all other work. A preview that follows the mouse
# over an encoded slice is asked for again before the last is answered; without an end to that a click elsewhere would
# wait until the mouse rests, and so would the encoding of the volume.
_OVERTAKING = 8


@dataclass(frozen=True)
class Answering:
    """Answer this request."""

    request: Predict


@dataclass(frozen=True)
class Propagating:
    """Carry this propagation on by one slice."""

    id: int


@dataclass(frozen=True)
class Encoding:
    """Carry the encoding of these slices on by one step.

    :param sweep: the request that they belong to, which is finished when there are no slices; None for what the user
        looks at.
    """

    slices: tuple[SliceKey, ...]
    sweep: int | None = None


Work = Answering | Propagating | Encoding


@dataclass
class _Sweep:
    id: int
    orientation: Orientation
    left: set[int]


class Scheduler:
    """The worker's queues.

    :param slice_counts: the volume's number of slices of each orientation.
    :param is_encoded: whether a slice's embedding is at hand.
    :param batch: slices that are encoded together when nobody waits.
    """

    def __init__(
        self, slice_counts: Mapping[Orientation, int], is_encoded: Callable[[SliceKey], bool], batch: int = 1
    ) -> None:
        self._slice_counts = slice_counts
        self._is_encoded = is_encoded
        self.batch = batch
        self.paused = False
        self._predictions: dict[int, Predict] = {}
        self._overtaken = 0  # how often the oldest prediction has been
        self._in_a_row = 0  # predictions since other work was done last
        self._under_way: Encoding | None = None
        self._propagations: deque[int] = deque()
        self._sweeps: deque[_Sweep] = deque()
        # Newest first; each is handed out once, so that a cache too small for them cannot make work without end.
        self._visible: deque[SliceKey] = deque()
        self._neighbours: deque[SliceKey] = deque()
        self._looked_at: dict[Orientation, int] = {}
        self._onward: dict[Orientation, int] = {}  # 1 or -1: where the user scrolled last

    # --- what is asked for

    def add_prediction(self, request: Predict) -> None:
        """Answer these prompts soon; a request in the same slot that waits yet is dropped."""
        if request.slot is not None:
            overtaken = [other.id for other in self._predictions.values() if other.slot == request.slot]
            for number in overtaken:
                del self._predictions[number]
        self._predictions[request.id] = request

    def add_propagation(self, number: int) -> None:
        """Carry a propagation on until :meth:`finish` or :meth:`cancel`."""
        self._propagations.append(number)

    def add_sweep(self, number: int, orientation: Orientation, first: int, last: int) -> None:
        """Encode slices when nothing else is to be done."""
        self._sweeps.append(_Sweep(number, orientation, set(range(first, last + 1))))

    def focus(self, orientation: Orientation, index: int) -> None:
        """Somebody looks at this slice: it comes next, then those that scrolling on would show."""
        before = self._looked_at.get(orientation, index)
        self._looked_at[orientation] = index
        if index != before:
            self._onward[orientation] = 1 if index > before else -1
        onward = self._onward.get(orientation, 1)
        self._visible = deque(key for key in self._visible if key[0] is not orientation)
        self._visible.appendleft((orientation, index))
        steps = [*(onward * step for step in range(1, _AHEAD + 1)), *(-onward * step for step in range(1, _BEHIND + 1))]
        others = (key for key in self._neighbours if key[0] is not orientation)
        self._neighbours = deque([*((orientation, index + step) for step in steps), *others])

    def cancel(self, number: int) -> None:
        """Forget a request of any kind; nothing happens when there is none of that number."""
        self._predictions.pop(number, None)
        if number in self._propagations:
            self._propagations.remove(number)
        self._sweeps = deque(sweep for sweep in self._sweeps if sweep.id != number)
        if self._under_way and self._under_way.sweep == number:
            self._under_way = None

    finish = cancel

    def finish_encoding(self) -> None:
        """The slices that :meth:`next` gave last are encoded, or cannot be."""
        self._under_way = None

    # --- what is to be done

    def next(self) -> Work | None:
        """The next unit of work, None when there is none.

        Predictions leave the queue; propagations, and an encoding that was begun, come again until they are finished.
        """
        prediction = self._first_prediction()
        other = self._next_other() if prediction is None or self._in_a_row == _OVERTAKING else None
        if other is not None or prediction is None:
            self._in_a_row = 0
            return other
        self._in_a_row = min(self._in_a_row + 1, _OVERTAKING)
        return Answering(self._take_prediction(prediction))

    def remaining(self, number: int) -> int:
        """How many slices of a sweep are left."""
        return next((len(sweep.left) for sweep in self._sweeps if sweep.id == number), 0)

    def _take_prediction(self, number: int) -> Predict:
        oldest = next(iter(self._predictions))
        self._overtaken = 0 if number == oldest else self._overtaken + 1
        return self._predictions.pop(number)

    def _first_prediction(self) -> int | None:
        """Those that need no encoding in the order in which they came; else the newest, where the user is now.

        None where there is none, or where the slice of that one is being encoded: it waits for the end of that.
        """
        if not self._predictions:
            return None
        if self._overtaken >= _OVERTAKING:
            first = next(iter(self._predictions))
        else:
            first = next(
                (number for number, request in self._predictions.items() if self._is_encoded(_slice_of(request))),
                next(reversed(self._predictions)),
            )
        is_under_way = self._under_way and _slice_of(self._predictions[first]) in self._under_way.slices
        return None if is_under_way else first

    def _next_other(self) -> Work | None:
        if self._under_way is not None:
            return self._under_way
        if self._propagations:
            return Propagating(self._propagations[0])
        work = None if self.paused else self._next_looked_at() or self._next_of_sweep()
        self._under_way = work if work and work.slices else None
        return work

    def _next_looked_at(self) -> Encoding | None:
        for queue in (self._visible, self._neighbours):
            while queue:
                key = queue.popleft()
                if self._is_wanted(key):
                    return Encoding((key,))
        return None

    def _is_wanted(self, key: SliceKey) -> bool:
        orientation, index = key
        return 0 <= index < self._slice_counts[orientation] and not self._is_encoded(key)

    def _next_of_sweep(self) -> Encoding | None:
        if not self._sweeps:
            return None
        sweep = self._sweeps[0]
        # From where the user looks outward: scrolling gets there first.
        centre = self._looked_at.get(sweep.orientation, min(sweep.left, default=0))
        batch: list[SliceKey] = []
        for index in sorted(sweep.left, key=lambda index: (abs(index - centre), index)):
            if len(batch) == self.batch:
                break
            sweep.left.remove(index)
            if self._is_wanted((sweep.orientation, index)):
                batch.append((sweep.orientation, index))
        return Encoding(tuple(batch), sweep.id)


def _slice_of(request: Predict) -> SliceKey:
    return Orientation(request.orientation), request.index
