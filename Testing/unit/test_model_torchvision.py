"""segment_anything can be imported, whether or not torchvision's compiled operators load beside this torch."""

import subprocess
import sys

PRELUDE = "from SAMSegmentLib.models.torchvision_ops import declare_missing_operators as declare\n"


def run(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", PRELUDE + code], capture_output=True, text=True, check=False)


def test_segment_anything_is_imported_after_the_missing_operators_are_declared_twice():
    done = run("declare(); declare(); import torchvision, segment_anything.modeling; declare(); print('imported')")
    assert done.stdout == "imported\n", done.stderr


def test_operators_that_exist_already_are_left_as_they_are():
    # Stands for a torchvision whose compiled library loads: its nms has an implementation, which must go on working.
    done = run(
        "import torch\n"
        "from torch import library\n"
        "library.define('torchvision::nms', '(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')\n"
        "library.impl('torchvision::nms', 'CPU', lambda dets, scores, iou_threshold: scores + 1)\n"
        "declare()\n"
        "import torchvision\n"
        "print(torch.ops.torchvision.nms(torch.zeros(1, 4), torch.zeros(1), 0.5).item())"
    )
    assert done.stdout == "1.0\n", done.stderr
