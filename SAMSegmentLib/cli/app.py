"""The commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import __version__
from ..geometry import Orientation
from .bench_app import bench_app
from .cache_app import cache_app
from .models_app import models_app
from .options import JsonOption  # noqa: TC001 - typer looks at annotations while it runs

app = typer.Typer(
    add_completion=False,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # brackets in the help are meant as brackets
    help="Segment NIfTI, NRRD, MetaImage and DICOM volumes with points and boxes.",
)

PrecisionOption = Annotated[
    str,
    typer.Option(
        metavar="auto|float32|bfloat16|float16",
        help="Number type that the encoder computes in; auto: the fastest that the processor has.",
    ),
]
ImagePath = Annotated[
    Path,
    typer.Argument(
        metavar="IMAGE",
        readable=False,
        help="A .nii, .nii.gz, .nrrd, .nhdr, .mha, .mhd or .dcm file, or a DICOM folder.",
    ),
]
SeriesOption = Annotated[
    str | None,
    typer.Option(metavar="UID", help="Which series of a DICOM folder; 'samsegment info FOLDER' lists them."),
]
FrameOption = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="Which 3D frame of a 4D image; 0 is the first."),
]


@app.callback()
def _common(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        typer.echo(f"samsegment {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def segment(  # noqa: PLR0917 - typer passes options by name
    image: ImagePath,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="OUT", help="Result: .seg.nrrd, .nii.gz, .nrrd, or .dcm (DICOM SEG)."),
    ],
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A model of 'samsegment models list'. [default: builtin]"),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Weights of your own for the model's architecture."),
    ] = None,
    point: Annotated[
        list[str] | None,
        typer.Option(metavar="I,J,K[,+|-]", help="A click on a voxel: + (default) is inside the segment, - is not."),
    ] = None,
    box: Annotated[
        list[str] | None,
        typer.Option(metavar="I0,J0,K0,I1,J1,K1", help="Two corner voxels of a box in one slice, both inside."),
    ] = None,
    ras: Annotated[bool, typer.Option("--ras", help="Points and boxes are RAS positions in mm, not voxels.")] = False,
    orientation: Annotated[
        Orientation | None,
        typer.Option(
            metavar="axial|sagittal|coronal",
            help="The slices to work in. [default: a box's own, else those that were scanned]",
        ),
    ] = None,
    propagate: Annotated[bool, typer.Option("--propagate", help="Carry the mask to the neighbouring slices.")] = False,
    slices: Annotated[
        str | None,
        typer.Option(metavar="A:B", help="With --propagate: go no further than slices A to B (both included)."),
    ] = None,
    stop_at: Annotated[
        list[int] | None,
        typer.Option(metavar="N", help="With --propagate: a slice that the segment does not reach; may be repeated."),
    ] = None,
    farthest: Annotated[
        float | None,
        typer.Option(metavar="MM", help="With --propagate: go no further than this from slices with prompts."),
    ] = None,
    smooth: Annotated[
        bool,
        typer.Option(
            "--smooth/--no-smooth",
            help="With --propagate: look again from the other two sides; takes more than twice as long.",
        ),
    ] = False,
    connected: Annotated[
        bool,
        typer.Option(
            "--connected/--no-connected",
            help="With --propagate: drop pieces that do not hang together, in 3D, with slices that have prompts.",
        ),
    ] = False,
    fill_holes: Annotated[
        bool,
        typer.Option("--fill-holes/--no-fill-holes", help="With --propagate: fill cavities, in 3D."),
    ] = False,
    prompts: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", help="Take prompts, model and window from a saved prompts file."),
    ] = None,
    save_prompts: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", help="Save what was asked for; --prompts does it again exactly."),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(
            metavar="auto|full|percentile|LEVEL,WIDTH|PRESET",
            help="Grey values that the model sees. Presets: brain, subdural, lung, bone, abdomen, liver, mediastinum. "
            "[default: auto]",
        ),
    ] = None,
    series: SeriesOption = None,
    frame: FrameOption = None,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where the model runs.")] = "auto",
    precision: PrecisionOption = "auto",
    segment_name: Annotated[
        str | None,
        typer.Option("--segment", metavar="NAME", help="The segment's name. [default: Segment_1]"),
    ] = None,
    preview: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Also save a picture of the slices with masks and prompts."),
    ] = None,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Neither read nor leave embeddings on disk; encode each slice anew.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Segment what points and boxes show.

    Coordinates are voxels I,J,K of the image as stored, counted from 0, or RAS mm with --ras.
    """
    from .segment_command import SegmentOptions, run_segment

    run_segment(
        SegmentOptions(
            image=image,
            output=output,
            model=model,
            weights=weights,
            points=tuple(point or ()),
            boxes=tuple(box or ()),
            ras=ras,
            orientation=orientation,
            propagate=propagate,
            slices=slices,
            stop_at=tuple(stop_at or ()),
            farthest=farthest,
            smooth=smooth,
            connected=connected,
            fill_holes=fill_holes,
            prompts=prompts,
            save_prompts=save_prompts,
            window=window,
            series=series,
            frame=frame,
            device=device,
            precision=precision,
            segment_name=segment_name,
            preview=preview,
            no_cache=no_cache,
            json=json,
        )
    )


