"""Embeddings in memory over embeddings on disk."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..models.interface import Embedding
    from .disk import DiskStore
    from .key import EmbeddingKey

# SAM's embedding of a slice has 2 MiB: 256 slices.
DEFAULT_MEMORY_BYTES = 512 << 20


@dataclass
class CacheCounts:
    """How often :meth:`EmbeddingCache.get` found what it was asked for, and where."""

    memory_hits: int = 0
    disk_hits: int = 0
    misses: int = 0


class EmbeddingCache:
    """Embeddings by their keys: in memory within a budget, the one longest unused leaves first, and on disk.

    It belongs to one thread, the one that the model computes in; each thread or process that shares a folder has a
    cache of its own. Embeddings are handed out as they were put in, not copied: nobody changes their arrays.

    :param memory_bytes: of all arrays together; an embedding that is larger on its own is only kept on disk.
    :param disk: None for none.
    """

    def __init__(self, memory_bytes: int, disk: DiskStore | None = None) -> None:
        self.counts = CacheCounts()
        self.memory_used = 0
        self._memory_bytes = memory_bytes
        self._disk = disk
        self._memory: OrderedDict[EmbeddingKey, Embedding] = OrderedDict()

    def get(self, key: EmbeddingKey) -> Embedding | None:
        """The embedding of this key, None where it is not known. One that was on disk is in memory afterwards."""
        embedding = self._memory.get(key)
        if embedding is not None:
            self._memory.move_to_end(key)
            self.counts.memory_hits += 1
            return embedding
        embedding = self._disk.read(key) if self._disk else None
        if embedding is None:
            self.counts.misses += 1
            return None
        self.counts.disk_hits += 1
        self._remember(key, embedding)
        return embedding

    def put(self, key: EmbeddingKey, embedding: Embedding) -> None:
        """Keep an embedding in memory and on disk."""
        self._remember(key, embedding)
        if self._disk:
            self._disk.write(key, embedding)

    def holds(self, key: EmbeddingKey) -> bool:
        """Whether :meth:`get` is likely to find this key; nothing is read, and it does not count as use."""
        return key in self._memory or (self._disk is not None and self._disk.holds(key))

    def clear(self) -> None:
        """Forget what is in memory; what is on disk stays."""
        self._memory.clear()
        self.memory_used = 0

    def _remember(self, key: EmbeddingKey, embedding: Embedding) -> None:
        known = self._memory.pop(key, None)
        if known is not None:
            self.memory_used -= _bytes_of(known)
        size = _bytes_of(embedding)
        if size > self._memory_bytes:
            return
        while self.memory_used + size > self._memory_bytes:
            _, oldest = self._memory.popitem(last=False)
            self.memory_used -= _bytes_of(oldest)
        self._memory[key] = embedding
        self.memory_used += size


def _bytes_of(embedding: Embedding) -> int:
    return sum(array.nbytes for array in embedding.arrays.values())
