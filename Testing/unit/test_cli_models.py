"""``samsegment models``: list, download, verify and remove, as a user sees them."""

import hashlib
import json
from dataclasses import replace

import pytest

from SAMSegmentLib.cli import run
from SAMSegmentLib.models import catalogue, load
from SAMSegmentLib.models.catalogue import catalogue_entry
from Testing.fileserver import serving

CONTENT = b"weights" * 400_000  # 2.8 MB


@pytest.fixture(autouse=True)
def folder(empty_home, monkeypatch):
    """The weights folder, not made yet."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return empty_home / "weights"


@pytest.fixture
def server(monkeypatch):
    """Two models in the catalogue: the built-in one, and sam_vit_b with small weights from this machine."""
    with serving(CONTENT) as served:
        entry = replace(
            catalogue_entry("sam_vit_b"),
            url=served.url,
            file_name="weights.pth",
            size=len(CONTENT),
            sha256=hashlib.sha256(CONTENT).hexdigest(),
        )
        for module in (catalogue, load):
            monkeypatch.setattr(module, "CATALOGUE", (catalogue_entry("builtin"), entry))
        yield served


def models(capsys, *arguments: str) -> tuple[int, str, str]:
    exit_code = run(["models", *arguments])
    return exit_code, *capsys.readouterr()


def listed(capsys) -> dict[str, dict]:
    return {entry["name"]: entry for entry in json.loads(models(capsys, "list", "--json")[1])}


@pytest.mark.parametrize("arguments", [[], ["list"]])
def test_the_list_shows_state_size_licence_and_where_weights_belong(capsys, folder, tmp_path, arguments):
    exit_code, out, _ = models(capsys, *arguments)
    assert exit_code == 0
    lines = out.splitlines()
    assert next(line for line in lines if line.startswith("builtin")).split()[1] == "ready"
    [mobile] = [line for line in lines if line.startswith("mobile_sam")]
    assert mobile.split() == ["mobile_sam", "not", "downloaded", "41", "MB", "Apache-2.0"]
    assert f"{folder} and {tmp_path / 'cache' / 'samsegment' / 'weights'}" in out
    assert "samsegment models download NAME" in out


def test_the_list_for_machines_has_paths_digests_and_addresses(capsys, folder):
    entries = listed(capsys)
    assert entries["builtin"]["weights"].endswith("builtin.safetensors")
    assert entries["builtin"]["folders"] == []
    mobile = entries["mobile_sam"]
    assert (mobile["weights"], mobile["fetched_bytes"], mobile["bytes"]) == (None, 0, 40_728_226)
    assert mobile["folders"][0] == str(folder)
    assert mobile["url"].startswith("https://")
    assert (entries["medsam_vit_b"]["sha256"], len(entries["medsam_vit_b"]["md5"])) == (None, 32)


def test_a_downloaded_model_is_ready_intact_and_removable(server, capsys, folder):
    exit_code, out, err = models(capsys, "download", "sam_vit_b")
    assert (exit_code, err) == (0, "")
    assert f"{folder / 'weights.pth'} (3 MB, licence: Apache-2.0)" in out
    assert "samsegment models remove sam_vit_b" in out
    assert listed(capsys)["sam_vit_b"]["weights"] == str(folder / "weights.pth")

    exit_code, out, _ = models(capsys, "verify")
    assert exit_code == 0
    assert [line.split()[:2] for line in out.splitlines()] == [["builtin", "intact"], ["sam_vit_b", "intact"]]

    assert models(capsys, "remove", "sam_vit_b") == (0, f"{len(CONTENT)} bytes of sam_vit_b were deleted.\n", "")
    assert listed(capsys)["sam_vit_b"]["weights"] is None
    assert models(capsys, "remove", "sam_vit_b") == (0, "There were no weights of sam_vit_b here.\n", "")


def test_an_unfinished_download_is_listed_and_removable(server, capsys):
    server.stops_after = 1_500_000
    exit_code, _, err = models(capsys, "download", "sam_vit_b")
    assert exit_code == 3
    assert "again to go on from 2 MB" in err
    assert "2 MB fetched" in models(capsys, "list")[1]
    assert listed(capsys)["sam_vit_b"]["fetched_bytes"] == 1_500_000
    assert "1500000 bytes" in models(capsys, "remove", "sam_vit_b")[1]
    assert listed(capsys)["sam_vit_b"]["fetched_bytes"] == 0


@pytest.mark.parametrize("arguments", [["verify"], ["verify", "sam_vit_b"]])
def test_damaged_weights_are_named_with_the_cure_that_works(server, capsys, folder, arguments):
    models(capsys, "download", "sam_vit_b")
    (folder / "weights.pth").write_bytes(CONTENT[:-1] + b"?")
    exit_code, out, err = models(capsys, *arguments)
    assert exit_code == 3
    assert "sam_vit_b     damaged" in out
    assert str(folder / "weights.pth") in err
    assert "run 'samsegment models download sam_vit_b' to replace" in err
    models(capsys, "download", "sam_vit_b")
    assert models(capsys, *arguments)[0] == 0


def test_ctrl_c_while_ready_weights_are_checked_does_not_advise_to_delete_them(server, capsys, folder, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    models(capsys, "download", "sam_vit_b")
    monkeypatch.setattr("SAMSegmentLib.models.download.is_published", interrupted)
    assert models(capsys, "download", "sam_vit_b") == (130, "", "samsegment: Stopped; nothing was fetched.\n")
    assert (folder / "weights.pth").read_bytes() == CONTENT


def test_weights_of_another_length_are_not_listed_as_ready(server, capsys, folder):
    models(capsys, "download", "sam_vit_b")
    assert "sam_vit_b     ready " in models(capsys, "list")[1]
    (folder / "weights.pth").write_bytes(CONTENT[:-1])
    assert "sam_vit_b     damaged " in models(capsys, "list")[1]


def test_a_home_of_an_unknown_user_is_one_sentence(capsys, monkeypatch):
    monkeypatch.setenv("SAMSEGMENT_HOME", "~nobody-of-that-name/x")
    assert models(capsys, "list") == (
        2,
        "",
        "samsegment: SAMSEGMENT_HOME=~nobody-of-that-name/x names a user who is not known here; give a whole path.\n",
    )


def test_verifying_weights_that_are_not_here_says_how_to_get_them(capsys):
    exit_code, out, err = models(capsys, "verify", "mobile_sam")
    assert (exit_code, out) == (3, "")
    assert "run 'samsegment models download mobile_sam'" in err


@pytest.mark.parametrize("command", ["download", "verify", "remove"])
def test_an_unknown_model_is_answered_with_the_names(capsys, command):
    exit_code, _, err = models(capsys, command, "sam3")
    assert exit_code == 2
    assert "no model 'sam3'; choose one of builtin, mobile_sam" in err


@pytest.mark.parametrize("command", ["download", "remove"])
def test_the_builtin_model_is_neither_downloaded_nor_removed(capsys, command):
    exit_code, _, err = models(capsys, command, "builtin")
    assert exit_code == 2
    assert "part of the installation" in err
    assert listed(capsys)["builtin"]["weights"] is not None
