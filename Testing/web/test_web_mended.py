"""What once went wrong in the page and must not again: the slice that is meant, warnings, devices, old tabs."""

import asyncio
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest
from trame_server.state import State

from SAMSegmentLib.errors import InputError
from SAMSegmentWeb import opening_control
from SAMSegmentWeb.device_check import check_device
from SAMSegmentWeb.messages import Messages
from SAMSegmentWeb.opening import Source
from Testing.web.images import ball_mask, write_ball
from Testing.web.pages import ANSWER
from Testing.web.viewers import ViewerProcess


def _slice_shown(tab):
    return tab.page.locator("#samsegment-slice").inner_text().lower()


def test_the_panel_keeps_to_the_view_that_was_clicked_when_the_mouse_crosses_another(tab):
    tab.click("Green", (0.5, 0.5))
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")
    tab.page.mouse.move(*tab.place("Red", (0.4, 0.5)), steps=12)
    tab.page.wait_for_timeout(500)
    assert "coronal" in _slice_shown(tab)
    tab.page.mouse.wheel(0, 120)
    tab.wait_until(lambda: "axial" in _slice_shown(tab), "scrolling does not choose the view")


def test_a_warning_about_left_and_right_stays_until_closed_and_in_the_bar(viewer, new_tab, tmp_path):
    image = nibabel.Nifti1Image((100 * ball_mask().T).astype(np.int16), None)
    image.header.set_sform(None, 0)
    image.header.set_qform(None, 0)
    nibabel.save(image, tmp_path / "nowhere.nii.gz")
    tab = new_tab(viewer.address)
    tab.open_files(tmp_path / "nowhere.nii.gz")
    assert "assumed" in tab.message("orientation")
    tab.page.wait_for_timeout(8000)  # other sentences go after seven seconds
    assert tab.page.locator("#samsegment-message").is_visible()
    tab.close_message()
    assert "assumed" in tab.page.locator("#samsegment-notes").get_attribute("aria-label")
    tab.open_files(write_ball(tmp_path / "ball.nii.gz"))
    tab.wait_for_volume("ball")
    assert tab.page.locator("#samsegment-notes").count() == 0


def test_a_device_that_is_not_there_is_refused_and_the_model_goes_on(tab):
    try:
        check_device("mps")
    except InputError:
        pass
    else:
        pytest.skip("this machine has that device")
    tab.open_section("Model")
    select = tab.page.locator(".v-select", has_text="Runs on").first
    select.click()
    tab.page.get_by_role("option", name="Apple graphics").click()
    assert "'mps' is not available" in tab.message("mps")
    tab.close_message()
    assert "Automatic" in select.inner_text()
    tab.click("Red", (0.5, 0.45))
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "the model does not answer any more", 60)


def test_a_click_on_a_prompt_moves_no_view(tab):
    place = (0.42, 0.4)
    tab.click("Red", place)
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")
    tab.page.wait_for_timeout(1000)
    before = {name: tab.picture(name).astype(int) for name in ("Green", "Yellow")}
    tab.click("Red", place)
    tab.page.wait_for_timeout(1500)
    for name, picture in before.items():
        assert np.abs(tab.picture(name) - picture).mean() < 1.0, name


def test_a_tab_of_a_viewer_that_was_started_anew_says_so(home, new_tab):
    first = ViewerProcess(home=home)
    port = str(first.port)
    tab = new_tab(first.address)
    first.stop(signal.SIGINT)
    with ViewerProcess("--port", port, home=home):
        tab.page.locator("#samsegment-gone").wait_for()
        tab.page.wait_for_timeout(5000)  # it looks every two seconds
        assert tab.page.locator("#samsegment-gone").is_visible()
    tab.errors.clear()  # requests that nobody answered


def test_while_a_file_is_read_a_refused_upload_does_not_let_a_second_one_begin(tmp_path, monkeypatch):
    may_end = threading.Event()

    def read(source, _note):
        may_end.wait(60)
        raise InputError(f"{source.path.name} cannot be read.")

    monkeypatch.setattr(opening_control, "read_source", read)
    state = State()
    work = SimpleNamespace(opened=None, messages=Messages(state))
    uploads = SimpleNamespace(batch_folder=lambda _batch: None, forget=lambda _batch: None)
    control = opening_control.OpeningControl(state, work, uploads, lambda: None, save=None)

    async def use():
        first = asyncio.create_task(control.open(Source(tmp_path / "first.nii")))
        await asyncio.sleep(0)
        await control.open_uploads("00", "The rest did not come.")
        second = await asyncio.wait_for(control.open(Source(tmp_path / "second.nii")), 30)
        sentence, is_busy = state["PageState__message"], state["OpeningState__is_busy"]
        may_end.set()
        await first
        return second, sentence, is_busy, state["OpeningState__is_busy"]

    try:
        # In a thread: Playwright keeps an event loop running in this one.
        with ThreadPoolExecutor(1) as thread:
            second, sentence, was_busy, is_busy = thread.submit(asyncio.run, use()).result(60)
    finally:
        may_end.set()
    assert not second
    assert "Another file is being read" in sentence
    assert (was_busy, is_busy) == (True, False)
