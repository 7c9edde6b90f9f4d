"""Stand-ins for ``slicer.i18n``, ``slicer.packaging``, ``SampleData`` and the PyTorch extension's ``PyTorchUtils``."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement


def i18n_module() -> ModuleType:
    """Texts are not translated here."""
    module = ModuleType("slicer.i18n", "Stand-in: texts stay as they are.")
    module.tr = lambda text: text
    module.translate = lambda _context, text: text
    module.getContext = lambda path: Path(path).stem
    return module


def packaging_module(installed: list[list[str]], present: set[str]) -> ModuleType:
    """Records what is asked for in ``installed``; ``present`` are packages that count as there already."""
    module = ModuleType("slicer.packaging", "Stand-in: nothing is installed, only recorded.")

    def load_requirements(path: str | Path) -> list[Requirement]:
        lines = (line.split("#")[0].strip() for line in Path(path).read_text("utf-8").splitlines())
        return [Requirement(line) for line in lines if line]

    def pip_check(req: Any, _seen: Any = None) -> bool:
        return all(each.name in present for each in _requirements(req))

    def pip_install(requirements: Any, **options: Any) -> None:
        installed.append([str(each) for each in _requirements(requirements)])
        present.update(each.name for each in _requirements(requirements))
        if options.get("completedCallback"):
            options["completedCallback"](0)

    def pip_ensure(requirements: Any, **options: Any) -> None:
        """In testing mode, Slicer's does nothing unless ``skip_in_testing`` is False."""
        import slicer

        missing = [each for each in _requirements(requirements) if each.name not in present]
        if missing and not (slicer.app.testingEnabled() and options.get("skip_in_testing", True)):
            pip_install([str(each) for each in missing])

    module.load_requirements = load_requirements
    module.pip_check = pip_check
    module.pip_install = pip_install
    module.pip_uninstall = lambda requirements, **_: present.difference_update(
        each.name for each in _requirements(requirements)
    )
    module.pip_ensure = pip_ensure
    module.isPipInstallInProgress = lambda: False
    return module


def sample_data_module(registered: list[dict[str, Any]]) -> ModuleType:
    """``SampleData.SampleDataLogic.registerCustomSampleDataSource`` records what it is given."""
    module = ModuleType("SampleData", "Stand-in: sources are recorded, nothing is downloaded.")

    class SampleDataLogic:
        """Stands in for SampleData's."""

        @staticmethod
        def registerCustomSampleDataSource(**source: Any) -> None:
            registered.append(source)

    module.SampleDataLogic = SampleDataLogic
    return module


def pytorch_utils_module(install: Callable[[bool, str | None], None]) -> ModuleType:
    """``PyTorchUtils.PyTorchUtilsLogic().installTorch`` calls ``install(ask_confirmation, requirement)``."""
    module = ModuleType("PyTorchUtils", "Stand-in: nothing is installed.")

    class PyTorchUtilsLogic:
        """Stands in for the extension's."""

        def installTorch(
            self,
            askConfirmation: bool = False,
            forceComputationBackend: str | None = None,
            torchVersionRequirement: str | None = None,
            torchvisionVersionRequirement: str | None = None,
        ) -> None:
            install(askConfirmation, torchVersionRequirement)

    module.PyTorchUtilsLogic = PyTorchUtilsLogic
    return module


def _requirements(given: Any) -> list[Requirement]:
    """One requirement, several, or a command line's worth of them in a text."""
    parts = [given] if isinstance(given, (str, Requirement)) else list(given)
    return [requirement for part in parts for requirement in _parsed(part)]


def _parsed(part: str | Requirement) -> list[Requirement]:
    if isinstance(part, Requirement):
        return [part]
    try:
        return [Requirement(part)]
    except InvalidRequirement:
        return [Requirement(word) for word in part.split()]
