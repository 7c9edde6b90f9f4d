"""Weights are found in the documented places, and bad ones are refused in one sentence without running them."""

import hashlib
import os
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from SAMSegmentLib.errors import InputError, ModelUnavailableError
from SAMSegmentLib.models.catalogue import BUILTIN, catalogue_entry
from SAMSegmentLib.models.checkpoint import load_weights, read_checkpoint
from SAMSegmentLib.models.devices import resolve_device
from SAMSegmentLib.models.load import load_model
from SAMSegmentLib.models.weights import (
    file_sha256,
    find_weights,
    is_published,
    locate_weights,
    verify_weights,
    weights_folders,
)

SAM_B = catalogue_entry("sam_vit_b")


def put(folder: Path, name: str, content: bytes = b"x") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


def test_the_home_folder_is_searched_before_the_cache(empty_home, tmp_path):
    cached = put(tmp_path / "cache" / "samsegment" / "weights", SAM_B.file_name)
    assert find_weights(SAM_B) == cached
    own = put(empty_home / "weights", SAM_B.file_name)
    assert find_weights(SAM_B) == own


def test_without_the_variable_only_the_cache_is_searched(empty_home, tmp_path, monkeypatch):
    monkeypatch.delenv("SAMSEGMENT_HOME")
    assert weights_folders() == (tmp_path / "cache" / "samsegment" / "weights",)


def test_a_chosen_file_comes_before_all_folders(empty_home, tmp_path):
    put(empty_home / "weights", SAM_B.file_name)
    chosen = put(tmp_path, "mine.pth")
    assert locate_weights(SAM_B, chosen) == chosen


def test_missing_weights_are_answered_with_where_to_get_them_and_where_to_put_them(empty_home):
    with pytest.raises(ModelUnavailableError) as caught:
        load_model("sam_vit_b")
    assert caught.value.exit_code == 3
    for part in ("samsegment models download sam_vit_b", SAM_B.url, str(empty_home / "weights"), "--weights"):
        assert part in str(caught.value)


def test_a_chosen_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ModelUnavailableError, match=r"gone\.pth: there is no such weights file"):
        load_model("sam_vit_b", weights=tmp_path / "gone.pth")


def test_a_file_of_the_published_name_with_other_content_is_refused(empty_home):
    path = put(empty_home / "weights", SAM_B.file_name, b"half a download")
    with pytest.raises(ModelUnavailableError, match=r"not the published weights.*models download sam_vit_b") as caught:
        load_model("sam_vit_b")
    assert str(path) in str(caught.value)


def test_weights_without_a_published_sha256_are_known_by_their_md5_and_keyed_by_their_sha256(tmp_path):
    path = put(tmp_path, "mine.pth", b"content")
    entry = replace(catalogue_entry("medsam_vit_b"), size=7, md5="9a0364b9e99bb480dd25e1f0284c8555")
    assert verify_weights(entry, path) == hashlib.sha256(b"content").hexdigest()
    assert is_published(entry, path)
    path.write_bytes(b"Content")
    assert not is_published(entry, path)
    with pytest.raises(ModelUnavailableError, match="MD5 differs"):
        verify_weights(entry, path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="an administrator may enter every folder")
def test_a_weights_folder_that_may_not_be_entered_holds_nothing(empty_home):
    put(empty_home / "weights", SAM_B.file_name)
    empty_home.chmod(0)
    try:
        assert find_weights(SAM_B) is None
    finally:
        empty_home.chmod(0o700)


