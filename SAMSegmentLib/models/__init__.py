"""Promptable models. Only this package and :mod:`SAMSegmentLib.worker` may import torch."""
