"""The fixture ``host``; Testing/slicer/conftest.py offers it to the tests there."""

import os
from typing import TYPE_CHECKING

import pytest

from Testing.host import qt_libraries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from Testing.host.host import Host


@pytest.fixture(scope="session")
def qt_libraries_present() -> None:
    """Skips without Qt; under continuous integration, which has to have it, fails."""
    reason = qt_libraries.why_not()
    if reason is not None:
        stop_without_qt(reason)


def stop_without_qt(reason: str) -> None:
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def host(qt_libraries_present) -> "Iterator[Host]":
    """An application with an empty scene, of this test alone. The test fails on problems that nobody expected."""
    yield from _lived_through(main_window=True)


@pytest.fixture
def windowless_host(qt_libraries_present) -> "Iterator[Host]":
    """The same without main window and views, as Slicer runs its generic tests."""
    yield from _lived_through(main_window=False)


@pytest.fixture
def older_host(qt_libraries_present) -> "Iterator[Host]":
    """Slicer before 5.12, which has no ``slicer.packaging``."""
    yield from _lived_through(main_window=True, without_packaging=True)


def _lived_through(*, main_window: bool, without_packaging: bool = False) -> "Iterator[Host]":
    from Testing.host.host import Host

    host = Host(main_window=main_window, without_packaging=without_packaging)
    yield host
    host.close()
    assert not host.problems, "\n".join(host.problems)
