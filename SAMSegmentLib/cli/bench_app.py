"""``samsegment bench`` and its commands' options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import JsonOption  # noqa: TC001 - typer looks at annotations while it runs

bench_app = typer.Typer(rich_markup_mode=None, help="Measure speed, beside a reference in the same run.")


ModelOption = Annotated[str, typer.Option(metavar="NAME", help="sam_vit_b, sam_vit_l, sam_vit_h or medsam_vit_b.")]
WeightsOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Its weights. [default: those of the weights folder, else random ones]"),
]
DeviceOption = Annotated[str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where the model runs.")]


@bench_app.command("encode")
def bench_encode(  # noqa: PLR0917 - typer passes options by name
    model: ModelOption = "sam_vit_b",
    weights: WeightsOption = None,
    device: DeviceOption = "auto",
    precision: Annotated[
        str,
        typer.Option(
            metavar="auto|float32|bfloat16|float16", help="Of ours; auto: float32 and what is used by default."
        ),
    ] = "auto",
    runs: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="How often to measure.")] = 3,
    memory: Annotated[bool, typer.Option("--memory/--no-memory", help="Also measure the memory needed.")] = True,
    json: JsonOption = False,
) -> None:
    """Measure how long a slice takes to encode, beside segment_anything's own code.

    Without a graphics processor that takes minutes; --runs 1 --no-memory is the shortest.
    """
    from .bench_command import BenchOptions, run_bench_encode

    run_bench_encode(BenchOptions(model, weights, device, precision, runs, memory, json))


@bench_app.command("decode")
def bench_decode(
    model: ModelOption = "sam_vit_b",
    weights: WeightsOption = None,
    device: DeviceOption = "auto",
    runs: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="How often to measure.")] = 20,
    json: JsonOption = False,
) -> None:
    """Measure how long a click on an encoded slice takes, beside segment_anything's own code."""
    from .bench_command import BenchOptions, run_bench_decode

    run_bench_decode(BenchOptions(model, weights, device, "auto", runs, memory=False, json=json))


@bench_app.command("worker")
def bench_worker(
    model: Annotated[str, typer.Option(metavar="NAME", help="Any of 'samsegment models list'.")] = "builtin",
    weights: WeightsOption = None,
    device: DeviceOption = "auto",
    runs: Annotated[int, typer.Option(metavar="N", min=10, max=1000, help="Clicks on an encoded slice.")] = 100,
    json: JsonOption = False,
) -> None:
    """Measure what the worker process adds to a click, and whether its host stays responsive."""
    from .bench_worker_command import run_bench_worker

    run_bench_worker(model, weights, device, runs, as_json=json)


@bench_app.command("cache")
def bench_cache(
    runs: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="How often to measure.")] = 5,
    json: JsonOption = False,
) -> None:
    """Measure how long it takes to keep an embedding and to find it again."""
    from .bench_cache_command import run_bench_cache

    run_bench_cache(runs, as_json=json)
