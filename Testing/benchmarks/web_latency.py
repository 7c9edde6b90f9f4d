"""Time from a click in the browser to the frame that shows its mask, and frames a second while the worker encodes.

Run: ``python -m Testing.benchmarks.web_latency [IMAGE] [--clicks 30]``. Needs Chromium; all is drawn in software.
The clicks are on one slice whose embedding is there. The server's part is from the message with the click to the
message with the frame; the rest is the browser's: sending, decoding the picture, showing it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

import psutil
from playwright.sync_api import Page, sync_playwright

from Testing.web.images import write_ball
from Testing.web.pages import ViewerPage
from Testing.web.viewers import ViewerProcess, chromium

_CLICKED = (0.5, 0.47)
_SCROLL_S = 5
# 512 x 512 x 192 voxels.
_FINER = 8

# Notes when messages go and come, and when a picture is shown that is coloured at a place.
_PROBE = """
(() => {
  const sent = [], received = [];
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) { sent.push(performance.now()); return send.call(this, data); };
  const Plain = window.WebSocket;
  window.WebSocket = class extends Plain {
    constructor(...args) { super(...args); this.addEventListener("message", () => received.push(performance.now())); }
  };
  window.probe = {
    frames: 0,
    watch(image) { new MutationObserver(() => { this.frames += 1; })
      .observe(image, { attributes: true, attributeFilter: ["src"] }); },
    coloured(image, at) {
      const canvas = this.canvas ||= document.createElement("canvas");
      canvas.width = canvas.height = 1;
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(image, at[0] * image.naturalWidth, at[1] * image.naturalHeight, 1, 1, 0, 0, 1, 1);
      const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
      return Math.max(red, green, blue) - Math.min(red, green, blue) > 40;
    },
    click(image, at) {
      return new Promise((resolve) => {
        let pressed = null;
        window.addEventListener("mousedown", () => { pressed = performance.now(); sent.length = received.length = 0; },
          { capture: true, once: true });
        const look = () => {
          if (pressed !== null && image.complete && image.naturalWidth && this.coloured(image, at)) {
            const shown = performance.now();
            resolve({ total: shown - pressed, server: received[received.length - 1] - sent[0] });
          } else {
            requestAnimationFrame(look);
          }
        };
        look();
      });
    },
  };
})();
"""


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", type=Path, nargs="?")
    parser.add_argument("--clicks", type=int, default=30)
    parser.add_argument(
        "--at", default=f"{_CLICKED[0]},{_CLICKED[1]}", help="where in the axial view, 0..1 from left top"
    )
    options = parser.parse_args()
    executable = chromium()
    if executable is None:
        sys.exit("There is no Chromium on this machine.")
    at = tuple(float(part) for part in options.at.split(","))
    with tempfile.TemporaryDirectory() as home, sync_playwright() as library:
        image = options.image or write_ball(Path(home) / "ball.nii", finer=_FINER)
        busy = psutil.cpu_percent(interval=3)
        print(f"{image.name}; before the start others use {busy:.0f} % of {psutil.cpu_count()} processors")
        with ViewerProcess(str(image), home=Path(home)) as viewer:
            browser = library.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.add_init_script(_PROBE)
            tab = ViewerPage(page, viewer.address)
            tab.wait_until(lambda: tab.picture("Red").std() > 10, "no picture")
            _print_scrolling(tab)
            _print_latency(_clicks(tab, at, options.clicks))
            browser.close()


def _clicks(tab: ViewerPage, at: tuple[float, float], count: int) -> list[dict[str, float]]:
    """Milliseconds of each click; the first one, whose slice may have to be encoded, is left out."""
    handle = tab.view("Red").element_handle()
    beside = [at[0] + 0.03, at[1]]  # the prompt's own mark is coloured, too, and comes before the mask
    measured = []
    for _ in range(count + 1):
        waiting = tab.page.evaluate_handle(
            "([image, at]) => ({ done: window.probe.click(image, at) })", [handle, beside]
        )
        tab.click("Red", at)
        measured.append(tab.page.evaluate("(waiting) => waiting.done", waiting))
        tab.button("Undo").click()
        tab.wait_until(
            lambda: not tab.page.evaluate("([image, at]) => window.probe.coloured(image, at)", [handle, beside]),
            "undo leaves the mask",
        )
        tab.page.wait_for_timeout(300)
    return measured[1:]


def _print_latency(measured: list[dict[str, float]]) -> None:
    print(f"click to frame, {len(measured)} clicks on an encoded slice, built-in model")
    print("| part | p50 ms | p90 ms | highest ms |")
    print("|---|---|---|---|")
    for name in ("total", "server"):
        values = sorted(item[name] for item in measured)
        p90 = values[min(len(values) - 1, round(0.9 * len(values)))]
        print(f"| {name} | {statistics.median(values):.0f} | {p90:.0f} | {values[-1]:.0f} |")


def _print_scrolling(tab: ViewerPage) -> None:
    tab.open_section("Model")
    tab.button("Prepare all slices").click()
    tab.page.get_by_role("button", name="Stop").wait_for()
    at_work = _frames_a_second(tab.page, tab)
    state = "still encoding" if tab.page.get_by_role("button", name="Stop").count() else "done"
    tab.page.get_by_role("button", name="Stop").wait_for(state="detached", timeout=300_000)
    print(f"scrolling while the worker encodes: {at_work:.1f} frames/s ({state} at the end)")


def _frames_a_second(page: Page, tab: ViewerPage) -> float:
    page.mouse.move(*tab.place("Red", (0.5, 0.5)))
    page.evaluate(
        "(image) => { window.probe.frames = 0; window.probe.watch(image); }", tab.view("Red").element_handle()
    )
    start = page.evaluate("performance.now()")
    number = 0
    while page.evaluate("performance.now()") - start < 1000 * _SCROLL_S:
        page.mouse.wheel(0, 100 if (number // 8) % 2 else -100)
        number += 1
        page.wait_for_timeout(40)
    seconds = (page.evaluate("performance.now()") - start) / 1000
    return page.evaluate("window.probe.frames") / seconds


if __name__ == "__main__":
    main()
