"""What the catalogue says about models is complete, and true for the one that is here."""

import subprocess
import sys

import pytest

from SAMSegmentLib.errors import InputError
from SAMSegmentLib.models.catalogue import BUILTIN, CATALOGUE, catalogue_entry
from SAMSegmentLib.models.load import load_model, model_states
from SAMSegmentLib.models.weights import file_sha256, find_weights


def test_the_models_are_listed_by_their_documented_names():
    sam = ["mobile_sam", "sam_vit_b", "sam_vit_l", "sam_vit_h", "medsam_vit_b"]
    assert [entry.name for entry in CATALOGUE] == ["builtin", *sam]


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_each_entry_tells_a_user_what_to_expect(entry):
    assert entry.description.endswith(".")
    assert entry.licence
    assert set(entry.prompts) <= {"point", "box", "mask"}
    assert entry.url is None or entry.url == f"https://{entry.url[8:].rsplit('/', 1)[0]}/{entry.file_name}"
    assert len(bytes.fromhex(entry.digest)) == {"SHA-256": 32, "MD5": 16}[entry.digest_name]
    assert entry.size > 1_000_000


def test_the_packaged_weights_are_those_of_the_catalogue():
    entry = catalogue_entry(BUILTIN)
    path = find_weights(entry)
    assert path.stat().st_size == entry.size
    assert file_sha256(path) == entry.sha256


def test_an_unknown_model_is_answered_with_the_names():
    with pytest.raises(InputError, match=r"'sam2'.*builtin, mobile_sam, sam_vit_b, sam_vit_l, sam_vit_h, medsam"):
        load_model("sam2")


def test_model_states_tell_which_weights_are_here(tmp_path, monkeypatch):
    monkeypatch.setenv("SAMSEGMENT_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "weights").mkdir()
    here = tmp_path / "weights" / "medsam_vit_b.pth"
    here.write_bytes(b"")
    states = {entry.name: path for entry, path in model_states()}
    assert states.pop("builtin").name == "builtin.safetensors"
    assert states.pop("medsam_vit_b") == here
    assert set(states.values()) == {None}


def test_listing_models_does_not_import_torch():
    code = (
        "import sys; from SAMSegmentLib.models.load import model_states; model_states(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"
