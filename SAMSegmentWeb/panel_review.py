"""The panel's part for looking through what propagation made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.widgets import html
from trame_client.widgets.core import HtmlElement
from trame_server.utils.typed_state import TypedState

from SAMSegmentLib.slicescores import DOUBTFUL_BELOW

from .confidence_plot import HEIGHT
from .state import ReviewState
from .widgets import hint, text_button

if TYPE_CHECKING:
    from trame_server import Server

    from .review_control import ReviewControl

# Okabe and Ito's colours, which are told apart with the common colour blindnesses, beside a grey.
_KEY, _SURE, _DOUBTFUL = "#56b4e9", "#8f9aa3", "#e69f00"

# The slice under the mouse, from where it is in the picture.
_UNDER_MOUSE = (
    "Math.floor(($event.clientX - $event.currentTarget.getBoundingClientRect().left)"
    " / $event.currentTarget.getBoundingClientRect().width * {count})"
)


def build_review(server: Server, control: ReviewControl) -> None:
    """The plot, which leads to the slice that is clicked on, and the way to the doubtful ones."""
    name = TypedState(server.state, ReviewState).name
    with html.Div(v_if=(name.is_shown,), classes="mt-3"):
        hint("How sure each slice is; click on one to go there:")
        _plot(name, control)
        _legend()
    with html.Div(classes="samsegment-row mt-2"):
        text_button(
            "Next doubtful slice",
            control.next_doubtful,
            "mdi-magnify",
            shortcut="d",
            disabled=(f"!{name.has_propagated}",),
        )
    hint(f"{{{{ {name.doubtful} || {name.summary} }}}}", v_if=(name.has_propagated,), id="samsegment-doubtful")


def _plot(name: ReviewState, control: ReviewControl) -> None:
    with html.Svg(
        click=(control.show_slice, f"[{_UNDER_MOUSE.format(count=name.count)}]"),
        id="samsegment-confidence",
        style="display: block; width: 100%; height: 64px; background: #1a1a1a; cursor: pointer; border-radius: 3px",
        raw_attrs=[
            f':viewBox="`0 0 ${{{name.count}}} {HEIGHT}`"',
            'preserveAspectRatio="none"',
            'role="img"',
            f':aria-label="{name.summary}"',
        ],
    ):
        for bars, color in ((name.key_bars, _KEY), (name.sure_bars, _SURE), (name.doubtful_bars, _DOUBTFUL)):
            _shape("path", f':d="{bars}"', f'fill="{color}"')
        limit = f'"{HEIGHT * (1 - DOUBTFUL_BELOW):.0f}"'
        _shape(
            "line",
            f'x1="0" :x2="{name.count}" y1={limit} y2={limit}',
            'stroke="#ffffff80" stroke-dasharray="3" vector-effect="non-scaling-stroke"',
        )
        # The slice in view: a line that is as thick for 20 slices as for 500.
        middle = f'"{name.viewed} + 0.5"'
        _shape(
            "line",
            f':x1={middle} :x2={middle} y1="0" y2="{HEIGHT}"',
            'stroke="#ffffff" stroke-width="2" vector-effect="non-scaling-stroke"',
        )


def _shape(tag: str, *attributes: str) -> None:
    HtmlElement(tag, raw_attrs=list(attributes), style="pointer-events: none")


def _legend() -> None:
    with html.Div(classes="samsegment-row text-caption text-medium-emphasis", style="column-gap: 12px; row-gap: 0"):
        for color, meaning in (
            (_KEY, "by you"),
            (_SURE, "propagated"),
            (_DOUBTFUL, f"below {round(100 * DOUBTFUL_BELOW)} %"),
        ):
            with html.Span():
                html.Span("&#9632; ", style=f"color: {color}")
                html.Span(meaning)
