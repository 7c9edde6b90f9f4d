"""What a user sets once for all volumes: kept in the application's settings, not in the scene."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import qt

if TYPE_CHECKING:
    from SAMSegmentLib.worker.client import WorkerSettings

_PREFIX = "SAMSegment/"
_MEBIBYTE, _GIBIBYTE = 1 << 20, 1 << 30


@dataclass(frozen=True)
class EngineSettings:
    """How the engine is started.

    :param model: name in the catalogue.
    :param weights: path of a weights file of the user's own, "" for the published one.
    :param device: auto, cpu, cuda or mps.
    :param threads: for computing, 0 for automatic.
    :param memory_mb: memory for prepared slices, in MiB.
    :param disk_gb: room on disk for prepared slices, in GiB; 0 keeps none.
    :param folder: where weights and prepared slices are kept, "" for the user's cache folder.
    """

    model: str = "builtin"
    weights: str = ""
    device: str = "auto"
    threads: int = 0
    memory_mb: int = 512
    disk_gb: int = 4
    folder: str = ""

    def for_worker(self) -> WorkerSettings:
        """The same for the worker process; the folder and its budget reach it through :class:`Environment`."""
        from SAMSegmentLib.worker.client import WorkerSettings

        return WorkerSettings(
            model=self.model,
            weights=Path(self.weights) if self.weights else None,
            device=self.device,
            threads=self.threads,
            cache_bytes=self.memory_mb * _MEBIBYTE,
            disk_cache=self.disk_gb > 0,
        )


def load_settings() -> EngineSettings:
    """What was saved; a value that is missing or of another kind is the default."""
    stored, default = qt.QSettings(), EngineSettings()
    values = {}
    for field in fields(EngineSettings):
        standard = getattr(default, field.name)
        try:
            # Settings files hold text: numbers come back as such.
            values[field.name] = type(standard)(stored.value(_PREFIX + field.name, standard))
        except (TypeError, ValueError):
            values[field.name] = standard
    return EngineSettings(**values)


def save_settings(settings: EngineSettings) -> None:
    """Keep them for the next start of the application."""
    stored = qt.QSettings()
    for field in fields(EngineSettings):
        stored.setValue(_PREFIX + field.name, getattr(settings, field.name))


class Environment:
    """The two variables by which weights and prepared slices are found, here and in the worker process alike."""

    def __init__(self) -> None:
        from SAMSegmentLib.embeddings import BUDGET_VARIABLE
        from SAMSegmentLib.models.weights import HOME_VARIABLE

        self._home, self._budget = HOME_VARIABLE, BUDGET_VARIABLE
        self._before = {name: os.environ.get(name) for name in (HOME_VARIABLE, BUDGET_VARIABLE)}

    def apply(self, settings: EngineSettings) -> None:
        """Set them; what the settings leave open is as it was when the application started."""
        default = EngineSettings()
        self._set(self._home, settings.folder or self._before[self._home])
        kept = self._before[self._budget] if settings.disk_gb == default.disk_gb else None
        self._set(self._budget, kept or str(settings.disk_gb * _GIBIBYTE))

    def restore(self) -> None:
        """As they were before."""
        for name, value in self._before.items():
            self._set(name, value)

    @staticmethod
    def _set(name: str, value: str | None) -> None:
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
