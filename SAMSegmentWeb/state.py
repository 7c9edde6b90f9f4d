"""What the page shows, as the server keeps it. Each class is one part of the page; trame sends what has changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class PageState:
    """The window around views and panel.

    :param is_narrow: the window has no room for views beside the panel.
    :param volume_notes: what opening it had to assume; shown as long as the volume is open.
    :param refused_kinds: what cannot be saved of this volume, with the reason.
    :param message: a sentence for the user; ``message_kind`` is info, warning or error, ``message_number`` counts them.
    """

    is_panel_open: bool = False
    is_narrow: bool = False
    is_open: bool = False
    volume_name: str = ""
    volume_summary: str = ""
    volume_notes: str = ""
    message: str = ""
    message_kind: str = "info"
    message_number: int = 0
    is_message_shown: bool = False
    is_help_shown: bool = False
    download: str = ""
    can_undo: bool = False
    can_redo: bool = False
    layout: str = "Axial Primary"
    refused_kinds: dict[str, str] = field(default_factory=dict)


@dataclass
class OpeningState:
    """Opening a file, and the choices that it may need.

    :param series: of a folder: selector, title.
    :param frame_count: of an image with several 3D frames, 0 for others.
    :param recovery: what an earlier session left behind, in words.
    :param is_discard_asked: whether the user has said once that it can go.
    :param is_loss_asked: whether a volume has been read that would take the place of unsaved work; ``loss``: of which.
    """

    is_busy: bool = False
    text: str = ""
    percent: int = 0
    is_choice_shown: bool = False
    series: list[dict[str, Any]] = field(default_factory=list)
    frame_count: int = 0
    frame: int = 0
    is_recovery_shown: bool = False
    recovery: str = ""
    is_discard_asked: bool = False
    is_loss_asked: bool = False
    loss: str = ""


@dataclass
class PromptState:
    """Segments and prompts.

    :param tool: none, inside, outside or box.
    :param segments: id, name, colour (hexadecimal) and whether it is shown.
    :param slice: the slice that the user works in, in words; ``origin``: where its mask comes from without prompts.
    :param candidates: of that slice: number, score in words, whether it is the chosen one.
    :param prompts: of that slice: kind, number, text.
    :param removal: whether a segment shall be removed, in words, while ``is_removal_asked``.
    """

    tool: str = "none"
    is_hovering: bool = False
    is_over_view: bool = False
    segments: list[dict[str, Any]] = field(default_factory=list)
    segment_id: str = ""
    segment_name: str = ""
    slice: str = ""
    origin: str = ""
    candidates: list[dict[str, Any]] = field(default_factory=list)
    prompts: list[dict[str, Any]] = field(default_factory=list)
    is_accepted: bool = False
    can_accept: bool = False
    is_waiting: bool = False
    is_removal_asked: bool = False
    removal: str = ""


@dataclass
class PropagationState:
    """Through the volume.

    :param range: first and last slice that may be reached.
    :param last_index: the highest slice index of the orientation.
    :param is_smooth: whether a second pass looks from the sides; ``is_connected`` and ``is_filled``: loose pieces are
        dropped, and holes filled.
    :param can_stop: whether the slice in view can be one to end before; ``is_stop``: whether it is.
    :param stops: those slices, in words.
    """

    range: list[int] = field(default_factory=lambda: [0, 1])
    last_index: int = 1
    orientation: str = "axial"
    is_smooth: bool = False
    is_connected: bool = False
    is_filled: bool = False
    can_stop: bool = False
    is_stop: bool = False
    stops: str = ""
    is_running: bool = False
    text: str = ""
    percent: int = 0


@dataclass
class ReviewState:
    """How sure propagation was.

    :param is_shown: whether there is something to plot: bars of three kinds, as SVG paths.
    :param count: the number of slices, and of bars that have room.
    :param viewed: the slice in view.
    :param summary: how many slices are worth a look, in words; ``doubtful``: the one that was gone to.
    """

    is_shown: bool = False
    key_bars: str = ""
    sure_bars: str = ""
    doubtful_bars: str = ""
    count: int = 1
    viewed: int = 0
    has_propagated: bool = False
    summary: str = ""
    doubtful: str = ""


@dataclass
class EngineState:
    """The model and the worker process.

    :param status: what the worker is at while it starts, "" when it is ready.
    """

    model: str = "builtin"
    models: list[dict[str, Any]] = field(default_factory=list)
    device: str = "auto"
    window: str = "auto"
    windows: list[dict[str, Any]] = field(default_factory=list)
    status: str = ""
    embedded: str = ""
    embedded_percent: int = 0
    is_embedding: bool = False
    is_paused: bool = False


@dataclass
class DisplayState:
    """How it looks.

    :param gray_range: what is shown black, and white; ``gray_low`` and ``gray_high`` are the ends of its slider.
    :param window: the name that this range has; None when it was set by hand.
    :param refusals: how many of the numbers that were typed could not be used.
    """

    is_3d_shown: bool = False
    opacity: float = 0.5
    window: str | None = None
    refusals: int = 0
    gray_range: list[float] = field(default_factory=lambda: [0.0, 1.0])
    gray_low: float = 0.0
    gray_high: float = 1.0


@dataclass
class ViewState:
    """The slice views.

    :param labels: by the view's name: letters for left, right, top and bottom, and a title.
    :param pointed_view: the name of the view that the mouse moved in last; ``under_mouse``: what is there, in words.
    :param steps: slices that the user has asked for with keys so far, those back taken off; counted by the page.
    """

    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    pointed_view: str = ""
    under_mouse: list[str] = field(default_factory=list)
    steps: int = 0
