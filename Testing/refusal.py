"""What every refusal of a bad input must be: one sentence that names the file, and exit code 2."""

from pathlib import Path

import pytest

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.io.read import read_volume


def refusal(path: Path, **options: object) -> str:
    """The sentence with which reading ``path`` is refused."""
    with pytest.raises(InputError) as caught:
        read_volume(path, **options)
    sentence = str(caught.value)
    assert caught.value.exit_code == 2
    assert path.name in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence
