"""The page goes on working while something takes long."""

import json
import re

from Testing.web.pages import ANSWER


def test_while_prompts_are_done_again_the_page_takes_keys_and_scrolls(tab, tmp_path):
    tab.click("Red", (0.5, 0.45))
    tab.wait_until(lambda: tab.page.get_by_text(ANSWER).count() > 0, "no answer came")
    tab.button("Propagate").click()
    tab.page.get_by_text(re.compile("^Done")).wait_for()
    saved = json.loads(tab.save("Prompts (.json)", tmp_path / "one.json").read_text())
    (segment,) = saved["segments"]
    saved["segments"] = [segment | {"name": f"copy {number}"} for number in range(25)]
    many = tmp_path / "many.json"
    many.write_text(json.dumps(saved))
    tab.open_files(many)
    tab.page.get_by_text("copy 1", exact=True).first.wait_for()
    shown = tab.page.locator("#samsegment-slice").inner_text()
    tab.page.keyboard.press("n")
    tab.page.locator('[aria-label="Outside"][aria-pressed="true"]').wait_for()
    tab.page.mouse.move(*tab.place("Red", (0.5, 0.45)))
    tab.page.mouse.wheel(0, 120)
    tab.wait_until(lambda: tab.page.locator("#samsegment-slice").inner_text() != shown, "it does not scroll")
    assert tab.page.get_by_text("copy 24", exact=True).count() == 0, "all was done before the page took the key"
    tab.message("are done again")
