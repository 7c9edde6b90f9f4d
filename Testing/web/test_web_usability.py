"""What a radiologist meets on the way: the plane of the scan, confidence, stops, previews, DICOM results."""

import re
from functools import partial

import nibabel
import numpy as np
import pydicom

from SAMSegmentLib.io.dicom import read_dicom
from Testing.dicom_factory import MR_IMAGE, write_series
from Testing.web.images import BALL_CENTER, ball_mask, coloured, write_ball
from Testing.web.pages import ANSWER

_INSIDE_BALL = (0.5, 0.45)


def _slice_text(tab):
    return tab.page.locator("#samsegment-slice").inner_text()


def _click_and_wait(tab, view="Red"):
    tab.click(view, _INSIDE_BALL)
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")


def _propagate(tab):
    tab.button("Propagate").click()
    done = tab.page.get_by_text(re.compile(r"^Done: \d+ slices were made"))
    done.wait_for()
    return done


def _go_to(tab, index, count=24):
    """Click on a slice in the plot."""
    plot = tab.page.locator("#samsegment-confidence")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    plot.click(position={"x": (index + 0.5) / count * box["width"], "y": box["height"] / 2})
    tab.wait_until(lambda: _slice_text(tab).startswith(f"Axial slice {index} of"), "the view did not go there")


def test_the_large_view_is_of_the_plane_that_was_scanned(viewer, new_tab, tmp_path):
    array = np.random.default_rng(7).normal(100, 30, (20, 64, 64)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(array, np.diag([3.0, 1.0, 1.0, 1.0])), tmp_path / "sagittal.nii.gz")
    tab = new_tab(viewer.address)
    tab.open_files(tmp_path / "sagittal.nii.gz")
    tab.page.locator(".v-app-bar").get_by_text("sagittal", exact=True).wait_for()
    tab.wait_until(
        lambda: re.fullmatch(r"Sagittal slice (9|10) of 0 to 19", _slice_text(tab)), "the panel is not of that plane"
    )
    title = partial(tab.page.locator, ".samsegment-title")
    titles = tab.page.locator(".layout-grid-item", has=title(has_text="Sagittal"))
    others = tab.page.locator(".layout-grid-item", has=title(has_text="Axial"))
    tab.wait_until(
        lambda: titles.last.bounding_box()["height"] > 2 * others.last.bounding_box()["height"],
        "it is not the large one",
    )


def test_the_plot_leads_to_slices_and_undo_takes_what_is_said_of_them_away(tab):
    assert tab.page.locator("#samsegment-confidence").count() == 0
    _click_and_wait(tab)
    done = _propagate(tab)
    summary = tab.page.locator("#samsegment-doubtful")
    assert re.match(
        r"Worth a look: \d+ of \d+ propagated slices\.|Each propagated slice is at least 70 %", summary.inner_text()
    )
    assert tab.page.locator("#samsegment-confidence path[d^=M]").count() >= 2
    _go_to(tab, BALL_CENTER[2] + 2)
    _go_to(tab, BALL_CENTER[2] - 2)
    tab.wait_until(lambda: coloured(tab.picture("ThreeD")) > 2000, "no surface is made by itself")
    tab.button("Undo").click()
    done.wait_for(state="detached")
    summary.wait_for(state="detached")
    assert tab.button("Next doubtful slice").is_disabled()


def test_a_segment_ends_before_the_slice_that_is_marked(tab, tmp_path):
    _click_and_wait(tab)
    done = _propagate(tab)
    stop = BALL_CENTER[2] + 3
    assert tab.voxels(tmp_path)[stop].any()
    tab.button("Undo").click()
    done.wait_for(state="detached")
    _go_to(tab, stop)
    tab.page.get_by_label("End before the slice in view").check()
    tab.page.get_by_text(f"It ends before: {stop}.").wait_for()
    tab.page.get_by_label("Keep only what is connected").check()
    tab.page.get_by_label("Fill holes").check()
    _propagate(tab)
    voxels = tab.voxels(tmp_path)
    assert voxels[stop - 1].any()
    assert not voxels[stop:].any()


