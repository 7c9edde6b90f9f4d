"""Slicer's Qt application where Slicer is not: real MRML and slice views, PySide6 off-screen, PythonQt's rules."""

import contextlib
import tempfile
import time
import unittest
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer
import slicer.util
from PySide6 import QtCore, QtWidgets

from Testing.host import pictures
from Testing.host.application import Application
from Testing.host.controls import Controls
from Testing.host.facts import Facts
from Testing.host.problems import Problems
from Testing.host.pythonqt.binding import Binding
from Testing.host.scripted_modules import ScriptedModules
from Testing.host.views import HostView
from Testing.slicer.mrml_scene import MRMLScene

if TYPE_CHECKING:
    from Testing.host.messages import Message


class Host(Controls):
    """One application with an empty scene; ``close`` takes everything out of Python again.

    ``problems`` must be empty in the end. ``messages`` is what message boxes said, ``installed`` what pip was asked
    for, ``packages_present`` what it finds installed. ``answers`` is what a person would answer dialogs with, in order;
    message boxes come up only when ``testing`` is False. Without ``main_window`` there is no layout manager either, as
    when Slicer runs its generic tests; ``without_packaging`` is Slicer before 5.12.
    """

    def __init__(self, *, main_window: bool = True, without_packaging: bool = False) -> None:
        super().__init__(self)
        self.problems = Problems()
        self.messages: list[Message] = []
        self.installed: list[list[str]] = []
        self.packages_present: set[str] = set()
        self.sample_data: list[dict[str, Any]] = []
        self.answers: list[Any] = []
        self._ending = contextlib.ExitStack()  # what is to be put back, whatever else fails
        folder = tempfile.TemporaryDirectory(prefix="samsegment-host-", ignore_cleanup_errors=True)
        self.folder = Path(self._ending.enter_context(folder))
        self._ending.enter_context(self.problems.watching_unraised())
        self._ending.enter_context(self.problems.watching_qt())
        self.binding = Binding(Facts(), self.problems)
        self._make_scene()
        self.application = Application(self, main_window=main_window, without_packaging=without_packaging)
        self._ending.callback(self.application.close)
        self.modules = ScriptedModules(self)
        self._ending.callback(self._quit)
        self.application.open_main_window(self.modules.enter, self.modules.leave)

    def close(self) -> None:
        """Ends the modules and the application as Slicer does when it quits."""
        self._ending.close()

    def _make_scene(self) -> None:
        self.world = MRMLScene()
        self.scene = self.world.scene
        _give_cache(self.scene, self.folder)
        # Slicer's factories of displayable managers keep the last application logic, and with it this scene.
        self._ending.callback(self.scene.RemoveAllObservers)
        self._ending.callback(self.world.close)

    def _quit(self) -> None:
        self.application.app.aboutToQuit.emit()
        self.modules.unload_all()
        self.process_events()

    @property
    def testing(self) -> bool:
        return self.application.app.testing

    @testing.setter
    def testing(self, testing: bool) -> None:
        self.application.app.testing = testing

    @property
    def extensions(self) -> Any:
        """The extensions manager: its ``installed``, ``asked`` and ``refused`` are a test's to read and set."""
        return self.application.extensions

    def expect_problem(self, part: str) -> Any:
        return self.problems.expected(part)

    # Modules

    def load_module(self, path: Path) -> Any:
        """Loads a scripted module as Slicer does at its start; returns its panel's Python object, set up."""
        return self.modules.load(path)

    def complete_startup(self) -> None:
        self.application.app.startupCompleted.emit()
        self.process_events()

    def enter(self, name: str) -> None:
        """A person opens the module, and so leaves the one that was open."""
        self.modules.enter(name)

    def leave(self, name: str) -> None:
        """A person goes to another module."""
        self.modules.leave(name)

    def unload(self, name: str) -> None:
        self.modules.unload(name)

    def reload(self, name: str) -> Any:
        """Reload, as the developer's button does; returns the new panel's Python object."""
        return self.modules.reload(name)

    def run_self_test(self, name: str) -> unittest.TestResult:
        """The module's own tests, as Slicer's ctest runs them."""
        return self.modules.run_self_test(name)

    # Time

    def process_events(self, milliseconds: int = 0) -> None:
        """Runs what is due: events, timers, and deletions that wait for the event loop."""
        end = time.monotonic() + milliseconds / 1000
        while True:
            QtWidgets.QApplication.processEvents()
            QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)
            if time.monotonic() >= end:
                return
            time.sleep(0.002)

    def wait_until(self, condition: Callable[[], bool], seconds: float = 60.0, what: str = "the condition") -> None:
        """Processes events until the condition holds. Raises AssertionError that names ``what``."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"Waited {seconds:g} s in vain for {what}."
            self.process_events(5)

    # Views and scene

    def view(self, name: str) -> HostView:
        """Red, Green or Yellow; Slice4 when a layout has asked for it."""
        return self.application.views[name]

    def show_volume(self, node: Any, *, fit: bool = True) -> None:
        """Puts a volume behind all views."""
        for view in self.application.views.values():
            if fit:
                view.slice_view.show(node)
            else:
                view.slice_logic.GetSliceCompositeNode().SetBackgroundVolumeID(node.GetID())

    def close_scene(self) -> None:
        self.scene.Clear(0)
        self.process_events()

    def save_scene(self, path: Path) -> None:
        assert slicer.util.saveScene(str(path)), f"The scene cannot be saved as {path}."

    def load_scene(self, path: Path) -> None:
        self.scene.Clear(0)
        slicer.util.loadScene(str(path))
        self.process_events()

    # Pictures

    def save_panel(self, path: Path, panel: Any, width: int = 400) -> None:
        """The whole panel at this width."""
        pictures.save(pictures.panel_picture(self.binding.unwrap(panel), width), path)

    def save_picture(
        self, path: Path, panel: Any, views: Sequence[str] = ("Red", "Yellow", "Green"), panel_width: int = 400
    ) -> None:
        """The panel with the views beside it."""
        panel_image = pictures.panel_picture(self.binding.unwrap(panel), panel_width)
        views_image = pictures.views_picture([self.view(name) for name in views])
        pictures.save(pictures.side_by_side([panel_image, views_image]), path)


def _give_cache(scene: Any, folder: Path) -> None:
    """Scenes are unpacked into a cache folder when they are read, which Slicer's application sets."""
    cache = slicer.vtkCacheManager()
    cache.SetRemoteCacheDirectory(str(folder))
    scene.SetCacheManager(cache)
    manager = slicer.vtkDataIOManager()
    manager.SetCacheManager(cache)
    scene.SetDataIOManager(manager)
