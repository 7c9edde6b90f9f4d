"""``samsegment bench cache`` measures every operation that it names and leaves nothing behind."""

import json
import tempfile

from SAMSegmentLib.bench.cache import OPERATIONS
from SAMSegmentLib.cli import run


def test_every_operation_has_its_figures(own_home, capsys):
    assert run(["bench", "cache", "--runs", "2", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    results = {item["operation"]: item for item in data["results"]}
    assert set(OPERATIONS) - {"reopen_cold"} <= set(results) <= set(OPERATIONS)
    for item in results.values():
        assert 0 < item["min_ms"] <= item["median_ms"] <= item["max_ms"]
    assert (data["runs"], data["bytes_per_slice"]) == (2, 2 << 20)
    assert list(own_home.iterdir()) == [], "the user's own cache is not touched"


def test_the_table_has_a_line_for_each_operation_and_temporary_files_are_gone(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert run(["bench", "cache", "--runs", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(
        any(text.strip() in line for line in lines) for name, text in OPERATIONS.items() if name != "reopen_cold"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_folder_that_cannot_be_used_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert run(["bench", "cache"]) == 2
    stderr = capsys.readouterr().err
    assert str(tmp_path / "gone") in stderr
    assert stderr.count("\n") == 1
