"""Embeddings and keys for tests of their cache."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from SAMSegmentLib.embeddings import DiskStore, EmbeddingKey
from SAMSegmentLib.models.interface import Embedding
from SAMSegmentLib.slicegrid import SliceGrid

KEY = EmbeddingKey(
    fingerprint="00ff:1,0,0,0,1,0,0,0,1,0,0,0",
    window="40.0,400.0",
    model="sam_vit_b",
    weights_sha256="ab" * 32,
    precision="float32",
    orientation="axial",
    index=0,
)


def key_of(index: int, **members: object) -> EmbeddingKey:
    return replace(KEY, index=index, **members)


def embedding_of(index: int, side: int = 32) -> Embedding:
    """Two arrays of ``(4 + 1) * side**2`` float16 that depend on ``index``."""
    random = np.random.default_rng(index)
    arrays = {
        "image": random.normal(size=(4, side, side)).astype(np.float16),
        "fine": random.normal(size=(1, side, side)).astype(np.float16),
    }
    return Embedding(arrays, SliceGrid((20, 30), (683, 1024)))


def assert_equal(found: Embedding | None, expected: Embedding) -> None:
    assert found is not None
    assert found.grid == expected.grid
    assert list(found.arrays) == list(expected.arrays)
    for name, array in expected.arrays.items():
        assert found.arrays[name].dtype == array.dtype
        assert np.array_equal(found.arrays[name], array)


def store_at(folder: Path, budget_bytes: int = 1 << 24, warnings: list[str] | None = None) -> DiskStore:
    return DiskStore(folder, budget_bytes, (warnings if warnings is not None else []).append)


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.embedding"))
