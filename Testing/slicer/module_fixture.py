"""The fixture ``module``: the SAMSegment module, opened; Testing/slicer/conftest.py offers it to the tests there."""

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
