"""Fixtures of the SAMSegment module, which Testing/slicer/conftest.py offers to the tests there."""

import importlib.metadata
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from Testing.slicer.module_bench import Module


@pytest.fixture
def module(host, monkeypatch, request) -> "Iterator[Module]":
    """The module, opened by a user. A test that says which controls it exercises must have used each of them."""
    from Testing.slicer.module_bench import Module

    module = Module(host, monkeypatch)
    yield module
    module.restore_library()
    unused = set(getattr(request.function, "exercises", ())) - module.touched
    assert not unused, f"the test does not use {', '.join(sorted(unused))}"


@pytest.fixture
def lacking(monkeypatch) -> set[str]:
    """Packages that are said to be missing until a test takes them out."""
    names = {"msgspec", "torch"}
    version = importlib.metadata.version

    def version_of(name: str) -> str:
        if name in names:
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr("importlib.metadata.version", version_of)
    return names
