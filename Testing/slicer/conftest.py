"""Fixtures for tests with real MRML."""

from Testing.host.fixtures import host, qt_libraries_present, windowless_host
from Testing.slicer.module_fixture import module

__all__ = ["host", "module", "qt_libraries_present", "windowless_host"]
