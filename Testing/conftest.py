"""Fixtures for all tests."""

from pathlib import Path

import pytest

from Testing.paths import SHARED_DATA


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real volumes with reference masks."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real volumes are not on this machine ({SHARED_DATA})")
    return SHARED_DATA
