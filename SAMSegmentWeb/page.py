"""The page: a bar on top, the panel at the left, views in the rest, and what may lie over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trame.ui.vuetify3 import VAppLayout
from trame.widgets import client, html
from trame.widgets import vuetify3 as v3
from trame_server.utils.typed_state import TypedState

from .panel_display import build_display
from .panel_editing import build_hand_tools
from .panel_model import build_model
from .panel_prompts import SEGMENTATION_INPUT, build_prompts, build_segments
from .panel_propagation import build_propagation
from .panel_review import build_review
from .questions import build_choice, build_opening_question, build_removal_question
from .state import OpeningState, PageState
from .uploads import LARGEST_UPLOAD
from .widgets import icon_button, section, text_button

if TYPE_CHECKING:
    from trame_server import Server
    from trame_slicer.core import LayoutManager

    from .controllers import Controllers

_FILE_INPUT, _FOLDER_INPUT = "samsegment-file", "samsegment-folder"

# Views get the wheel and the mouse; the browser must not select text or scroll the page there.
_STYLE = """
html { overflow: hidden; }
.layout-grid-item { user-select: none; }
.v-expansion-panel-text__wrapper { padding: 4px 12px 12px !important; }
.samsegment-row { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
.samsegment-series .v-list-item-subtitle { -webkit-line-clamp: 3; }
.samsegment-keys { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; }
.samsegment-switch .v-selection-control { min-height: 32px; }
.samsegment-name input { padding-top: 0 !important; min-height: 28px !important; }
.v-select__content .v-list-item-subtitle { -webkit-line-clamp: 4; }
.v-list-item__spacer { width: 8px !important; }
.samsegment-busy { display: flex; align-items: center; white-space: nowrap; visibility: hidden;
  animation: samsegment-busy 1ms 700ms forwards; }
@keyframes samsegment-busy { to { visibility: visible; } }
.samsegment-start { position: absolute; inset: 0; z-index: 5; background: #121212; display: flex; align-items: center;
  justify-content: center; text-align: center; padding: 16px; }
"""

_HELP = """
Choose 'Inside' and click on the structure in any slice view: its outline appears at once. Where it is too large, click
with 'Outside' (or Ctrl+click); where it is too small, click inside again. Or draw a box around it.

'Propagate' carries the outline through the volume. Then look at the doubtful slices: a click corrects what is there,
'Accept slice' keeps it. Propagate again afterwards: only what has changed is made anew, and until then the other slices
stay as they were. Slices that were corrected by hand are to be accepted, so that propagation starts from them, too.

Wheel: scroll through slices. Ctrl and wheel, or right button and drag: zoom. Middle button and drag: move. Shift and
wheel: the brush's size, while painting. A prompt can be dragged to another place.

The built-in model is small. Faint, ring-shaped or branching structures need more clicks, a larger model, or the tools
under 'Correct by hand'. Results are for research; check each slice that matters.
"""


# Pressed anywhere but in a field that takes text; the buttons themselves name them to ``serve/samsegment.js``.
_KEYS = (
    ("P, N, B", "clicks are inside, outside, or corners of a box"),
    ("Escape", "clicks are no prompts"),
    ("Ctrl or Shift + click", "outside instead of inside, and the other way round"),
    ("A", "accept the slice, or release it"),
    ("D", "next doubtful slice"),
    ("Arrow up, down", "one slice on in the view used last; ten with page up, down"),
    ("Ctrl+Z, Ctrl+Y", "undo, redo"),
    ("?", "this help"),
)


class Page(VAppLayout):
    """The whole page; what its controls do is in the controllers."""

    def __init__(self, server: Server, controllers: Controllers, layout_manager: LayoutManager) -> None:
        super().__init__(server, template_name="main")
        self._page = TypedState(self.state, PageState).name
        self._opening = TypedState(self.state, OpeningState).name
        self._controllers = controllers
        self.root.theme = "dark"
        with self:
            client.Style(_STYLE)
            client.ClientStateChange(
                value=self._page.download, change=f"window.samsegment.download({self._page.download})"
            )
            self._file_inputs()
            self._bar()
            self._panel()
            with v3.VMain(style="height: 100vh"), html.Div(style="position: relative; height: 100%; display: flex"):
                layout_manager.initialize_layout_grid(self)
                self._start()
            self._messages()
            self._recovery()
            build_choice(server, controllers.opening, controllers.background)
            build_opening_question(server, controllers.opening, controllers.background)
            build_removal_question(server, controllers.segments)
            self._help()

    def _file_inputs(self) -> None:
        opening, starting = self._controllers.opening, self._controllers.background.starting
        for name, more, method in (
            (_FILE_INPUT, ["multiple"], starting(opening.open_uploads)),
            (_FOLDER_INPUT, ["webkitdirectory"], starting(opening.open_uploads)),
            (SEGMENTATION_INPUT, [], starting(opening.open_segmentation)),
        ):
            change = (
                f"window.samsegment.open($event.target, {LARGEST_UPLOAD}, '{self.server.trigger_name(method)}', "
                f"'{self._opening.percent}', '{self._opening.is_busy}')"
            )
            html.Input(type="file", id=name, style="display: none", change=change, raw_attrs=more)

    def _bar(self) -> None:
        page = self._page
        history, saving = self._controllers.history, self._controllers.saving
        save = self._controllers.background.starting(saving.save)
        with v3.VAppBar(density="compact", elevation=1, height=48):
            icon_button(
                "mdi-menu",
                "Panel",
                f"{page.is_panel_open} = !{page.is_panel_open}",
                disabled=(f"!{page.is_open}",),
            )
            html.Span("SAMSegment", classes="text-subtitle-1 font-weight-medium mx-2 d-none d-sm-inline")
            self._open_buttons()
            with v3.VMenu():
                with v3.Template(v_slot_activator="{ props }"), self._bar_button("mdi-content-save-outline", "Save"):
                    pass
                with v3.VList(density="compact"):
                    for title, kind in saving.KINDS:
                        v3.VListItem(
                            title=title,
                            subtitle=(f"{page.refused_kinds}['{kind}']",),
                            disabled=(f"!!{page.refused_kinds}['{kind}']",),
                            click=(save, f"['{kind}']"),
                        )
            icon_button("mdi-undo", "Undo", history.undo, "ctrl+z", disabled=(f"!{page.can_undo}",))
            icon_button("mdi-redo", "Redo", history.redo, "ctrl+y ctrl+shift+z", disabled=(f"!{page.can_redo}",))
            with v3.VIcon(
                "mdi-alert",
                v_if=(f"{page.is_open} && {page.volume_notes}",),
                color="warning",
                classes="ml-2",
                raw_attrs=['id="samsegment-notes"', 'role="img"', f':aria-label="{page.volume_notes}"'],
            ):
                v3.VTooltip(text=(page.volume_notes,), activator="parent", location="bottom", max_width=480)
            html.Div(
                f"{{{{ {page.volume_name} }}}}",
                classes="text-body-2 text-medium-emphasis text-truncate mx-2 flex-grow-1",
                style="min-width: 0",
                title=(page.volume_summary,),
            )
            # The page knows by itself that the server has not answered, which may be too busy to say so.
            with html.Div(v_if=("trame__busy",), classes="samsegment-busy", id="samsegment-busy"):
                v3.VProgressCircular(indeterminate=True, size=16, width=2, color="primary")
                html.Span("At work ...", classes="text-caption ml-2")
            self._layout_menu()
            icon_button("mdi-help-circle-outline", "Help", f"{page.is_help_shown} = true", "?")

    def _open_buttons(self) -> None:
        busy = (self._opening.is_busy,)
        for icon, text, name in (
            ("mdi-file-plus-outline", "Open file", _FILE_INPUT),
            ("mdi-folder-plus-outline", "DICOM folder", _FOLDER_INPUT),
        ):
            with v3.VBtn(
                click=f"window.samsegment.choose('{name}')",
                variant="text",
                size="small",
                classes="text-none px-2",
                disabled=busy,
                raw_attrs=[f'aria-label="{text}"'],
            ):
                v3.VIcon(icon, classes="mr-md-1")
                html.Span(text, classes="d-none d-md-inline")
                v3.VTooltip(text=f"{text} ...", activator="parent", location="bottom")

    def _bar_button(self, icon: str, text: str) -> v3.VBtn:
        button = v3.VBtn(
            v_bind="props",
            variant="text",
            size="small",
            classes="text-none px-2",
            disabled=(f"!{self._page.is_open}",),
            raw_attrs=[f'aria-label="{text}"'],
        )
        with button:
            v3.VIcon(icon, classes="mr-md-1")
            html.Span(text, classes="d-none d-md-inline")
        return button

    def _layout_menu(self) -> None:
        display = self._controllers.display
        with v3.VMenu():
            with v3.Template(v_slot_activator="{ props }"), self._bar_button("mdi-view-dashboard-outline", "Views"):
                pass
            with v3.VList(density="compact"):
                for name in display.layout_names:
                    v3.VListItem(
                        title=name,
                        active=(f"{self._page.layout} === '{name}'",),
                        click=(display.set_layout, f"['{name}']"),
                    )

    def _panel(self) -> None:
        controllers = self._controllers
        with (
            v3.VNavigationDrawer(
                v_model=(self._page.is_panel_open,),
                width=340,
                temporary=(self._page.is_narrow,),
                mobile_breakpoint=760,  # below which samsegment.js calls the window narrow
                disable_resize_watcher=True,
            ),
            v3.VExpansionPanels(
                multiple=True,
                variant="accordion",
                model_value=("opened_sections", ["segments", "prompts", "propagation"]),
                update_modelValue="opened_sections = $event",
            ),
        ):
            with section("Segments", "segments"):
                build_segments(self.server, controllers.segments)
            with section("Prompts", "prompts"):
                build_prompts(self.server, controllers.prompts)
            with section("Through the volume", "propagation"):
                build_propagation(self.server, controllers.propagation)
                build_review(self.server, controllers.review)
            with section("Correct by hand", "editing"):
                build_hand_tools(controllers.editing)
            with section("Display", "display"):
                build_display(self.server, controllers.display)
            with section("Model", "model"):
                build_model(self.server, controllers.model, controllers.background)

    def _start(self) -> None:
        opening = self._opening
        with html.Div(v_if=(f"!{self._page.is_open} || {opening.is_busy}",), classes="samsegment-start"):
            with html.Div(v_if=(opening.is_busy,), style="width: 320px"):
                html.Div(f"{{{{ {opening.text} || 'Sending the files ...' }}}}", classes="mb-3")
                v3.VProgressLinear(model_value=(opening.percent,), height=8, rounded=True, color="primary")
            with html.Div(v_else=True, style="max-width: 30em"):
                html.Div("Open a scan to begin", classes="text-h6 mb-2")
                html.Div(
                    "NIfTI, NRRD and MetaImage files, or a folder with DICOM files. "
                    "They stay on the machine that runs the viewer.",
                    classes="text-body-2 text-medium-emphasis mb-4",
                )
                with html.Div(classes="samsegment-row", style="justify-content: center"):
                    text_button("Open file", f"window.samsegment.choose('{_FILE_INPUT}')", size="default")
                    text_button("Open DICOM folder", f"window.samsegment.choose('{_FOLDER_INPUT}')", size="default")

    def _messages(self) -> None:
        page = self._page
        with v3.VSnackbar(
            v_model=(page.is_message_shown,),
            # The next sentence has a time of its own; none runs while the mouse is over it.
            key=(page.message_number,),
            # The sliders of the slices are at the lower edges of the views.
            location="top",
            # The theme's own colours of errors and warnings are too light for white letters.
            color=(
                f"({{ error: 'red-darken-4', warning: 'brown-darken-2' }})[{page.message_kind}] ?? 'surface-light'",
            ),
            timeout=(f"({{ info: 7000, error: 12000 }})[{page.message_kind}] ?? -1",),
            multi_line=True,
            max_width=680,
            raw_attrs=['role="alert"'],
        ):
            html.Div(f"{{{{ {page.message} }}}}", id="samsegment-message", style="user-select: text")
            with v3.Template(v_slot_actions=True):
                v3.VBtn("Close", variant="text", classes="text-none", click=f"{page.is_message_shown} = false")

    def _recovery(self) -> None:
        opening, logic = self._opening, self._controllers.recovery
        with v3.VDialog(v_model=(opening.is_recovery_shown,), max_width=520, persistent=True), v3.VCard():
            v3.VCardTitle("An earlier session was not saved")
            v3.VCardText(f"{{{{ {opening.recovery} }}}}")
            asked = opening.is_discard_asked
            v3.VCardText("Discarded prompts cannot be brought back.", v_if=(asked,), classes="pt-0 text-warning")
            with v3.VCardActions(classes="justify-end"):
                v3.VBtn("Discard them", v_if=(f"!{asked}",), classes="text-none", click=f"{asked} = true")
                v3.VBtn(
                    "Discard them for good", v_if=(asked,), classes="text-none", color="warning", click=logic.discard
                )
                v3.VBtn(
                    "Do them again",
                    classes="text-none",
                    variant="tonal",
                    click=self._controllers.background.starting(self._controllers.restore),
                )

    def _help(self) -> None:
        page = self._page
        with v3.VDialog(v_model=(page.is_help_shown,), max_width=620, scrollable=True), v3.VCard(title="How it works"):
            with v3.VCardText():
                for paragraph in _HELP.strip().split("\n\n"):
                    html.P(paragraph, classes="mb-3")
                with html.Div(classes="samsegment-keys"):
                    for keys, meaning in _KEYS:
                        html.Span(keys, classes="font-weight-medium")
                        html.Span(meaning)
            with v3.VCardActions(classes="justify-end"):
                v3.VBtn("Close", classes="text-none", click=f"{page.is_help_shown} = false")
