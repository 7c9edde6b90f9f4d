"""Draw the built-in model's masks on four volumes that were named beforehand: one row each.

Run: ``python Testing/benchmarks/model_montage.py ../shared/data docs/images/builtin-masks.png``. Nothing is chosen by
result: the slice is the middle one of the axial slices that show the structure, the prompts are those of the simulated
user (tight box; a click on the centre; four corrections at the largest error after it). The brain is that of
``samsegment demo`` with the demo's own prompts and has no reference.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from SAMSegmentLib.evaluation.cases import find_cases, read_case
from SAMSegmentLib.evaluation.metrics import overlap
from SAMSegmentLib.evaluation.modes import TIGHT, Start
from SAMSegmentLib.evaluation.protocol import SimulatedUser, starting_prompts
from SAMSegmentLib.evaluation.targets import find_targets, reference_scale, target_mask
from SAMSegmentLib.geometry import Orientation, SlicePlane, slice_plane
from SAMSegmentLib.intensity import resolve_window, to_8bit
from SAMSegmentLib.io.read import read_volume
from SAMSegmentLib.models.load import load_model
from SAMSegmentLib.preview import SliceView, montage
from SAMSegmentLib.prompts import Box, Point, PromptSet, SlicePrompts
from SAMSegmentLib.segments import Segment
from SAMSegmentLib.slicegrid import SliceImage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from SAMSegmentLib.models.interface import Embedding, PromptableModel
    from SAMSegmentLib.volume import Volume, Window

# Case, structure and how the row is called.
ROWS = (
    ("ct-abdomen-totalseg", "liver", "CT abdomen: liver"),
    ("mr-abdomen-totalseg", "spleen", "MR abdomen: spleen"),
    ("mr-spine-sct-t2", "spinal cord", "MR spine: cord"),
)
# Of `samsegment demo`: one click, and a box (column0, row0, column1, row1) in pixels of the slice.
BRAIN_SLICE, BRAIN_CLICK, BRAIN_CORNERS = 12, (64, 30, 12), ((32, 2, 12), (95, 89, 12))

MODEL, REFERENCE = ("model", (255, 200, 40)), ("reference", (70, 220, 120))
TILE = 256  # pixels
CORRECTIONS = 4


@dataclass(frozen=True, eq=False)
class Slice:
    """One slice to segment, and where its pictures go."""

    volume: Volume
    window: Window
    plane: SlicePlane

    @property
    def image(self) -> SliceImage:
        """The slice as the model takes it."""
        pixels = self.plane.extract(self.volume.array)
        return SliceImage(to_8bit(pixels, self.window, inverted=self.volume.inverted), self.plane.spacing)

    def tile(self, title: str, mask: NDArray[np.bool_] | None, prompts: SlicePrompts, method=MODEL) -> Image.Image:
        """The slice with a mask [row, column] of a method (name, colour) and prompts under a title."""
        segments = []
        name, color = method
        if mask is not None:
            voxels = np.zeros(self.volume.array.shape, dtype=bool)
            self.plane.extract(voxels)[...] = mask
            segments = [Segment(name, color, voxels)]
        view = SliceView(self.plane.orientation, self.plane.index, ((self._prompt_set(prompts), color),))
        return montage(self.volume, self.window, segments, [view], title=title, tile_side=TILE)

    def _prompt_set(self, prompts: SlicePrompts) -> PromptSet:
        result = PromptSet(self.plane.orientation, self.plane.index)
        for (column, row), positive in zip(prompts.points, prompts.positive, strict=True):
            result = result.with_point(Point(self.plane.pixel_to_ijk(column, row), bool(positive)))
        if prompts.box is not None:
            corners = [self.plane.pixel_to_ijk(*prompts.box[:2]), self.plane.pixel_to_ijk(*prompts.box[2:])]
            low, high = np.min(corners, axis=0).tolist(), np.max(corners, axis=0).tolist()
            result = result.with_box(Box(tuple(low), tuple(high)))
        return result


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", type=Path, help="folder of the evaluation's cases")
    parser.add_argument("picture", type=Path, help="PNG to write")
    options = parser.parse_args()
    model = load_model("builtin", device="cpu")
    rows = [brain_row(model)]
    for name, structure, title in ROWS:
        rows.append(case_row(model, options.cases / name, structure, title))
    stacked(rows).save(options.picture, optimize=True)


def case_row(model: PromptableModel, folder: Path, structure: str, title: str) -> list[Image.Image]:
    """Reference, tight box, one click, five clicks."""
    [files_of_case] = find_cases(folder)
    case = read_case(files_of_case)
    targets = [each for each in find_targets(case, Orientation.AXIAL) if each.structure.name == structure]
    target = targets[len(targets) // 2]
    plane = slice_plane(case.image, Orientation.AXIAL, target.index)
    reference = target_mask(case, plane, target.structure)
    where = Slice(case.image, resolve_window(case.image), plane)
    [embedding] = model.encode([where.image])
    tiles = [where.tile(title, reference, SlicePrompts(), REFERENCE)]
    for name, start, corrections in (
        ("tight box", Start(box=TIGHT), 0),
        ("1 click", Start(point=True), 0),
        (f"{1 + CORRECTIONS} clicks", Start(point=True), CORRECTIONS),
    ):
        mask, prompts = simulate(model, embedding, start, corrections, plane, reference)
        tiles.append(where.tile(f"{name}: Dice {overlap(mask, reference).dice:.2f}", mask, prompts))
    return tiles


def simulate(
    model: PromptableModel,
    embedding: Embedding,
    start: Start,
    corrections: int,
    plane: SlicePlane,
    reference: NDArray[np.bool_],
) -> tuple[NDArray[np.bool_], SlicePrompts]:
    """The last answer to a simulated user, and the prompts that it is for."""
    first = starting_prompts(start, reference, plane.spacing, reference_scale(plane), np.random.default_rng(0))
    user = SimulatedUser(first, reference, plane.spacing, corrections=corrections, until_goal=False)
    while True:
        asked = user.prompts
        user.see(model.decode(embedding, [asked])[0])
        if user.is_content:
            return user.steps[-1].mask, asked


def brain_row(model: PromptableModel) -> list[Image.Image]:
    """The demo's brain: without a mask, box, click, both."""
    with as_file(files("nibabel") / "tests" / "data" / "example4d.nii.gz") as path:
        volume = read_volume(Path(path), frame=0)
    plane = slice_plane(volume, Orientation.AXIAL, BRAIN_SLICE)
    where = Slice(volume, resolve_window(volume, "full"), plane)
    click = np.array([plane.ijk_to_pixel(BRAIN_CLICK)], dtype=np.float64)
    corners = np.array([plane.ijk_to_pixel(corner) for corner in BRAIN_CORNERS], dtype=np.float64)
    box = SlicePrompts(box=(*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist()))
    point = SlicePrompts(points=click, positive=np.array([True]))
    asked = {"box": box, "1 click": point, "box and click": replace(point, box=box.box)}
    [embedding] = model.encode([where.image])
    answers = model.decode(embedding, list(asked.values()))
    tiles = [where.tile("MR brain (demo)", None, SlicePrompts())]
    for (name, prompts), answer in zip(asked.items(), answers, strict=True):
        tiles.append(where.tile(name, answer.masks[answer.best], prompts))
    return tiles


def stacked(rows: list[list[Image.Image]]) -> Image.Image:
    """Rows of tiles below each other."""
    width = max(tile.width for row in rows for tile in row)
    heights = [max(tile.height for tile in row) for row in rows]
    picture = Image.new("RGB", (width * max(len(row) for row in rows), sum(heights)))
    for number, row in enumerate(rows):
        for column, tile in enumerate(row):
            picture.paste(tile, (column * width, sum(heights[:number])))
    return picture


if __name__ == "__main__":
    main()
