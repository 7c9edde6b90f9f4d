"""``python -m SAMSegmentLib.training``: train the built-in model."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TypeVar

from ..errors import SAMSegmentError

_Number = TypeVar("_Number", int, float)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; its exit code, 0 when the weights are written."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    try:
        _train(options)
    except SAMSegmentError as error:
        logging.getLogger(__name__).error("%s", error)  # noqa: TRY400 - a sentence for the user, not a traceback
        return error.exit_code
    return 0


def _train(options: argparse.Namespace) -> None:
    import torch

    from ..models.devices import resolve_device
    from .config import load_config
    from .run import TrainingRun

    torch.set_num_threads(options.threads)
    run = TrainingRun(
        load_config(options.config),
        options.output,
        start=options.start,
        minutes=options.minutes,
        device=resolve_device(options.device),
        workers=options.workers,
    )
    run.run(options.steps)


def _whole(text: str) -> int:
    return _at_least(int(text), 0)


def _count(text: str) -> int:
    return _at_least(int(text), 1)


def _positive(text: str) -> float:
    return _at_least(float(text), 1 / 60)


def _at_least(value: _Number, lowest: float) -> _Number:
    if not lowest <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{value} is not {lowest:g} or more")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m SAMSegmentLib.training",
        description="Train the built-in model on synthetic slices. Run again with the same folder to go on.",
    )
    parser.add_argument("--config", default="builtin-1", help="name of a packaged configuration, or a JSON file")
    parser.add_argument("--output", type=Path, required=True, help="folder of the run")
    parser.add_argument("--start", type=Path, help="weights to start from; the first phase is left out")
    parser.add_argument("--minutes", type=_positive, help="time for a phase; the schedule is compressed to fit")
    parser.add_argument("--steps", type=_count, help="stop after so many steps; run again to go on")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto")
    parser.add_argument("--threads", type=_count, default=1, help="of the processor; more stall when a core is shared")
    parser.add_argument("--workers", type=_whole, default=1, help="processes that make batches ahead; 0: none")
    return parser


if __name__ == "__main__":
    sys.exit(main())
