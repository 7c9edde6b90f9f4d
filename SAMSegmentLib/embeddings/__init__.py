"""Slices' embeddings kept, so that no slice is encoded twice: in memory, and on disk beyond the end of the process."""

from .cache import DEFAULT_MEMORY_BYTES, CacheCounts, EmbeddingCache
from .disk import BUDGET_VARIABLE, DiskStore, Usage, default_budget, default_disk_store, default_folder
from .entry import packed_size
from .key import EmbeddingKey, window_key

__all__ = [
    "BUDGET_VARIABLE",
    "DEFAULT_MEMORY_BYTES",
    "CacheCounts",
    "DiskStore",
    "EmbeddingCache",
    "EmbeddingKey",
    "Usage",
    "default_budget",
    "default_disk_store",
    "default_folder",
    "packed_size",
    "window_key",
]
