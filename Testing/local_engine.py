"""The command line's engine without its process: the same work, without two seconds of imports for each command.

Tests of what commands do use it; what depends on the process has tests of its own, marked ``worker_process``.
"""

from SAMSegmentLib.embeddings import CacheCounts, EmbeddingCache, default_disk_store
from SAMSegmentLib.models.load import load_model
from SAMSegmentLib.worker.inprocess import InProcessEngine


class LocalEngine:
    """:class:`WorkerEngine` of the command line, in this process."""

    def __init__(self, settings, *, tell, show_status):
        self._settings = settings
        self._cache = EmbeddingCache(settings.cache_bytes, default_disk_store(tell) if settings.disk_cache else None)
        self._engine = None

    def start(self):
        pass

    def open_volume(self, volume, window):
        given = self._settings
        model = load_model(given.model, weights=given.weights, device=given.device, precision=given.precision)
        self._engine = InProcessEngine(model, volume, window, self._cache)

    def close(self):
        pass

    @property
    def cache_counts(self) -> CacheCounts:
        return self._cache.counts

    def __getattr__(self, name):
        return getattr(self._engine, name)