@app.command()
def embed(  # noqa: PLR0917 - typer passes options by name
    image: ImagePath,
    model: Annotated[str, typer.Option(metavar="NAME", help="A model of 'samsegment models list'.")] = "builtin",
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights of your own for the model's architecture.")
    ] = None,
    orientation: Annotated[
        Orientation | None,
        typer.Option(metavar="axial|sagittal|coronal", help="Which slices. [default: those that were scanned]"),
    ] = None,
    slices: Annotated[
        str | None, typer.Option(metavar="A:B", help="Only slices A to B (both included). [default: all]")
    ] = None,
    window: Annotated[
        str, typer.Option(metavar="auto|full|percentile|LEVEL,WIDTH|PRESET", help="Grey values that the model sees.")
    ] = "auto",
    series: SeriesOption = None,
    frame: FrameOption = None,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where the model runs.")] = "auto",
    precision: PrecisionOption = "auto",
    json: JsonOption = False,
) -> None:
    """Encode slices ahead, so that segmenting in them need not wait.

    Embeddings go to the cache on disk ('samsegment cache show'). Ctrl+C keeps what is done; the same command goes on
    from there. Model, weights, window, device and precision must be those of the segmentation to come.
    """
    from .embed_command import EmbedOptions, run_embed

    run_embed(
        EmbedOptions(
            image=image,
            model=model,
            weights=weights,
            orientation=orientation,
            slices=slices,
            window=window,
            series=series,
            frame=frame,
            device=device,
            precision=precision,
            json=json,
        )
    )


@app.command()
def info(image: ImagePath, series: SeriesOption = None, frame: FrameOption = None, json: JsonOption = False) -> None:
    """Show what an image holds: size, spacing, orientation, values, and the series or frames to choose from."""
    from .info_command import run_info

    run_info(image, series, frame, as_json=json)


@app.command()
def view(
    image: Annotated[
        Path | None,
        typer.Argument(
            metavar="[IMAGE]",
            readable=False,
            help="Opened at the start: a .nii, .nii.gz, .nrrd, .nhdr, .mha, .mhd or .dcm file, or a DICOM folder.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", help="0 takes a free one.")] = 0,
    allow_remote: Annotated[
        bool,
        typer.Option(
            "--allow-remote",
            help="Allow a --host that other machines can reach; the connection is not encrypted.",
        ),
    ] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, but open no browser.")] = False,
) -> None:
    """Segment in a browser: Slicer's slice and 3D views, prompts, propagation, correction by hand.

    Prints an address with a secret in it, which is all that lets a browser in. Ctrl+C ends the viewer.
    """
    from .view_command import run_view

    run_view(image, host, port, allow_remote=allow_remote, open_browser=not no_browser)


@app.command()
def evaluate(  # noqa: PLR0917 - typer passes options by name
    cases: Annotated[
        Path,
        typer.Argument(metavar="CASES", help="A folder of case folders (image.*, label.*, labels.json), or one case."),
    ],
    model: Annotated[str, typer.Option(metavar="NAME", help="A model of 'samsegment models list'.")] = "builtin",
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights of your own for the model's architecture.")
    ] = None,
    mode: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A way of prompting, such as point, clicks-5 or box; propagate: whole structures from boxes in 1 and "
            "in 3 slices. [default: all that the model takes, without propagate]",
        ),
    ] = None,
    orientation: Annotated[
        Orientation, typer.Option(metavar="axial|sagittal|coronal", help="The slices to work in.")
    ] = Orientation.AXIAL,
    window: Annotated[
        str, typer.Option(metavar="auto|full|percentile|LEVEL,WIDTH|PRESET", help="Grey values that the model sees.")
    ] = "auto",
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Structures times slices in all, with propagate structures. [default: 150 in each case, with "
            "propagate 40]",
        ),
    ] = None,
    baselines: Annotated[
        bool,
        typer.Option(
            "--baselines/--no-baselines",
            help="Also evaluate simple methods under the same prompts (single slices only).",
        ),
    ] = True,
    seed: Annotated[int, typer.Option(min=0, help="Of the jittered boxes.")] = 0,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where the model runs.")] = "auto",
    csv: Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Also save every answer's figures.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE.json", help="Also save all tables as JSON.")] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Also save a picture for each mode; made if missing.")
    ] = None,
) -> None:
    """Measure a model on labelled volumes with simulated users: Dice, IoU, distances, clicks needed."""
    from .evaluate_command import EvaluateOptions, run_evaluate

    run_evaluate(
        EvaluateOptions(
            cases=cases,
            model=model,
            weights=weights,
            modes=tuple(mode or ()),
            orientation=orientation,
            window=window,
            limit=limit,
            baselines=baselines,
            seed=seed,
            device=device,
            csv=csv,
            json=json,
            plot=plot,
        )
    )


app.add_typer(models_app, name="models")
app.add_typer(cache_app, name="cache")
app.add_typer(bench_app, name="bench")


@app.command()
def demo(
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where the results go; made if missing.")
    ] = Path("demo-output"),
) -> None:
    """Segment the brain in a real MR scan that comes with the installation."""
    from .demo_command import run_demo

    run_demo(output)
