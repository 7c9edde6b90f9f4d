"""Reference masks: label images, and Slicer's segmentation files with their names and layers."""

from __future__ import annotations

import json
import math
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..geometry import apply_transform
from ..io.checks import check_memory, check_readable, unreadable
from ..io.read import read_volume

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ..volume import Volume

# Label and image are written by different programs: their corners may differ by the rounding of a header.
_GRID_TOLERANCE_MM = 0.05

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Structure:
    """One labelled structure: where its number stands, and what it is called."""

    name: str
    value: int
    layer: int = 0


@dataclass(frozen=True, eq=False)
class ReferenceLabels:
    """All reference masks of one image.

    :param layers: integers [layer, k, j, i] on the image's grid; several layers where structures overlap.
    :param structures: in the order of layer and number.
    """

    layers: NDArray
    structures: tuple[Structure, ...]


def read_reference(path: Path, image: Volume, names_path: Path | None = None) -> ReferenceLabels:
    """Read the reference masks of an image.

    :param path: a label image of any format that :func:`read_volume` takes, or a .seg.nrrd.
    :param image: what was labelled; the masks must be on its grid.
    :param names_path: JSON with the numbers' names, ``{"1": "spleen"}``; other keys are ignored.
    :raises InputError: cannot be read, holds no whole numbers or no structure, or is on another grid.
    """
    if path.name.lower().endswith(".seg.nrrd"):
        layers, ijk_to_ras, names = _read_segmentation(path)
    else:
        layers, ijk_to_ras = _read_label_image(path)
        names = _read_names(names_path) if names_path else {}
    _check_grid(path, layers, ijk_to_ras, image)
    structures = _structures(layers, names)
    if not structures:
        raise InputError(f"{path}: every voxel is 0, so nothing is labelled; give another label file.")
    return ReferenceLabels(layers, structures)


def _structures(layers: NDArray, names: dict[tuple[int, int], str]) -> tuple[Structure, ...]:
    """Every number in every layer; structures of one name are told apart by their place."""
    places = [(layer, int(value)) for layer, labels in enumerate(layers) for value in np.unique(labels) if value != 0]
    found = {place: names.get(place, f"label {place[1]}") for place in places}
    taken = Counter(found.values())
    return tuple(
        Structure(name if taken[name] == 1 else f"{name} ({layer}/{value})", value, layer)
        for (layer, value), name in found.items()
    )


def _read_label_image(path: Path) -> tuple[NDArray, NDArray[np.float64]]:
    labels = read_volume(path)
    values = labels.array
    # NIfTI labels are often stored as float.
    whole = values if values.dtype.kind in "iu" else np.rint(values)
    if not np.array_equal(whole, values):
        raise InputError(f"{path}: its values are not whole numbers, so it is no label image; give the labels.")
    return whole.astype(np.int32, copy=False)[None], labels.ijk_to_ras


def _read_names(path: Path) -> dict[tuple[int, int], str]:
    check_readable(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise unreadable(path, error) from None
    except ValueError as error:  # not JSON, or not UTF-8
        raise InputError(f"{path}: is not JSON ({error}); repair it or remove it.") from None
    if not isinstance(data, dict):
        raise InputError(f'{path}: must be an object such as {{"1": "spleen"}}; repair it or remove it.')
    return {(0, int(number)): str(name) for number, name in data.items() if number.isdecimal()}


def _read_segmentation(path: Path) -> tuple[NDArray, NDArray[np.float64], dict[tuple[int, int], str]]:
    """Layers, geometry and names of a .seg.nrrd; the fields are those of Slicer's developer guide, "Segmentations"."""
    import nrrd

    check_readable(path)
    try:
        header = nrrd.read_header(str(path))
        _check_segmentation_header(path, header)
        array, _ = nrrd.read(str(path), index_order="C")
    except OSError as error:
        raise unreadable(path, error) from None
    except (nrrd.NRRDError, ValueError, KeyError, EOFError, zlib.error) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read as a segmentation ({reason}); export it again.") from None
    layers = np.moveaxis(array, -1, 0) if array.ndim == 4 else array[None]
    return layers.astype(np.int32, copy=False), _segmentation_geometry(header), _segment_names(header)


def _check_segmentation_header(path: Path, header: dict[str, Any]) -> None:
    """Refuse what Slicer does not write before any voxel is read."""
    sizes = [int(size) for size in header["sizes"]]
    directions, origin = np.asarray(header.get("space directions")), np.asarray(header.get("space origin"))
    is_shaped = len(sizes) in {3, 4} and directions.shape == (len(sizes), 3) and origin.shape == (3,)
    if not is_shaped or header.get("space") != "left-posterior-superior":
        raise InputError(f"{path}: is not a segmentation as Slicer writes it; export it again from Slicer.")
    if "data file" in header or "datafile" in header:
        raise InputError(f"{path}: keeps its voxels in another file; save the segmentation as one .seg.nrrd.")
    # The stored form, the array, and the integers that it becomes.
    check_memory(math.prod(sizes) * 8, str(path))


def _segmentation_geometry(header: dict[str, Any]) -> NDArray[np.float64]:
    directions = np.asarray(header["space directions"], dtype=np.float64)[-3:]
    ijk_to_ras = np.eye(4)
    ijk_to_ras[:3, :3] = _LPS_TO_RAS @ directions.T
    ijk_to_ras[:3, 3] = _LPS_TO_RAS @ np.asarray(header["space origin"], dtype=np.float64)
    return ijk_to_ras


def _segment_names(header: dict[str, Any]) -> dict[tuple[int, int], str]:
    """The name for each (layer, label value)."""
    names = {}
    for key, name in header.items():
        number = key.removeprefix("Segment").removesuffix("_Name")
        if key.endswith("_Name") and number.isdecimal():
            layer = int(header.get(f"Segment{number}_Layer", 0))
            names[layer, int(header.get(f"Segment{number}_LabelValue", 1))] = str(name)
    return names


def _check_grid(path: Path, layers: NDArray, ijk_to_ras: NDArray[np.float64], image: Volume) -> None:
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)]) * (np.array(image.shape_ijk) - 1)
    is_same = layers.shape[1:] == image.array.shape and np.allclose(
        apply_transform(ijk_to_ras, corners),
        apply_transform(image.ijk_to_ras, corners),
        rtol=0,
        atol=_GRID_TOLERANCE_MM,
    )
    if not is_same:
        raise InputError(f"{path}: is not on the grid of {image.name or 'its image'}; resample it to that image.")
