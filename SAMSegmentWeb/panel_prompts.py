"""The panel's parts for segments and for prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from .state import PromptState
from .widgets import hint, icon_button, switch, text_button, tooltip

if TYPE_CHECKING:
    from collections.abc import Callable

    from trame_server import Server

    from .prompt_control import PromptControl
    from .segment_control import SegmentControl

SEGMENTATION_INPUT = "samsegment-segmentation"

# The chosen segment's line has a field, which is made when the segment is chosen.
_SCROLL_TO_IT = '@vue:mounted="(node) => node.el.scrollIntoView({ block: `nearest` })"'

_TOOLS = (
    ("inside", "Inside", "mdi-plus-circle", "success", "p"),
    ("outside", "Outside", "mdi-minus-circle", "error", "n"),
    ("box", "Box", "mdi-vector-square", "warning", "b"),
    ("none", "Off", "mdi-cursor-default-outline", "", "escape"),
)


def build_segments(server: Server, control: SegmentControl) -> None:
    """The list of segments, of which one is worked on."""
    name = TypedState(server.state, PromptState).name
    with (
        v3.VList(density="compact", classes="py-0", style="max-height: 180px; overflow-y: auto"),
        v3.VListItem(
            v_for=f"item in {name.segments}",
            key=("item.id",),
            active=(f"item.id === {name.segment_id}",),
            click=(control.select, "[item.id]"),
            classes="px-1",
        ),
    ):
        with v3.Template(v_slot_prepend=True):
            _color_swatch(control)
        v3.VTextField(
            v_if=(f"item.id === {name.segment_id}",),
            key=("item.renames",),
            model_value=("item.name",),
            change=(control.rename, "[item.id, $event.target.value]"),
            variant="plain",
            density="compact",
            classes="samsegment-name",
            hide_details=True,
            maxlength=64,
            raw_attrs=['aria-label="Name of the segment"', 'maxlength="64"', _SCROLL_TO_IT],
        )
        v3.VListItemTitle("{{ item.name }}", v_else=True)
        with v3.Template(v_slot_append=True):
            with v3.VBtn(
                icon=True,
                variant="text",
                size="small",
                density="comfortable",
                **_on_item(control.toggle_visibility),
                raw_attrs=['aria-label="Show or hide"'],
            ):
                v3.VIcon("{{ item.is_visible ? 'mdi-eye-outline' : 'mdi-eye-off-outline' }}", size="small")
            with v3.VBtn(
                icon=True,
                variant="text",
                size="small",
                density="comfortable",
                **_on_item(control.remove),
                raw_attrs=['aria-label="Remove the segment"'],
            ):
                v3.VIcon("mdi-delete-outline", size="small")
    with html.Div(classes="samsegment-row mt-1"):
        text_button("Add segment", control.add, "mdi-plus")
        text_button(
            "Open segmentation",
            f"window.samsegment.choose('{SEGMENTATION_INPUT}')",
            "mdi-folder-open-outline",
            explained="A .seg.nrrd or a labelmap of this image; its segments come beside those that are there",
        )


def _on_item(method: Callable[[str], None]) -> dict[str, Any]:
    """Attributes of a button within a line: clicks on it must not choose the line as well."""
    return {"click_stop": (method, "[item.id]"), "__events": [("click_stop", "click.stop")]}


def _color_swatch(control: SegmentControl) -> None:
    html.Input(
        type="color",
        value=("item.color",),
        change=(control.recolor, "[item.id, $event.target.value]"),
        style="width: 20px; height: 20px; padding: 0; border: none; background: none; margin-right: 8px",
        raw_attrs=['aria-label="Colour of the segment"', "@click.stop"],
    )


def build_prompts(server: Server, control: PromptControl) -> None:
    """Tools, the model's candidates, and the prompts of the slice that is worked in."""
    name = TypedState(server.state, PromptState).name
    with html.Div(classes="samsegment-row"):
        for tool, title, icon, color, key in _TOOLS:
            _tool_button(name, control, (tool, title, icon, color, key))
    switch("Preview under the mouse", "Outlines what a click would give", v_model=(name.is_hovering,))
    with html.Div(classes="d-flex align-center mt-1"):
        html.Div(f"{{{{ {name.slice} }}}}", classes="text-body-2 flex-grow-1", id="samsegment-slice")
        v3.VProgressCircular(v_if=(name.is_waiting,), indeterminate=True, size=16, width=2)
    _candidates(name, control)
    _prompt_list(name, control)
    with html.Div(classes="samsegment-row mt-2"):
        text_button(
            "Clear slice",
            control.clear_slice,
            "mdi-eraser",
            explained="Removes the prompts of this slice, and the mask that they made",
            disabled=(f"!{name.prompts}.length",),
        )
        text_button(
            f"{{{{ {name.is_accepted} ? 'Release slice' : 'Accept slice' }}}}",
            control.toggle_accepted,
            "mdi-check",
            shortcut="a",
            explained="Nothing changes an accepted slice, and propagation starts from it, too",
            disabled=(f"!{name.can_accept}",),
        )


def _tool_button(name: PromptState, control: PromptControl, tool: tuple[str, str, str, str, str]) -> None:
    value, title, icon, color, key = tool
    with v3.VBtn(
        click=(control.choose_tool, f"['{value}']"),
        size="small",
        variant=(f"{name.tool} === '{value}' ? 'flat' : 'tonal'",),
        color=(f"{name.tool} === '{value}' ? 'primary' : undefined",),
        classes="text-none px-2",
        disabled=(f"!{name.segment_id}",) if value != "none" else None,
        raw_attrs=[f'aria-label="{title}"', f'data-shortcut="{key}"', f":aria-pressed=\"{name.tool} === '{value}'\""],
    ):
        v3.VIcon(icon, color=(f"{name.tool} === '{value}' ? undefined : '{color}'",), start=True)
        html.Span(title)
        tooltip(f"{title} ({key.upper()})")


def _candidates(name: PromptState, control: PromptControl) -> None:
    with html.Div(v_if=(f"{name.candidates}.length",), classes="mt-2"):
        hint("The model's suggestions, and how sure it is of the chosen one:")
        with html.Div(classes="samsegment-row"):
            v3.VBtn(
                "{{ item.title }}",
                v_for=f"item in {name.candidates}",
                key=("item.number",),
                click=(control.choose_candidate, "[item.number]"),
                variant=("item.is_chosen ? 'flat' : 'outlined'",),
                color=("item.is_chosen ? 'primary' : undefined",),
                disabled=(name.is_accepted,),
                size="small",
                classes="text-none samsegment-suggestion",
            )


def _prompt_list(name: PromptState, control: PromptControl) -> None:
    with (
        v3.VList(
            v_if=(f"{name.prompts}.length",),
            density="compact",
            classes="py-0 mt-2",
            style="max-height: 130px; overflow-y: auto",
        ),
        v3.VListItem(
            v_for=f"(item, i) in {name.prompts}",
            key=("i",),
            title=("item.text",),
            classes="px-1",
            style="min-height: 30px",
        ),
    ):
        with v3.Template(v_slot_prepend=True):
            v3.VIcon(
                "{{ item.icon }}",
                color=("item.color",),
                size="small",
                classes="mr-2",
            )
        with v3.Template(v_slot_append=True):
            icon_button(
                "mdi-close",
                "Remove this prompt",
                (control.remove_prompt, "[item.kind, item.number]"),
                size="x-small",
                disabled=(name.is_accepted,),
            )
    hint(f"{{{{ {name.origin} }}}}", v_if=(f"!{name.prompts}.length",), id="samsegment-origin")
