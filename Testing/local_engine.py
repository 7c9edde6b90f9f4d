"""The command line's engine without its process: the same work, without two seconds of imports for each command.

Tests of what commands do use it; what depends on the process has tests of its own, marked ``worker_process``.
"""

from concurrent.futures import Future

from SAMSegmentLib.embeddings import CacheCounts, EmbeddingCache, default_disk_store
from SAMSegmentLib.errors import SAMSegmentError
from SAMSegmentLib.geometry import slice_plane
from SAMSegmentLib.models.load import load_model
from SAMSegmentLib.worker.inprocess import InProcessEngine
from SAMSegmentLib.worker.interface import EmbeddingProgress
from SAMSegmentLib.worker.volumemodel import VolumeModel


class LocalEngine:
    """:class:`WorkerEngine` of the command line, in this process."""

    def __init__(self, settings, *, tell, show_status):
        self._settings = settings
        self._cache = EmbeddingCache(settings.cache_bytes, default_disk_store(tell) if settings.disk_cache else None)
        self._engine = None
        self._on_volume = None

    def start(self):
        pass

    def open_volume(self, volume, window):
        given = self._settings
        model = load_model(given.model, weights=given.weights, device=given.device, precision=given.precision)
        self._engine = InProcessEngine(model, volume, window, self._cache)
        self._on_volume = VolumeModel(model, volume, window, self._cache)

    def embed_all(self, orientation, first, last, on_progress=lambda _progress: None):
        future, encoded = Future(), 0
        try:
            for index in range(first, last + 1):
                if not self._on_volume.is_encoded((orientation, index)):
                    self._on_volume.embedding(slice_plane(self._on_volume.volume, orientation, index))
                    encoded += 1
                on_progress(EmbeddingProgress(index - first + 1, last - first + 1, encoded, 0.0))
            future.set_result(None)
        except SAMSegmentError as error:
            future.set_exception(error)
        return future

    def embedding_key(self, orientation, index):
        return self._on_volume.key(orientation, index)

    def close(self):
        pass

    @property
    def cache_counts(self) -> CacheCounts:
        return self._cache.counts

    def __getattr__(self, name):
        return getattr(self._engine, name)
