"""``samsegment segment``: prompts in, a segmentation file out."""

from __future__ import annotations

import time
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..carried import Propagation
from ..errors import InputError
from ..geometry import slice_axis
from ..intensity import AUTO, check_window, resolve_window
from ..io.atomic import atomic_path
from ..io.read import read_volume
from ..io.write import check_output, write_segmentation
from ..models.catalogue import BUILTIN, catalogue_entry
from ..models.weights import locate_weights
from ..prompts import PromptSet
from ..session import SegmentationSession
from ..sessionfile import SavedSegment, SavedSession, load_session_file, replay
from ..volume import fingerprints_match
from ..worker.client import WorkerSettings
from .engine import running_engine
from .interrupts import interrupts_noticed
from .parsing import WrittenBox, WrittenPoint, parse_box, parse_point, parse_range, to_boxes, to_point
from .propagation_report import end_notes, gap_notes
from .report import progress_bar
from .segment_result import Result, check_extra, report, write_preview, write_prompts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..geometry import Orientation
    from ..propagation import PropagatedSlice
    from ..volume import Volume
    from ..worker.client import WorkerEngine
    from ..worker.interface import Timings

_DEFAULT_SEGMENT = "Segment_1"


@dataclass(frozen=True)
class SegmentOptions:
    """The options of ``samsegment segment`` as the user gave them."""

    image: Path
    output: Path
    model: str | None = None
    weights: Path | None = None
    points: tuple[str, ...] = ()
    boxes: tuple[str, ...] = ()
    ras: bool = False
    orientation: Orientation | None = None
    propagate: bool = False
    slices: str | None = None
    stop_at: tuple[int, ...] = ()
    farthest: float | None = None
    smooth: bool = False
    connected: bool = False
    fill_holes: bool = False
    prompts: Path | None = None
    save_prompts: Path | None = None
    window: str | None = None
    series: str | None = None
    frame: int | None = None
    device: str = "auto"
    precision: str = "auto"
    segment_name: str | None = None
    preview: Path | None = None
    no_cache: bool = False
    json: bool = False


@dataclass(frozen=True)
class _Request:
    """The options, understood: everything that can be refused without reading the image has been."""

    points: tuple[WrittenPoint, ...]
    boxes: tuple[WrittenBox, ...]
    slice_range: tuple[int | None, int | None]
    saved: SavedSession | None
    model: str
    window: str


@dataclass
class _Progress:
    """What a run gathers on its way."""

    timings: list[Timings] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def run_segment(options: SegmentOptions) -> None:
    """Segment, write, report.

    :raises SAMSegmentError: with the exit code that the command line promises; nothing has been written then.
    """
    started = time.perf_counter()
    request = _understand(options)
    check_output(options.output)
    _check_extras(options)
    locate_weights(catalogue_entry(request.model), options.weights)
    progress = _Progress()
    with running_engine(_worker_settings(options, request), progress.notes.append) as engine:
        session = _segmented(options, request, engine, progress)

    segments = session.segments()
    progress.notes.extend([*gap_notes(session), *end_notes(session)])
    progress.notes.extend(f"Segment {segment.name!r} is empty." for segment in segments if not segment.mask.any())
    with ExitStack() as beside:
        # Their final names come when the segmentation is written: all of the results are there, or none.
        if options.save_prompts:
            write_prompts(beside.enter_context(atomic_path(options.save_prompts)), session)
        if options.preview:
            write_preview(beside.enter_context(atomic_path(options.preview)), session, segments)
        progress.notes.extend(write_segmentation(options.output, session.volume, segments))
    result = Result(options.output, session, segments, progress.timings, time.perf_counter() - started, progress.notes)
    report(result, as_json=options.json)


def _understand(options: SegmentOptions) -> _Request:
    points = tuple(parse_point(text) for text in options.points)
    boxes = tuple(parse_box(text) for text in options.boxes)
    saved = load_session_file(options.prompts) if options.prompts else None
    if saved:
        _refuse_beside_prompts_file(options)
    if not (saved or points or boxes):
        raise InputError("Nothing to segment: give at least one --point or --box, or a --prompts file.")
    _refuse_without_propagate(options)
    model = options.model or (saved and saved.model) or BUILTIN
    has_points = points or (saved and any(item.points for segment in saved.segments for item in segment.prompts))
    if has_points and "point" not in catalogue_entry(model).prompts:
        raise InputError(f"{model} takes boxes only, not points; give a --box, or choose another --model.")
    return _Request(
        points=points,
        boxes=boxes,
        slice_range=parse_range(options.slices),
        saved=saved,
        model=model,
        window=check_window(options.window or (saved and saved.window) or AUTO),
    )


def _refuse_without_propagate(options: SegmentOptions) -> None:
    unwanted = [name for name, value in _propagation_options(options).items() if value]
    if unwanted and not options.propagate:
        raise InputError(f"{unwanted[0]} belongs to --propagate; give both or neither.")


def _propagation_options(options: SegmentOptions) -> dict[str, object]:
    return {
        "--slices": options.slices,
        "--stop-at": options.stop_at,
        "--farthest": options.farthest is not None,
        "--smooth": options.smooth,
        "--connected": options.connected,
        "--fill-holes": options.fill_holes,
    }


