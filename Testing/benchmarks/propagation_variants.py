"""The ways to propagate that the benchmark compares: the baseline's projections, ours, and ours with parts left out."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest import mock

from SAMSegmentLib.propagation import propagate
from Testing.benchmarks.asking import ask_and_score, ask_with_points
from Testing.benchmarks.micro_sam_routine import Projection, propagate_as_micro_sam

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from SAMSegmentLib.evaluation.propagation import Propagator
    from SAMSegmentLib.propagation import PropagatedSlice, PropagationRequest, SliceSource


@dataclass(frozen=True)
class Variant:
    """One way to propagate.

    :param name: for the tables and for ``--variants``.
    :param propagator: what is called; where ours itself is changed it stays ``propagate``.
    :param request: members of the request that are set, such as ``{"smooth": True}``.
    :param patches: what is replaced while it runs, by dotted names within SAMSegmentLib, such as
        ``{"propagation.follow._SHAPE_WEIGHT": 0.0}``.
    """

    name: str
    propagator: Propagator = propagate
    request: Mapping[str, Any] = field(default_factory=dict)
    patches: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, source: SliceSource, request: PropagationRequest) -> Iterator[PropagatedSlice]:
        """Propagate in this way."""
        with ExitStack() as stack:
            for name, value in self.patches.items():
                stack.enter_context(mock.patch(f"SAMSegmentLib.{name}", value))
            yield from self.propagator(source, replace(request, **self.request))


OURS = Variant("ours")

BASELINES = tuple(
    Variant(f"micro-sam, {projection.value}", partial(propagate_as_micro_sam, projection=projection))
    for projection in Projection
)

# Each leaves one part out, or puts one in.
ABLATIONS: tuple[Variant, ...] = (
    Variant("masks not moved", patches={"propagation.follow.carried": lambda values, *_: values}),
    Variant("no mask prompt", patches={"propagation.keys.Keys.logits_side": lambda *_: None}),
    Variant("points too", patches={"propagation.follow._ask": partial(ask_with_points, keeps_box=True)}),
    Variant("points, no box", patches={"propagation.follow._ask": partial(ask_with_points, keeps_box=False)}),
    Variant("candidates scored", patches={"propagation.follow._ask": ask_and_score}),
    Variant("model alone, no shape", patches={"propagation.follow._SHAPE_WEIGHT": 0.0}),
    Variant("end: no grey values", patches={"propagation.appearance.Greys.likeness": lambda *_: 0.0}),
    Variant("end: no agreement", patches={"propagation.follow._SMALLEST_AGREEMENT": 1.0}),
    Variant("end: no waist", patches={"propagation.ending._WAIST": 0.0}),
    Variant("no end", patches={"propagation.ending.Ending.is_reached": lambda *_: False}),
    Variant(
        "hard seam",
        patches={"propagation.fusion._share": lambda own, other: float(own.distance_mm < other.distance_mm)},
    ),
    Variant("second pass", request={"smooth": True}),
    Variant("connected", request={"connected": True}),
    Variant("holes filled", request={"fill_holes": True}),
)

VARIANTS = {variant.name: variant for variant in (*BASELINES, OURS, *ABLATIONS)}
