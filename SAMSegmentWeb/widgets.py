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
        v3.VTooltip(text=_with_keys(label, shortcut), activator="parent", location="bottom")
    return button


def text_button(text: str, click: Click, icon: str = "", shortcut: str = "", **attributes: Any) -> v3.VBtn:
    """A button with words in it; ``attributes`` are vuetify's."""
    settings = {"variant": "tonal", "size": "small", "classes": "text-none", **attributes}
    return v3.VBtn(text, click=click, prepend_icon=icon or None, raw_attrs=_keys(shortcut), **settings)


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


def _keys(shortcut: str) -> list[str]:
    return [f'data-shortcut="{shortcut}"'] if shortcut else []


def _with_keys(label: str, shortcut: str) -> str:
    return f"{label} ({shortcut.split(maxsplit=1)[0].replace('ctrl', 'Ctrl').upper()})" if shortcut else label