def _check_extras(options: SegmentOptions, volume: Volume | None = None) -> None:
    check_extra(options.save_prompts, ".json", options.image, volume)
    check_extra(options.preview, ".png", options.image, volume)
    results = [path.resolve() for path in (options.output, options.save_prompts, options.preview) if path]
    if len(set(results)) < len(results):
        raise InputError(f"{options.output}: two of the results would go into one file; choose another name.")


def _refuse_beside_prompts_file(options: SegmentOptions) -> None:
    given = {
        "--point": options.points,
        "--box": options.boxes,
        "--ras": options.ras,
        "--segment": options.segment_name,
        "--orientation": options.orientation,
        "--propagate": options.propagate,
        **_propagation_options(options),
    }
    unwanted = [name for name, value in given.items() if value]
    if unwanted:
        raise InputError(
            f"{options.prompts}: a prompts file brings its own segments, prompts and propagation; "
            f"leave out {', '.join(unwanted)}."
        )


def _wanted_segments(options: SegmentOptions, request: _Request, volume: Volume) -> tuple[SavedSegment, ...]:
    if request.saved is None:
        return (_segment_from_options(options, request, volume),)
    saved = request.saved.fingerprint
    if saved is not None and not fingerprints_match(saved, volume.fingerprint):
        raise InputError(
            f"{options.prompts}: its prompts were made on another image than {options.image} (fingerprints differ); "
            'remove "image" from the file to use them all the same.'
        )
    return request.saved.segments


def _segment_from_options(options: SegmentOptions, request: _Request, volume: Volume) -> SavedSegment:
    orientation, boxes = to_boxes(volume, request.boxes, options.orientation, ras=options.ras)
    axis = slice_axis(volume, orientation)
    by_slice: dict[int, PromptSet] = {}
    for written in request.points:
        point = to_point(volume, written, ras=options.ras)
        index = point.ijk[axis]
        by_slice[index] = by_slice.get(index, PromptSet(orientation, index)).with_point(point)
    for box in boxes:
        index = box.ijk_min[axis]
        by_slice[index] = by_slice.get(index, PromptSet(orientation, index)).with_box(box)
    propagations = (_propagation(options, request, orientation),) if options.propagate else ()
    name = _DEFAULT_SEGMENT if options.segment_name is None else options.segment_name
    return SavedSegment(name, None, tuple(by_slice.values()), propagations)


def _propagation(options: SegmentOptions, request: _Request, orientation: Orientation) -> Propagation:
    first, last = request.slice_range
    return Propagation(
        orientation,
        first,
        last,
        stops=options.stop_at,
        farthest_mm=options.farthest,
        smooth=options.smooth,
        connected=options.connected,
        fill_holes=options.fill_holes,
    )


def _worker_settings(options: SegmentOptions, request: _Request) -> WorkerSettings:
    return WorkerSettings(
        model=request.model,
        weights=options.weights,
        device=options.device,
        precision=options.precision,
        disk_cache=not options.no_cache,
    )


def _segmented(
    options: SegmentOptions, request: _Request, engine: WorkerEngine, progress: _Progress
) -> SegmentationSession:
    """The image read, while the engine starts, and everything that was asked for done on it."""
    with progress_bar("Reading", "slice") as update:
        volume = read_volume(options.image, series=options.series, frame=options.frame, progress=update)
    check_output(options.output, volume, options.image)
    _check_extras(options, volume)
    wanted = _wanted_segments(options, request, volume)
    engine.open_volume(volume, resolve_window(volume, request.window))
    session = SegmentationSession(volume, engine, request.window)
    with _prompts_file_named(options.prompts):
        _segment(wanted, session, progress)
    progress.notes[:0] = [*volume.notes, *_weights_notes(request, session)]
    return session


def _weights_notes(request: _Request, session: SegmentationSession) -> list[str]:
    if request.saved is None or request.saved.weights_sha256 in (None, session.engine.weights_sha256):
        return []
    return [f"The prompts were made with other weights than these of {session.engine.model_name}; masks may differ."]


def _segment(wanted: tuple[SavedSegment, ...], session: SegmentationSession, progress: _Progress) -> None:
    for segment in wanted:
        replay(
            segment,
            session,
            on_answer=lambda answer: progress.timings.append(answer.timings),
            propagate=lambda name, propagation: _propagate(session, name, propagation, progress),
        )


def _propagate(session: SegmentationSession, name: str, propagation: Propagation, progress: _Progress) -> None:
    reached: set[int] = set()
    first, last = session.slice_range(propagation)

    with progress_bar("Propagating", "slice") as update, interrupts_noticed() as interruption:

        def on_slice(result: PropagatedSlice) -> None:
            reached.add(result.plane.index)
            update(len(reached), last - first + 1)
            if interruption.noticed:
                raise CancelledError

        future = session.propagate(name, propagation, on_slice)
        try:
            session.engine.wait(future, give_up=lambda: interruption.noticed)
        except CancelledError:
            unfinished = ", without the second look from the other two sides" if propagation.smooth else ""
            progress.notes.append(f"Stopped by Ctrl+C; the {len(reached)} slices reached so far were kept{unfinished}.")


@contextmanager
def _prompts_file_named(path: Path | None) -> Iterator[None]:
    """What does not fit the image or itself in a prompts file is refused in its name."""
    try:
        yield
    except InputError as error:
        if path is None:
            raise
        raise InputError(f"{path}: {error}") from error
