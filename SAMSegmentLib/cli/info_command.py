"""``samsegment info``: what an image holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..geometry import Orientation, apply_transform, axis_codes, corner_voxels, obliqueness_degrees, slice_axis
from ..intensity import resolve_window
from ..io.choices import FrameChoiceNeededError, SeriesChoiceNeededError
from ..io.read import read_volume
from .report import print_json, print_line, print_notes, progress_bar, table

if TYPE_CHECKING:
    from pathlib import Path

    from ..io.choices import SeriesSummary
    from ..volume import Volume

# Below this a volume is not worth calling oblique.
_SMALLEST_OBLIQUENESS = 0.1


def run_info(image: Path, series: str | None, frame: int | None, *, as_json: bool) -> None:
    """Print what an image holds; a folder of several series is listed series by series."""
    try:
        volume, frame_count = _read(image, series, frame)
    except SeriesChoiceNeededError as choice:
        _print_series(choice.series, as_json=as_json)
        return
    data = describe(volume, frame_count)
    if as_json:
        print_json(data)
        return
    print_notes(volume.notes)
    for line in _lines(data):
        print_line(line)


def _read(image: Path, series: str | None, frame: int | None) -> tuple[Volume, int]:
    with progress_bar("Reading", "slice") as progress:
        try:
            return read_volume(image, series=series, frame=frame, progress=progress), 1
        except FrameChoiceNeededError as choice:
            return read_volume(image, series=series, frame=0, progress=progress), choice.frame_count


def describe(volume: Volume, frame_count: int = 1) -> dict[str, Any]:
    """Everything ``info`` knows of a volume, as plain data; lengths in mm, positions in RAS."""
    positions = apply_transform(volume.ijk_to_ras, corner_voxels(volume.shape_ijk))
    window = resolve_window(volume)
    return {
        "name": volume.name,
        "modality": volume.modality,
        "shape_ijk": list(volume.shape_ijk),
        "frames": frame_count,
        "spacing_mm": [round(value, 6) for value in volume.spacing],
        "axes": axis_codes(volume.ijk_to_ras),
        "oblique_degrees": round(obliqueness_degrees(volume.ijk_to_ras), 3),
        "ijk_to_ras": volume.ijk_to_ras.tolist(),
        "ras_min": positions.min(axis=0).tolist(),
        "ras_max": positions.max(axis=0).tolist(),
        "voxel_type": str(volume.array.dtype),
        "values": [float(volume.array.min()), float(volume.array.max())],
        "auto_window": {"level": window.level, "width": window.width},
        "slices": {item.value: volume.shape_ijk[slice_axis(volume, item)] for item in Orientation},
        "slice_axis": {item.value: "ijk"[slice_axis(volume, item)] for item in Orientation},
        "fingerprint": volume.fingerprint,
        "notes": list(volume.notes),
    }


def _lines(data: dict[str, Any]) -> list[str]:
    oblique = data["oblique_degrees"]
    window = data["auto_window"]
    rows = [
        ["name", data["name"]],
        ["modality", data["modality"] or "unknown"],
        ["voxels", " x ".join(str(count) for count in data["shape_ijk"]) + "  (i, j, k)"],
        ["spacing", " x ".join(f"{value:.4g}" for value in data["spacing_mm"]) + " mm"],
        ["axes", data["axes"] + (f"  (oblique by {oblique:.1f} degrees)" if oblique > _SMALLEST_OBLIQUENESS else "")],
        ["extent", f"R {_span(data, 0)}, A {_span(data, 1)}, S {_span(data, 2)} mm  (voxel centres)"],
        ["values", f"{data['values'][0]:g} to {data['values'][1]:g}  ({data['voxel_type']})"],
        ["window", f"level {window['level']:g}, width {window['width']:g}  (auto)"],
        ["slices", ", ".join(f"{name} {n} (along {data['slice_axis'][name]})" for name, n in data["slices"].items())],
    ]
    if data["frames"] > 1:
        rows.append(["frames", f"{data['frames']}; choose one with --frame 0 to {data['frames'] - 1} (shown: 0)"])
    return table(rows)


def _span(data: dict[str, Any], axis: int) -> str:
    return f"{data['ras_min'][axis]:.1f} to {data['ras_max'][axis]:.1f}"


def _print_series(series: tuple[SeriesSummary, ...], *, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "series": item.selector,
                "modality": item.modality,
                "description": item.description,
                "images": item.image_count,
                "rows": item.shape[0],
                "columns": item.shape[1],
            }
            for item in series
        ]
        print_json({"series": rows})
        return
    print_line(f"{len(series)} series; choose one with --series:")
    rows_of_text = [["series", "modality", "images", "size", "description"]]
    for item in series:
        size = f"{item.shape[1]}x{item.shape[0]}"
        rows_of_text.append([item.selector, item.modality, str(item.image_count), size, item.description])
    for line in table(rows_of_text):
        print_line(line)
