"""Fixtures for tests with real MRML."""

from Testing.host.fixtures import host, older_host, qt_libraries_present, windowless_host
from Testing.slicer.module_fixture import lacking, module

__all__ = ["host", "lacking", "module", "older_host", "qt_libraries_present", "windowless_host"]
