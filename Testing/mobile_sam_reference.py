"""Weights and a picture for MobileSAM that every machine makes alike, and what the authors' own code answers on them.

``mobile_sam_reference.json`` holds that code's keys with their shapes, and its numbers. To make it again, with a
checkout of ChaoningZhang/MobileSAM (commit 34bbbfd) and timm 0.9.16:

    python -m Testing.mobile_sam_reference CHECKOUT
"""

import json
import math
import re
import sys
import zlib
from pathlib import Path

import numpy as np

REFERENCE = Path(__file__).with_suffix(".json")

# Which numbers of an embedding (256, 64, 64) and of logits (4, 256, 256) are kept.
EMBEDDING_SAMPLE = np.s_[::32, ::9, ::9]
LOGITS_SAMPLE = np.s_[:, ::25, ::25]
POINT = (400, 560)  # (column, row)


def seeded_weights(shapes: dict[str, list[int]]) -> dict[str, np.ndarray]:
    """Weights under which no part of the network is idle, from a bit stream that numpy promises never to change."""
    return {key: _seeded(key, shape) for key, shape in shapes.items()}


def picture() -> np.ndarray:
    """1024 x 1024 grey values, from whole numbers only."""
    rows, columns = np.indices((1024, 1024))
    rings = (rows - 480) ** 2 + 2 * (columns - 500) ** 2
    return ((rings // 700 + (rows * columns) // 4000 + 40 * ((rows // 90 + columns // 130) % 3)) % 256).astype(np.uint8)


def _seeded(key: str, shape: list[int]) -> np.ndarray:
    if key.endswith("num_batches_tracked"):
        return np.array(7)
    count = math.prod(shape)
    bits = np.random.PCG64(zlib.crc32(key.encode())).random_raw(count)
    uniform = (bits >> np.uint64(40)).astype(np.float64) / 2**23 - 1  # -1 to 1, 24 bits: exact in float32
    return (_centre(key, shape) + _spread(key, shape) * uniform).astype(np.float32).reshape(shape)


def _centre(key: str, shape: list[int]) -> float:
    scales = key.endswith("running_var") or (key.endswith("weight") and len(shape) == 1)
    return 1.0 if scales else 0.0


def _spread(key: str, shape: list[int]) -> float:
    if len(shape) < 2:
        return 0.3
    if re.search(r"attention_biases|_embed|positional|_tokens?\.weight", key.removeprefix("image_encoder.patch_embed")):
        return 1.0
    return 1.7 / math.sqrt(math.prod(shape[1:]))


def _make(checkout: str) -> None:
    sys.path.insert(0, checkout)
    import torch

    from SAMSegmentLib.models.torchvision_ops import declare_missing_operators

    declare_missing_operators()
    from mobile_sam import SamPredictor, sam_model_registry

    sam = sam_model_registry["vit_t"]()
    shapes = {key: list(value.shape) for key, value in sam.state_dict().items()}
    sam.load_state_dict({key: torch.from_numpy(value) for key, value in seeded_weights(shapes).items()})
    predictor = SamPredictor(sam.eval())  # its eval() puts the biases of attention in place
    predictor.set_image(np.stack([picture()] * 3, axis=-1))
    embedding = predictor.get_image_embedding()[0].numpy()
    arguments = np.array([POINT]), np.array([1])
    several = predictor.predict(*arguments, multimask_output=True)
    single = predictor.predict(*arguments, multimask_output=False)
    iou, logits = (np.concatenate([one, more]) for one, more in zip(single[1:], several[1:], strict=True))
    content = {
        "shapes": shapes,
        "embedding": embedding[EMBEDDING_SAMPLE].ravel().tolist(),
        "embedding_mean": embedding.mean(axis=(1, 2)).tolist(),
        "embedding_deviation": embedding.std(axis=(1, 2)).tolist(),
        "predicted_iou": iou.tolist(),
        "logits": logits[LOGITS_SAMPLE].ravel().tolist(),
    }
    REFERENCE.write_text(_compact(content), encoding="utf-8")


def _compact(content: dict) -> str:
    lines = (f"{json.dumps(name)}: {json.dumps(_rounded(value))}" for name, value in content.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _rounded(value):
    return [float(f"{item:.8g}") for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    _make(*sys.argv[1:])
