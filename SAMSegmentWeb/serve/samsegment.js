// What the page does without the server: send files, fetch results, shortcuts, and say so when the server is gone.
window.samsegment = (function () {
  const MEGABYTE = 1 << 20;
  const LOOK_EVERY_MS = 2000;
  const LOOKS_BEFORE_ALARM = 2;
  const NARROW_PIXELS = 760;
  const STOPPED =
    "The viewer has ended. Start it again the way you started it, and open the address that it prints. " +
    "Prompts that were not saved are offered again when the same image is opened.";
  const CUT = "The connection was cut. Reload this page; nothing is lost.";

  function newBatch() {
    const bytes = crypto.getRandomValues(new Uint8Array(8));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  // Sends files one after the other. Resolves to {batch, error}: an empty error when all of them are there.
  async function upload(files, largest, onProgress) {
    const batch = newBatch();
    const all = Array.from(files);
    const total = all.reduce((sum, file) => sum + file.size, 0);
    if (total > largest) {
      const error =
        `This is more than ${Math.floor(largest / MEGABYTE)} MB, the most that is taken through the browser; ` +
        "start 'samsegment view IMAGE' with the file's path instead.";
      return { batch, error };
    }
    let sent = 0;
    for (const file of all) {
      const name = encodeURIComponent(file.webkitRelativePath || file.name);
      try {
        const answer = await fetch(`/samsegment/upload?batch=${batch}&name=${name}`, { method: "POST", body: file });
        if (!answer.ok) {
          const error = (await answer.json().catch(() => ({}))).error;
          return { batch, error: error || `${file.name} could not be sent (${answer.status}); open it again.` };
        }
      } catch (problem) {
        return { batch, error: `${file.name} could not be sent; is it still there, and the viewer running?` };
      }
      sent += file.size;
      onProgress(total ? Math.round((100 * sent) / total) : 100);
    }
    return { batch, error: "" };
  }

  // Called by the file inputs of the page; `trigger` is the server's function that opens a batch.
  async function open(input, largest, trigger, percentKey, busyKey) {
    const files = Array.from(input.files || []);
    input.value = "";
    if (!files.length) return;
    window.trame.state.set(busyKey, true);
    window.trame.state.set(percentKey, 0);
    const { batch, error } = await upload(files, largest, (percent) => window.trame.state.set(percentKey, percent));
    await window.trame.trigger(trigger, [batch, error]);
  }

  function choose(id) {
    document.getElementById(id).click();
  }

  function download(path) {
    if (!path) return;
    const link = document.createElement("a");
    link.href = path;
    link.download = "";
    document.body.appendChild(link);
    link.click();
    link.remove();
  }

  // Menus, dialogs and help; sentences and tooltips leave the keys to the page.
  const OVERLAY = ".v-overlay--active:not(.v-tooltip):not(.v-snackbar)";

  // By how many slices keys scroll the view that was used last.
  const STEPS = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 };
  // These answer such keys themselves.
  const TAKES_STEPS = "input:not([type=checkbox], [type=button]), .v-slider-thumb";

  function step(event) {
    if (event.target instanceof Element && event.target.closest(TAKES_STEPS)) return;
    event.preventDefault();
    window.trame.state.set("ViewState__steps", window.trame.state.get("ViewState__steps") + STEPS[event.key]);
  }

  // Buttons name their shortcut in data-shortcut: "ctrl+z", "p". Letters typed into a field are the field's.
  function onKey(event) {
    if (document.querySelector(OVERLAY)) return;
    const target = event.target;
    if (target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))) {
      if (!(target instanceof HTMLInputElement && /^(checkbox|radio|range|button)$/.test(target.type))) return;
    }
    if (event.altKey) return;
    if (event.key in STEPS && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      step(event);
      return;
    }
    if (event.repeat) return;
    const key = event.key.toLowerCase();
    const name = (event.ctrlKey || event.metaKey ? "ctrl+" : "") + (event.shiftKey && event.ctrlKey ? "shift+" : "") + key;
    const button = document.querySelector(`[data-shortcut~="${CSS.escape(name)}"]`);
    if (button && !button.disabled) {
      event.preventDefault();
      button.click();
    }
  }

  // The server arranges views and panel for a window that has no room for both.
  let wasNarrow = null;
  function tellWidth() {
    const isNarrow = window.innerWidth < NARROW_PIXELS;
    if (isNarrow === wasNarrow || !window.trame?.state) return;
    wasNarrow = isNarrow;
    window.trame.state.set("PageState__is_narrow", isNarrow);
  }

  // The server is not told when the mouse leaves a view: a preview would stay.
  let wasOverView = null;
  function tellMouse(event) {
    const isOverView = event.target instanceof Element && event.target.closest(".layout-grid-item") !== null;
    if (isOverView === wasOverView || !window.trame?.state) return;
    wasOverView = isOverView;
    window.trame.state.set("PromptState__is_over_view", isOverView);
  }

  let misses = 0;
  async function look() {
    tellWidth();
    try {
      const answer = await fetch("/samsegment/free");
      // Another viewer on this port, with another secret: this tab's own one is gone.
      if (!answer.ok) throw new Error(answer.statusText);
      misses = 0;
      showConnection();
    } catch (error) {
      misses += 1;
      if (misses >= LOOKS_BEFORE_ALARM) showGone(STOPPED);
    }
    setTimeout(look, LOOK_EVERY_MS);
  }

  // The framework takes the page away when its connection is cut, though the viewer may go on.
  let wasThere = false;
  function isPageThere() {
    const isThere = document.querySelector(".v-app-bar") !== null;
    wasThere ||= isThere;
    return isThere;
  }
  function showConnection() {
    if (!isPageThere() && wasThere) showGone(CUT);
    else document.getElementById("samsegment-gone")?.remove();
  }

  function showGone(sentence) {
    document.getElementById("samsegment-gone")?.remove();
    const box = document.createElement("div");
    box.id = "samsegment-gone";
    box.textContent = sentence;
    box.style.cssText =
      "position:fixed;inset:0;z-index:9999;background:#121212;color:#eee;display:flex;" +
      "align-items:center;justify-content:center;padding:10vw;font:20px/1.5 sans-serif;text-align:center";
    // The page's own styles are gone with it.
    document.documentElement.style.overflow = "hidden";
    document.body.appendChild(box);
  }

  // Before those that close what lies over the page: the key that does is theirs alone.
  document.addEventListener("keydown", onKey, true);
  window.addEventListener("resize", tellWidth);
  document.addEventListener("mouseover", tellMouse);
  document.addEventListener("mouseleave", tellMouse);
  // The browser's own menu would come up over a view in which the right button zooms.
  document.addEventListener("contextmenu", (event) => {
    if (event.target instanceof Element && event.target.closest(".layout-grid-item")) event.preventDefault();
  });
  // More often than the server is asked: a page that is cut soon after it came has been there, too.
  setInterval(isPageThere, LOOK_EVERY_MS / 10);
  look();
  return { open, choose, download };
})();