def test_a_box_is_drawn_in_its_own_slice_alone(tab):
    before = {name: tab.picture(name).astype(int) for name in ("Green", "Yellow")}
    tab.button("Box").click()
    tab.drag("Red", (0.05, 0.25), (0.95, 0.75))
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")
    tab.button("Show or hide").click()  # the mask, so that the box alone has a colour
    tab.wait_until(lambda: 500 < coloured(tab.picture("Red")) < 20000, "the box is not drawn in its own slice")
    tab.wait_until(
        lambda: all(coloured(tab.picture(name)) < 300 for name in before), "it is drawn in views of other orientations"
    )
    red, green, blue = np.moveaxis(tab.picture("Red").astype(int), -1, 0)
    assert not (red - np.maximum(green, blue) > 80).any(), "a handle looks like a point outside"
    assert not (green - np.maximum(red, blue) > 80).any(), "a handle looks like a point inside"
    tab.page.mouse.move(*tab.place("Red", (0.5, 0.45)))
    tab.page.mouse.wheel(0, 120)
    tab.wait_until(lambda: coloured(tab.picture("Red")) < 300, "it is drawn in another slice")
    tab.page.mouse.wheel(0, -120)
    tab.wait_until(lambda: coloured(tab.picture("Red")) > 500, "it does not come back")


def test_help_lists_the_keys_and_opens_by_one(tab):
    tab.page.keyboard.press("Shift+?")
    for keys in ("P, N, B", "Ctrl+Z, Ctrl+Y", "next doubtful slice"):
        tab.page.get_by_text(keys, exact=True).wait_for()
    tab.button("Close").click()


def test_no_request_of_the_page_fails(viewer, new_tab):
    tab = new_tab(viewer.address)
    failed = []
    tab.page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
    tab.reload()
    tab.button("Open file").wait_for()
    tab.page.wait_for_timeout(1000)
    assert failed == []


def test_a_preview_follows_the_mouse_and_changes_no_voxel(tab, tmp_path):
    _click_and_wait(tab)
    before = tab.voxels(tmp_path)
    tab.page.mouse.move(5, 700)
    tab.page.wait_for_timeout(1500)
    still = tab.picture("Red").astype(int)
    tab.page.get_by_label("Preview under the mouse").check()
    tab.page.mouse.move(*tab.place("Red", (0.2, 0.3)), steps=4)
    tab.wait_until(lambda: (np.abs(tab.picture("Red") - still).max(axis=-1) > 60).sum() > 50, "no preview is drawn")
    assert np.array_equal(tab.voxels(tmp_path), before)
    assert tab.page.get_by_text(re.compile("^Inside at")).count() == 1
    tab.page.mouse.move(5, 700)
    tab.wait_until(lambda: (np.abs(tab.picture("Red") - still).max(axis=-1) > 60).sum() == 0, "the preview stays")


def _masks_by_image(path):
    """{SOPInstanceUID: mask [row, column]} of the one segment in a DICOM Segmentation, straight from the file."""
    dataset = pydicom.dcmread(path)
    frames = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
    found = {}
    for item, pixels in zip(dataset.PerFrameFunctionalGroupsSequence, frames, strict=True):
        source = item.DerivationImageSequence[0].SourceImageSequence[0]
        found[source.ReferencedSOPInstanceUID] = pixels > 0
    return found


