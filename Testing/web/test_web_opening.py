"""Opening files in the page: what can be opened, how the rest is refused, and that the page goes on working."""

import json
import secrets
from http.client import HTTPConnection

import aiohttp
import numpy as np
import pytest
import SimpleITK
from aiohttp import web
from aiohttp.test_utils import TestServer

from SAMSegmentLib.errors import InputError
from SAMSegmentWeb.opening import source_of_uploads
from SAMSegmentWeb.uploads import LARGEST_UPLOAD, UPLOAD_PATH, Uploads
from Testing.dicom_factory import MR_IMAGE, write_image
from Testing.web.images import real_scan, write_ball
from Testing.web.loops import run_apart


@pytest.fixture(scope="module")
def ball(tmp_path_factory):
    return write_ball(tmp_path_factory.mktemp("ball") / "ball.nii.gz")


@pytest.fixture
def tab(viewer, new_tab):
    return new_tab(viewer.address)


def _truncated(folder):
    path = write_ball(folder / "truncated.nii.gz")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def _text(folder):
    path = folder / "letter.nii.gz"
    path.write_text("Dear colleague,\nplease find the images enclosed.\n")
    return path


def _prompts_of_another_image(folder):
    path = folder / "prompts.json"
    point = {"ijk": [1, 1, 1], "positive": True}
    prompts = [{"orientation": "axial", "index": 1, "points": [point], "boxes": []}]
    image = {"fingerprint": "00:1,0,0,0,1,0,0,0,1,0,0,0"}
    path.write_text(json.dumps({"version": 1, "image": image, "segments": [{"name": "a", "prompts": prompts}]}))
    return path


def _enormous(folder):
    path = folder / "enormous.nii"
    with path.open("wb") as file:
        file.truncate(2 << 30)  # a file with a hole: nothing is on the disk
    return path


@pytest.mark.parametrize(
    ("make", "named", "cure"),
    [
        pytest.param(_truncated, "truncated.nii.gz", "copy or export it again", id="truncated"),
        pytest.param(_prompts_of_another_image, "prompts.json", "open ", id="other prompts"),
        pytest.param(_text, "letter.nii.gz", "copy or export it again", id="text"),
        pytest.param(_enormous, "more than 1024 MB", "samsegment view IMAGE", id="2 GB"),
    ],
)
def test_an_unusable_file_gives_a_sentence_and_the_page_goes_on(tab, viewer, ball, tmp_path, make, named, cure):
    tab.open_files(make(tmp_path))
    message = tab.message(named)
    assert cure in message
    assert str(viewer.temporary) not in message
    tab.close_message()
    tab.open_files(ball)
    tab.wait_for_volume("ball")


def _series(folder, uid, description, count, value):
    for index in range(count):
        pixels = np.full((32, 32), value, dtype=np.int16)
        pixels[8:24, 8:24] += 500
        write_image(
            folder / f"{uid}-{index}.dcm",
            pixels,
            sop_class=MR_IMAGE,
            position=(0.0, 0.0, 2.0 * index),
            SeriesInstanceUID=f"1.2.3.{uid}",
            SeriesDescription=description,
            Modality="MR",
        )


def test_a_folder_of_mixed_dicom_asks_which_series_and_opens_it(tab, tmp_path):
    folder = tmp_path / "examination"
    folder.mkdir()
    _series(folder, 1, "T1 axial", 6, 100)
    _series(folder, 2, "T2 axial", 9, 300)
    (folder / "README.txt").write_text("not an image")
    tab.open_folder(folder)
    tab.page.get_by_text("Several series: which one?").wait_for()
    tab.page.get_by_text("MR, axial, 9 images of 32 x 32, 1 x 1 mm").wait_for()
    tab.page.get_by_text("T2 axial").click()
    tab.wait_until(lambda: "slice 4 of 0 to 8" in tab.page.locator("#samsegment-slice").inner_text(), "not opened")


def test_an_image_of_several_frames_asks_which(tab):
    tab.open_files(real_scan())
    tab.page.get_by_text("Several 3D frames: which one?").wait_for()
    tab.button("Open this frame").click()
    tab.wait_for_volume("example4d")


