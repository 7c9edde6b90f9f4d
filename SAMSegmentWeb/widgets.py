"""Small pieces that the page's parts are made of."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Click = Callable[..., Any] | tuple[Callable[..., Any], str] | str


def icon_button(icon: str, label: str, click: Click, shortcut: str = "", **attributes: Any) -> v3.VBtn:
    """A button without words; its label is its tooltip and what a screen reader says.

    :param shortcut: keys as ``serve/samsegment.js`` writes them, several with spaces between.
    """
    with v3.VBtn(
        click=click,
        variant=attributes.pop("variant", "text"),
        density="comfortable",
        icon=True,
        raw_attrs=[f'aria-label="{label}"', *_keys(shortcut)],
        **attributes,
    ) as button:
        v3.VIcon(icon)
        tooltip(_with_keys(label, shortcut))
    return button


def text_button(
    text: str, click: Click, icon: str = "", shortcut: str = "", explained: str = "", **attributes: Any
) -> v3.VBtn:
    """A button with words in it; ``attributes`` are vuetify's.

    :param explained: what it does, shown under the mouse.
    """
    settings = {"variant": "tonal", "size": "small", "classes": "text-none", **attributes}
    with v3.VBtn(text, click=click, prepend_icon=icon or None, raw_attrs=_keys(shortcut), **settings) as button:
        if explained:
            tooltip(_with_keys(explained, shortcut))
    return button


def switch(label: str, explained: str, **attributes: Any) -> None:
    """A switch with words beside it; ``explained`` is shown under the mouse."""
    look = {"density": "compact", "hide_details": True, "color": "primary", "classes": "samsegment-switch"}
    with html.Div():  # a switch shows nothing that is within it
        v3.VSwitch(label=label, **look, **attributes)
        tooltip(explained)


def tooltip(text: str) -> None:
    """What is shown while the mouse rests on the widget that it is made in."""
    # Not at once: the mouse crosses buttons on its way, and a tooltip hides what is below.
    v3.VTooltip(text=text, activator="parent", location="bottom", max_width=320, open_delay=400)


@contextmanager
def section(title: str, value: str, **attributes: Any) -> Iterator[None]:
    """One part of the panel that can be folded up."""
    with v3.VExpansionPanel(value=value, elevation=0, **attributes):
        v3.VExpansionPanelTitle(title, classes="py-2 text-subtitle-2", style="min-height: 40px")
        with v3.VExpansionPanelText(classes="pt-0"):
            yield


def hint(text: str, **attributes: Any) -> html.Div:
    """A line of quiet explanation."""
    classes = f"text-caption text-medium-emphasis {attributes.pop('classes', '')}".strip()
    return html.Div(text, classes=classes, **attributes)


def rounded(value: str) -> str:
    """A number of the page in an expression of the page: three digits, or all of a whole number's."""
    return f"(Math.abs({value}) < 100 ? Number(Number({value}).toPrecision(3)) : Math.round({value}))"


def _keys(shortcut: str) -> list[str]:
    return [f'data-shortcut="{shortcut}"'] if shortcut else []


def _with_keys(label: str, shortcut: str) -> str:
    return f"{label} ({shortcut.split(maxsplit=1)[0].replace('ctrl', 'Ctrl').upper()})" if shortcut else label