def test_a_dicom_segmentation_has_the_voxels_that_the_page_has(viewer, new_tab, tmp_path):
    array = np.random.default_rng(7).normal(20, 4, ball_mask().shape) + 80 * ball_mask()
    write_series(tmp_path / "scan", array.astype(np.int16), sop_class=MR_IMAGE, SeriesDescription="ball", StudyID="1")
    tab = new_tab(viewer.address)
    tab.open_folder(tmp_path / "scan")
    tab.wait_for_volume("ball")
    _click_and_wait(tab)
    _propagate(tab)
    voxels = tab.voxels(tmp_path)
    assert np.count_nonzero(voxels & ball_mask()) > 0.5 * np.count_nonzero(ball_mask())
    found = _masks_by_image(tab.save("DICOM Segmentation (.dcm)", tmp_path / "saved.dcm"))
    images = [frame.sop_instance_uid for frame in read_dicom(tmp_path / "scan").source_frames]
    assert set(found) == {uid for uid, mask in zip(images, voxels, strict=True) if mask.any()}
    for uid, mask in zip(images, voxels, strict=True):
        assert np.array_equal(found.get(uid, np.zeros_like(mask)), mask)


def test_a_saved_segmentation_is_opened_again_beside_the_volume(tab, tmp_path):
    _click_and_wait(tab)
    _propagate(tab)
    voxels = tab.voxels(tmp_path)
    saved = tab.save("Segmentation for 3D Slicer", tmp_path / "saved.seg.nrrd")
    tab.open_files(tmp_path / "ball.nii.gz")
    tab.page.get_by_text(re.compile("^Inside at")).wait_for(state="detached")
    tab.page.set_input_files("#samsegment-segmentation", str(tmp_path / "saved.nii.gz"))
    tab.message("1 segment of saved.nii.gz added")
    tab.page.get_by_label("Name of the segment").wait_for()
    assert tab.page.get_by_label("Name of the segment").input_value() == "label 1"
    tab.wait_until(lambda: coloured(tab.picture("Red")) > 2000, "it is not drawn")
    assert np.array_equal(tab.voxels(tmp_path), voxels)
    tab.open_files(saved)
    tab.message("1 segment of saved.seg.nrrd added")
    bins = tab.page.get_by_role("button", name="Remove the segment")
    tab.wait_until(lambda: bins.count() == 2, "the list does not show both")
    tab.button("Accept slice").click()
    tab.button("Release slice").wait_for()


def test_a_segmentation_of_another_grid_is_refused_in_a_sentence(tab, tmp_path):
    mask = np.zeros((8, 8, 8), dtype=np.uint8)
    mask[2:5, 2:5, 2:5] = 1
    nibabel.save(nibabel.Nifti1Image(mask, np.eye(4)), tmp_path / "other.nii.gz")
    tab.page.set_input_files("#samsegment-segmentation", str(tmp_path / "other.nii.gz"))
    assert tab.message("other.nii.gz") == "other.nii.gz: is not on the grid of ball; resample it to that image."
    tab.close_message()
    _click_and_wait(tab)


def test_an_oblique_volume_is_shown_slice_by_slice_and_clicks_are_taken(viewer, new_tab, tmp_path):
    turn = np.diag([1.0, 1.0, 2.0, 1.0])
    angle = np.radians(20)
    turn[1:3, 1:3] = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag([1.0, 2.0])
    image = nibabel.load(write_ball(tmp_path / "ball.nii.gz"))
    nibabel.save(nibabel.Nifti1Image(image.dataobj, turn), tmp_path / "oblique.nii.gz")
    tab = new_tab(viewer.address)
    tab.open_files(tmp_path / "oblique.nii.gz")
    tab.wait_for_volume("oblique")
    tab.page.get_by_text("AS", exact=True).first.wait_for()  # the upper edge is towards the front and the head
    _click_and_wait(tab)
    assert not tab.page.locator("#samsegment-message").is_visible()  # no 'the view is turned against the volume'
    voxels = tab.voxels(tmp_path)
    assert np.count_nonzero(voxels.any(axis=(1, 2))) == 1
    tab.open_files(tmp_path / "ball.nii.gz")
    tab.wait_for_volume("ball")
    tab.page.get_by_text("AS", exact=True).first.wait_for(state="detached")