@pytest.mark.parametrize("ending", [".nrrd", ".mha", ".nii"])
def test_an_image_of_another_format_is_opened(tab, ball, tmp_path, ending):
    path = tmp_path / f"image-{ending[1:]}{ending}"
    SimpleITK.WriteImage(SimpleITK.ReadImage(str(ball)), str(path))
    tab.open_files(path)
    tab.wait_for_volume(f"image-{ending[1:]}")
    text = tab.page.locator("#samsegment-slice").inner_text()
    assert text.startswith("Axial slice ")
    assert text.endswith(" of 0 to 23")


@pytest.mark.parametrize(
    ("names", "opened"),
    [
        (["scan.nii.gz"], "scan.nii.gz"),
        (["scan.raw", "scan.mhd"], "scan.mhd"),
        (["scan.img", "scan.hdr"], "scan.hdr"),
        (["scan.nrrd", "notes.txt"], "scan.nrrd"),
        (["case/1.dcm", "case/2.dcm"], "case"),
        (["IM1", "IM2"], "selection of 2 files"),
    ],
)
def test_of_several_files_the_image_is_opened(tmp_path, names, opened):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    path = source_of_uploads(tmp_path).path
    assert path == tmp_path / opened
    assert path.exists()


def test_several_images_at_once_are_refused_by_name(tmp_path):
    for name in ("a.nii.gz", "b.nrrd"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InputError, match=r"2 images \(a\.nii\.gz, b\.nrrd\); open one"):
        source_of_uploads(tmp_path)


def test_the_server_refuses_what_the_page_would_not_send(viewer):
    def post(query, length):
        connection = HTTPConnection("127.0.0.1", viewer.port, timeout=60)
        connection.putrequest("POST", f"/samsegment/upload?secret={viewer.secret}&{query}")
        connection.putheader("Content-Length", str(length))
        connection.endheaders()
        response = connection.getresponse()
        return response.status, response.read().decode()

    status, text = post("batch=00aa00aa&name=a.nii", LARGEST_UPLOAD + 1)
    assert status == 413
    assert "samsegment view IMAGE" in text
    assert post("batch=../../etc&name=a.nii", 0)[0] == 400
    assert post("batch=00aa00aa&name=", 0)[0] == 400


def test_what_is_sent_without_a_length_is_stopped_at_the_limit_and_removed(tmp_path):
    async def chunks():
        for _ in range(8):
            yield b"x" * 1000

    async def send():
        application = web.Application()
        Uploads(tmp_path, largest=4000).install(application)
        async with TestServer(application) as server, aiohttp.ClientSession() as session:
            url = server.make_url(UPLOAD_PATH)
            async with session.post(url, params={"batch": "00dd00dd", "name": "a.nii"}, data=chunks()) as answer:
                return answer.status, await answer.text()

    status, text = run_apart(send())
    assert status == 413
    assert "samsegment view IMAGE" in text
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("first", "second"), [("case", "case/1.dcm"), ("case/1.dcm", "case"), ("case", "case/series/1.dcm")]
)
def test_a_file_named_like_a_folder_is_refused_in_a_sentence(viewer, first, second):
    def post(name):
        connection = HTTPConnection("127.0.0.1", viewer.port, timeout=60)
        query = f"secret={viewer.secret}&batch={batch}&name={name}"
        connection.request("POST", f"/samsegment/upload?{query}", body=b"x")
        response = connection.getresponse()
        return response.status, response.read().decode()

    batch = secrets.token_hex(8)
    assert post(first)[0] == 200
    status, text = post(second)
    assert (status, "have the same name" in text) == (400, True)
    assert "uploads.py" not in viewer.output  # no traceback of ours


@pytest.mark.parametrize("name", ["../../escaped.nii", "/etc/escaped.nii", "..%5C..%5Cescaped.nii", ".../escaped.nii"])
def test_no_name_leads_out_of_the_private_folder(viewer, name):
    connection = HTTPConnection("127.0.0.1", viewer.port, timeout=60)
    connection.request("POST", f"/samsegment/upload?secret={viewer.secret}&batch=00bb00bb&name={name}", body=b"x")
    response = connection.getresponse()
    response.read()
    found = list(viewer.temporary.rglob("escaped.nii"))
    assert len(found) == (response.status == 200)
    for path in found:
        assert path.is_relative_to(viewer.temporary)
        assert "00bb00bb" in path.parts
        path.unlink()
