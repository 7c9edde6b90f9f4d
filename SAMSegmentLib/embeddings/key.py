"""What an embedding depends on: two slices with equal keys have equal embeddings."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..volume import Window

# To be raised when files are laid out otherwise, or when the same slice is shown to the same model in another way
# (resampling, normalisation): embeddings of earlier versions are then never found, and leave as the oldest.
FORMAT_VERSION = 1


@dataclass(frozen=True)
class EmbeddingKey:
    """Everything that changes the embedding of one slice. It names no patient and no file.

    :param fingerprint: :attr:`SAMSegmentLib.volume.Volume.fingerprint`, voxel values and geometry.
    :param window: how grey values became 8 bits, from :func:`window_key`.
    :param model: the model's name in the catalogue.
    :param weights_sha256: of the weights file, hexadecimal.
    :param precision: the number type that the encoder computed in.
    :param orientation: axial, sagittal or coronal.
    :param index: of the slice along the stored voxel axis.
    """

    fingerprint: str
    window: str
    model: str
    weights_sha256: str
    precision: str
    orientation: str
    index: int

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all fields and the version of the format, hexadecimal: the name of its file."""
        text = json.dumps([FORMAT_VERSION, asdict(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def window_key(window: Window, inverted: bool) -> str:
    """The exact text of a resolved window, for :class:`EmbeddingKey`: two windows that differ in any bit differ here.

    :param inverted: :attr:`SAMSegmentLib.volume.Volume.inverted`.
    """
    return f"{float(window.level)!r},{float(window.width)!r}{',inverted' if inverted else ''}"
