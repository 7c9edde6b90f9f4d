"""What one click makes of a slice that propagation got wrong: alone, and with the box of the mask that is there.

Run: ``python -m Testing.benchmarks.correction ../shared/data [--slices 3] [--case NAMES] [--model builtin]``.
Structures are propagated from one key slice, the model's answer to the reference's tight box; in each, the slices of
least confidence that show the structure are clicked on once, at the deepest point of the error.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from SAMSegmentLib.cli.report import table
from SAMSegmentLib.clicks import with_click
from SAMSegmentLib.embeddings import DEFAULT_MEMORY_BYTES, EmbeddingCache
from SAMSegmentLib.evaluation.cases import find_cases, read_case
from SAMSegmentLib.evaluation.metrics import overlap
from SAMSegmentLib.evaluation.modes import PROPAGATION_MODES
from SAMSegmentLib.evaluation.propagation import PropagationSettings, StructurePropagation, plan_structures
from SAMSegmentLib.evaluation.protocol import corrective_click
from SAMSegmentLib.geometry import Orientation, slice_count
from SAMSegmentLib.models.load import load_model
from SAMSegmentLib.prompts import Point, to_slice_prompts
from SAMSegmentLib.propagation import PropagationRequest, propagate
from SAMSegmentLib.segmentstate import SegmentState, SliceMask
from SAMSegmentLib.worker.volumemodel import VolumeModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from SAMSegmentLib.evaluation.propagation import StructurePlan
    from SAMSegmentLib.models.interface import PromptableModel
    from SAMSegmentLib.propagation import PropagatedSlice

_AXIAL = Orientation.AXIAL


def main() -> None:
    """Run, and print the means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", type=Path)
    parser.add_argument("--case", nargs="+", help="only cases of these names")
    parser.add_argument("--per-case", type=int, default=24, help="structures of each case (default 24)")
    parser.add_argument("--slices", type=int, default=3, help="slices of each structure (default 3)")
    parser.add_argument("--model", default="builtin")
    options = parser.parse_args()
    settings = PropagationSettings(PROPAGATION_MODES, _AXIAL, "auto")
    cases = [files for files in find_cases(options.cases) if not options.case or files.name in options.case]
    plans = plan_structures(cases, settings, per_case=options.per_case)
    model = load_model(options.model, device="cpu")
    dice = np.array([row for plan in tqdm(plans, disable=None) for row in _rows(plan, model, options.slices)])
    rows = [["slices", "propagated", "click alone", "click and box", "worse than propagated: alone", "with box"]]
    worse = [f"{np.mean(dice[:, way] < dice[:, 0]):.0%}" for way in (1, 2)]
    rows.append([str(len(dice)), *(f"{mean:.3f}" for mean in dice.mean(axis=0)), *worse])
    print(*table(rows), sep="\n")


def _rows(plan: StructurePlan, model: PromptableModel, count: int) -> Iterator[tuple[float, float, float]]:
    """Dice of clicked slices: as propagated, after a click alone, after a click with the box."""
    case = read_case(plan.files)
    source = VolumeModel(model, case.image, plan.window, EmbeddingCache(DEFAULT_MEMORY_BYTES))
    for target in plan.targets:
        structure = StructurePropagation(case, target, _AXIAL)
        key_masks = structure.key_masks(source, 1)
        if not key_masks:
            continue
        request = PropagationRequest(_AXIAL, key_masks, 0, slice_count(case.image, _AXIAL) - 1)
        reached = [item for item in propagate(source, request) if item.mask.any()]
        shown = [item for item in reached if item.plane.extract(structure.reference).any()]
        for item in sorted(shown, key=lambda item: item.confidence)[:count]:
            yield from _clicked(source, item, item.plane.extract(structure.reference))


def _clicked(
    source: VolumeModel, reached: PropagatedSlice, reference: NDArray[np.bool_]
) -> Iterator[tuple[float, float, float]]:
    click = corrective_click(reached.mask, reference)
    if click is None:
        return
    (column, row), positive = click
    plane = reached.plane
    key = plane.orientation, plane.index
    state = SegmentState("structure", (1, 2, 3), masks={key: SliceMask.propagated(reached)})
    with_box = with_click(source.volume, state, key, Point(plane.pixel_to_ijk(column, row), positive))
    ways = [to_slice_prompts(prompts, plane) for prompts in (replace(with_box, boxes=()), with_box)]
    alone, boxed = (answer.masks[answer.best] for answer in source.decode(plane, ways))
    dice = [overlap(mask, reference).dice for mask in (reached.mask, alone, boxed)]
    yield dice[0], dice[1], dice[2]


if __name__ == "__main__":
    main()
