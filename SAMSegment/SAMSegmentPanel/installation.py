"""The Python packages that the engine needs: which are missing, and their installation when the user asks for it."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
import subprocess
import sys
from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

if TYPE_CHECKING:
    from pathlib import Path

_TORCH = "torch>=2.5"
# Downloads: the packages without PyTorch, and PyTorch for a processor or with what an NVIDIA card needs.
_PACKAGES_SIZE = "50 MB"
_TORCH_SIZE = _("0.2 GB, up to 3 GB with support for an NVIDIA card")


class InstallationError(Exception):
    """The installation did not come to its end; the sentence says why and how to go on."""


class Installation:
    """Looks for packages and installs them. Nothing is imported, downloaded or installed unless asked for.

    :param requirements: the module's requirements.txt.
    """

    def __init__(self, requirements: Path) -> None:
        lines = requirements.read_text(encoding="utf-8").splitlines()
        self._requirements = [line.strip() for line in lines if line.strip() and not line.startswith("#")]

    def missing(self) -> list[str]:
        """Requirements that are not met, PyTorch included."""
        importlib.invalidate_caches()
        return [line for line in (*self._requirements, _TORCH) if not _is_met(line)]

    def obstacle(self) -> str:
        """Why what is missing cannot be installed here, "" when it can."""
        is_intel_mac = (sys.platform, platform.machine()) == ("darwin", "x86_64")
        if not is_intel_mac or _is_met(_TORCH):
            return ""
        # The package index has nothing above PyTorch 2.2 for them; Slicer's own package for macOS is an Intel one.
        return _(
            "The engine cannot be installed here: PyTorch is no longer made for Intel Macs, nor for Slicer's Intel "
            "package on other Macs; use Slicer on Linux or Windows, or SAMSegment's browser viewer on a newer Mac."
        )

    def description(self) -> str:
        """What an installation would do, for the user to agree to."""
        missing = self.missing()
        packages = [line for line in missing if line != _TORCH]
        parts = []
        if packages:
            parts.append(_("{packages} (about {size})").format(packages=", ".join(packages), size=_PACKAGES_SIZE))
        if _TORCH in missing:
            parts.append(_("PyTorch, by the extension of that name ({size})").format(size=_TORCH_SIZE))
        return _("Into Slicer's own Python will be installed: {parts}.").format(parts="; ".join(parts))

    def install(self) -> None:
        """Install what is missing.

        :raises InstallationError: it cannot be done here, it failed, or the application has to be started again first.
        """
        obstacle = self.obstacle()
        if obstacle:
            raise InstallationError(obstacle)
        missing = self.missing()
        packages = [line for line in missing if line != _TORCH]
        try:
            if packages:
                _install(packages)
            if _TORCH in missing:
                _install_torch()
        except subprocess.CalledProcessError as error:
            raise InstallationError(
                _("The installation failed (pip ended with code {code}); see the Python console for why.").format(
                    code=error.returncode
                )
            ) from error


def _is_met(line: str) -> bool:
    from packaging.requirements import Requirement

    requirement = Requirement(line)
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return False
    # A half-removed package has a folder of metadata without a version.
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def _install(packages: list[str]) -> None:
    try:
        from slicer import packaging
    except ImportError:  # before Slicer 5.12
        slicer.util.pip_install(packages)
        return
    # The user has agreed already.
    packaging.pip_ensure(packages, prompt_install=False, requester="SAMSegment")


def _install_torch() -> None:
    try:
        import PyTorchUtils
    except ModuleNotFoundError:
        _install_torch_extension()
        return
    # Its torchInstalled() fails on a half-installed torch, so it is not asked.
    PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=False, torchVersionRequirement=">=2.5")


def _install_torch_extension() -> None:
    manager = slicer.app.extensionsManagerModel()
    if not manager.isExtensionInstalled("PyTorch"):
        manager.setInteractive(False)
        if not manager.installExtensionFromServer("PyTorch", False):
            raise InstallationError(
                _("The PyTorch extension could not be installed; install it in the Extensions Manager, then try again.")
            )
    raise InstallationError(_("The PyTorch extension is installed; restart Slicer, then press Install again."))