class RunsACommand:
    """Unpickling it would make a file."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self):
        return os.system, (f"touch {self.witness}",)


def truncated_checkpoint(path: Path) -> None:
    torch.save({"a": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:2000])


def damaged_checkpoint(path: Path) -> None:
    torch.save({"a": torch.zeros(10)}, path)
    content = bytearray(path.read_bytes())
    start = content.find(b"data.pkl") + 80
    content[start : start + 40] = b"\xff" * 40
    path.write_bytes(bytes(content))


def truncated_safetensors(path: Path) -> None:
    save_file({"a": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:2000])


def huge_safetensors_header(path: Path) -> None:
    path.write_bytes((2**62).to_bytes(8, "little") + b"{}")


BAD_FILES = {
    "empty.pth": lambda path: path.write_bytes(b""),
    "empty.safetensors": lambda path: path.write_bytes(b""),
    "text.pth": lambda path: path.write_text("these are not weights\n"),
    "text.safetensors": lambda path: path.write_text("these are not weights\n"),
    "page.pt": lambda path: path.write_text("<!DOCTYPE html><html>404 Not Found</html>"),
    "truncated.pth": truncated_checkpoint,
    "damaged.pth": damaged_checkpoint,
    "truncated.safetensors": truncated_safetensors,
    "huge.safetensors": huge_safetensors_header,
    "zip.pth": lambda path: (
        shutil.make_archive(str(path.with_suffix("")), "zip", path.parent) and path.with_suffix(".zip").rename(path)
    ),
    "numbers.pth": lambda path: torch.save([1, 2, 3], path),
    "none.pth": lambda path: torch.save({}, path),
    "words.pth": lambda path: torch.save({"a": "b"}, path),
    "tensor.pth": lambda path: torch.save(torch.zeros(3), path),
    "module.pth": lambda path: torch.save(torch.nn.Linear(2, 2), path),
    "folder.pth": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("name", BAD_FILES)
@pytest.mark.parametrize("model", ["sam_vit_b", "builtin"])
def test_a_bad_weights_file_is_refused_in_one_sentence_that_names_it(tmp_path, name, model):
    path = tmp_path / name
    BAD_FILES[name](path)
    with pytest.raises(ModelUnavailableError) as caught:
        load_model(model, weights=path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "save", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content, protocol=2))]
)
def test_a_checkpoint_that_wants_to_run_a_command_does_not(tmp_path, save):
    witness, path = tmp_path / "it-ran", tmp_path / "evil.pth"
    save({"a": RunsACommand(witness)}, path)
    with pytest.raises(ModelUnavailableError, match=r"evil\.pth"):
        load_model("sam_vit_b", weights=path)
    assert not witness.exists()


def test_weights_of_another_architecture_are_refused_by_their_keys(tmp_path):
    path = tmp_path / "classifier.safetensors"
    save_file({"fc.weight": torch.zeros(2, 2)}, path)
    with pytest.raises(ModelUnavailableError, match=r"not weights of a Segment Anything model.*'fc\.weight'"):
        load_model("sam_vit_b", weights=path)
    with pytest.raises(ModelUnavailableError, match=r"lacks encoder\.stage2\S+, \S+, \S+ and \d+ more"):
        load_model("builtin", weights=path)


@pytest.mark.parametrize("name", ["builtin", "mobile_sam"])
def test_sam_weights_for_a_model_of_another_kind_are_answered_with_the_right_model(tmp_path, name):
    path = tmp_path / "mine.safetensors"
    weights = {f"image_encoder.blocks.{block}.norm1.bias": torch.zeros(1) for block in range(12)}
    save_file({"image_encoder.patch_embed.proj.weight": torch.zeros(768, 3, 16, 16), **weights}, path)
    with pytest.raises(ModelUnavailableError, match=f"holds sam_vit_b, not {name}; use --model sam_vit_b"):
        load_model(name, weights=path)


@pytest.mark.parametrize(
    ("weights", "fault"),
    [
        ({"weight": torch.zeros(2, 3)}, "lacks bias"),
        ({"weight": torch.zeros(3, 2), "bias": torch.zeros(2)}, "has other shapes of weight"),
        ({"weight": torch.zeros(2, 3), "bias": torch.zeros(2), "gain": torch.zeros(1)}, "also holds gain"),
    ],
)
def test_weights_must_fit_the_network_exactly(weights, fault):
    with pytest.raises(ModelUnavailableError, match=f"mine.pth: does not fit a line, it {fault}"):
        load_weights(torch.nn.Linear(3, 2), weights, "mine.pth", "a line")


@pytest.mark.parametrize("wrapper", [None, "model", "state_dict"])
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "older format"])
def test_a_users_own_checkpoint_of_the_builtin_model_loads_whatever_its_name_and_wrapping(tmp_path, wrapper, zipped):
    stored = find_weights(catalogue_entry(BUILTIN))
    weights = read_checkpoint(stored)
    path = tmp_path / "epoch-12 (best).pt"
    content = {wrapper: weights, "epoch": 12} if wrapper else weights
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    model = load_model("builtin", weights=path, device="cpu")
    assert model.name == "builtin"
    assert model.weights_sha256 == file_sha256(path) != file_sha256(stored)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the device whose absence is tested")
def test_a_device_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(ModelUnavailableError, match=r"'cuda' is not available.*use one of auto, cpu") as caught:
        load_model("builtin", device="cuda")
    assert caught.value.exit_code == 3


def test_an_unknown_device_is_refused_with_the_names():
    with pytest.raises(InputError, match="'gpu'; choose one of auto, cpu, cuda, mps"):
        resolve_device("gpu")
