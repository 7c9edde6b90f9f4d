"""One embedding as bytes: the file format of the cache.

Magic, length of the header (4 bytes, little-endian), a header in JSON (key, grid, names and shapes of the arrays) with
spaces up to a multiple of 64 bytes, the arrays in little-endian C order, and the CRC-32 of all of it. safetensors would
hold the same arrays, but has no checksum, and a damaged array would silently become a wrong mask.
"""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ..models.interface import Embedding
from ..slicegrid import SliceGrid

if TYPE_CHECKING:
    from .key import EmbeddingKey

# Models' embeddings have 1 to 2 MiB; nothing larger is written, so a larger file is foreign and is not read.
LARGEST_ENTRY = 64 << 20

_MAGIC = b"SAMSEMB1"
_PREFIX = len(_MAGIC) + 4
_CHECKSUM = 4
_ALIGNMENT = 64
_LONGEST_HEADER = 16 << 10
_LONGEST_SIDE = 1 << 20
_MOST_DIMENSIONS = 4
_TYPES = {name: np.dtype(name).newbyteorder("<") for name in ("float16", "float32", "uint8")}


class DamagedEntryError(Exception):
    """A file of the cache is not what was written: cut, altered, foreign, or of another slice."""


def pack(key: EmbeddingKey, embedding: Embedding) -> list[bytes | memoryview]:
    """The whole file of one embedding, in pieces, so that nothing is copied.

    :raises ValueError: an array is of a type or number of dimensions that no model's embedding has.
    """
    header = _header(key, embedding)
    arrays = [np.ascontiguousarray(array, _TYPES[array.dtype.name]) for array in embedding.arrays.values()]
    content: list[bytes | memoryview] = [header, *(array.reshape(-1).view(np.uint8).data for array in arrays)]
    return [*content, _checksum(*content)]


def packed_size(key: EmbeddingKey, embedding: Embedding) -> int:
    """Bytes that :func:`pack` makes."""
    return len(_header(key, embedding)) + sum(array.nbytes for array in embedding.arrays.values()) + _CHECKSUM


def unpack(stream: BinaryIO, size: int, key: EmbeddingKey) -> Embedding:
    """The embedding in a file, checked as a whole before anything in it is believed.

    :param size: of the file in bytes, as the operating system says.
    :raises DamagedEntryError: it is not the embedding of this key as it was written.
    """
    if not _PREFIX + _CHECKSUM <= size <= LARGEST_ENTRY:
        raise DamagedEntryError(f"{size} bytes are no embedding")
    buffer = np.empty(size, np.uint8)
    if stream.readinto(buffer.data) != size:  # type: ignore[attr-defined]  # BinaryIO lacks what every binary file has
        raise DamagedEntryError("it is shorter than it was")
    content = buffer.data[:-_CHECKSUM]
    if _checksum(content) != buffer[-_CHECKSUM:].tobytes():
        raise DamagedEntryError("its checksum differs")
    header, start = _parse_header(bytes(content[: _PREFIX + _LONGEST_HEADER]))
    if header.get("key") != asdict(key):
        raise DamagedEntryError("it is of another slice")
    return Embedding(_arrays(header, content, start), _grid(header))


def read_model(stream: BinaryIO) -> str:
    """The name of the model that made the embedding in a file.

    :raises DamagedEntryError: the header cannot be read; the arrays are not looked at.
    """
    header, _ = _parse_header(stream.read(_PREFIX + _LONGEST_HEADER))
    key = header.get("key")
    model = key.get("model") if isinstance(key, dict) else None
    if not isinstance(model, str):
        raise DamagedEntryError("it names no model")
    return model


def _header(key: EmbeddingKey, embedding: Embedding) -> bytes:
    described = {
        "key": asdict(key),
        "source_shape": [int(side) for side in embedding.grid.source_shape],
        "model_shape": [int(side) for side in embedding.grid.model_shape],
        "arrays": [_described(name, array) for name, array in embedding.arrays.items()],
    }
    text = json.dumps(described).encode()
    # Arrays begin at a multiple of 64 bytes in the file, so they are aligned in memory when it is read.
    text += b" " * (-(_PREFIX + len(text)) % _ALIGNMENT)
    return _MAGIC + len(text).to_bytes(4, "little") + text


def _described(name: str, array: np.ndarray) -> dict[str, Any]:
    if array.dtype.name not in _TYPES or array.ndim > _MOST_DIMENSIONS:
        raise ValueError(f"an embedding is not kept as {array.dtype} in {array.ndim} dimensions")
    return {"name": name, "type": array.dtype.name, "shape": list(array.shape)}


def _parse_header(start: bytes) -> tuple[dict[str, Any], int]:
    """The header, and the offset of the first array."""
    if start[: len(_MAGIC)] != _MAGIC:
        raise DamagedEntryError("it does not begin as an embedding")
    length = int.from_bytes(start[len(_MAGIC) : _PREFIX], "little")
    end = _PREFIX + length
    if length > _LONGEST_HEADER or end > len(start):
        raise DamagedEntryError(f"a header of {length} bytes is none of ours")
    try:
        header = json.loads(start[_PREFIX:end])
    except (ValueError, RecursionError) as error:
        raise DamagedEntryError("its header is no JSON") from error
    if not isinstance(header, dict):
        raise DamagedEntryError("its header is no JSON object")
    return header, end


def _grid(header: dict[str, Any]) -> SliceGrid:
    rows, columns = _whole_numbers(header.get("source_shape"), 2)
    model_rows, model_columns = _whole_numbers(header.get("model_shape"), 2)
    return SliceGrid((rows, columns), (model_rows, model_columns))


def _arrays(header: dict[str, Any], content: memoryview, start: int) -> dict[str, np.ndarray]:
    described = header.get("arrays")
    if not isinstance(described, list) or not all(isinstance(item, dict) for item in described):
        raise DamagedEntryError("it does not say what arrays it holds")
    arrays: dict[str, np.ndarray] = {}
    for item in described:
        name, kind, sides = item.get("name"), item.get("type"), item.get("shape")
        if not isinstance(name, str) or not isinstance(kind, str) or kind not in _TYPES or not isinstance(sides, list):
            raise DamagedEntryError("one of its arrays is none of ours")
        shape = _whole_numbers(sides, min(len(sides), _MOST_DIMENSIONS))
        count = math.prod(shape)
        end = start + count * _TYPES[kind].itemsize
        if end > len(content):
            raise DamagedEntryError("its arrays are longer than the file")
        arrays[name] = np.frombuffer(content, _TYPES[kind], count, start).reshape(shape)
        start = end
    if start != len(content):
        raise DamagedEntryError("there is more in it than its arrays")
    return arrays


def _whole_numbers(values: Any, count: int) -> tuple[int, ...]:
    if not isinstance(values, list) or len(values) != count:
        raise DamagedEntryError("a shape in it is none")
    if not all(type(value) is int and 0 < value <= _LONGEST_SIDE for value in values):
        raise DamagedEntryError("a shape in it is no shape")
    return tuple(values)


def _checksum(*content: bytes | memoryview) -> bytes:
    value = 0
    for piece in content:
        value = zlib.crc32(piece, value)
    return value.to_bytes(_CHECKSUM, "little")
