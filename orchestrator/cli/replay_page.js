"use strict";
(() => {
  const data = JSON.parse(document.getElementById("recording").textContent);
  const ROW = 28, PAD = 3, LEAST = 14, BUCKET = 7;
  const stage = document.getElementById("lanes");
  const details = document.getElementById("details");
  const readout = document.getElementById("when");
  const overview = document.getElementById("overview");
  const ruler = document.getElementById("ruler");
  const seconds = (ms) => (ms / 1000).toFixed(ms % 100 ? 2 : 1) + " s";
  const clock = (ms) => (data.end_ms < 120000 ? seconds(ms) : `${Math.floor(ms / 60000)}:${String(Math.floor((ms % 60000) / 1000)).padStart(2, "0")}`);
  const make = (tag, cls, text) => {
    const made = document.createElement(tag);
    if (cls) made.className = cls;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // --- the lanes: one per run and kind, each with its items in the order of time ---
  const lanes = [];
  const all = [];
  data.runs.forEach((run, which) => {
    const box = make("section", "run");
    box.setAttribute("aria-label", run.title);
    const title = make("h3", "", run.title + " ");
    title.append(make("span", "", run.policy));
    if (data.runs.length > 1) box.append(title);
    for (const lane of data.lanes) {
      const items = run.items.filter((item) => item.lane === lane.id);
      if (!items.length) continue;
      const line = make("div", "lane");
      line.setAttribute("role", "group");
      line.setAttribute("aria-label", `${run.title}: ${lane.name}`);
      const track = make("div", "track");
      const rows = 1 + Math.max(...items.map((item) => item.row || 0));
      track.style.height = rows * ROW + 2 * PAD - 4 + "px";
      const guide = make("div", "guide");
      guide.hidden = true;
      track.append(guide);
      line.append(make("div", "name", lane.name), track);
      box.append(line);
      const made = { id: lane.id, name: lane.name, run, which, items, track, guide, shown: new Map() };
      const following = new Map();
      for (let at = items.length - 1; at >= 0; at--) {
        const item = items[at], row = item.row || 0;
        item.next = following.has(row) ? following.get(row) : Infinity;
        following.set(row, item.start_ms);
        item.where = made;
        if (lane.id === "findings") item.text = data.words[item.about[0]];
        item.index = at;
      }
      all.push(...items);
      lanes.push(made);
    }
    stage.append(box);
  });
  const begin = data.begin_ms, end = Math.max(data.end_ms, begin + 1000) + 400;

  // --- what is seen: from `left` (ms), at `scale` (pixels a ms) ---
  let left = begin, scale = 0.05, chosen = null, waiting = false;
  const width = () => Math.max(lanes.length ? lanes[0].track.clientWidth : stage.clientWidth, 50);
  const x = (ms) => (ms - left) * scale;
  const keep = () => {
    scale = Math.min(Math.max(scale, width() / (end - begin)), 1.5);
    left = Math.max(Math.min(left, end - width() / scale), begin);
  };
  const redraw = () => {
    if (!waiting) {
      waiting = true;
      requestAnimationFrame(() => { waiting = false; draw(); });
    }
  };
  const zoom = (factor, around) => {
    const at = around === undefined ? (chosen ? chosen.start_ms : left + width() / scale / 2) : around;
    const place = Math.min(Math.max(x(at), 0), width());
    scale *= factor;
    keep();
    left = at - place / scale;
    redraw();
  };
  const words = (item) =>
    item.lane === "decisions"
      ? item.why
      : item.lane === "findings" && item.kind !== "owed" && item.kind !== "speaking" ? item.label
      : item.kind === "card" ? "Card: " + item.text : item.text;
  const span = (item) =>
    item.end_ms > item.start_ms ? `${seconds(item.start_ms)} to ${seconds(item.end_ms)}` : seconds(item.start_ms);
  const spoken = (item) => {
    const parts = [item.where.name, item.label, span(item)];
    if (item.text) parts.push(item.text);
    if (item.cut && item.cut.trim()) parts.push(`cut, not heard: ${item.cut}`);
    if (item.why) parts.push(item.why);
    return parts.join(", ");
  };

  function draw() {
    keep();
    const wide = width(), until = left + wide / scale;
    drawOverview(overview.clientWidth, overview.clientHeight, wide);
    drawRuler(wide, until);
    for (const lane of lanes) {
      paper(lane.track);
      const wanted = new Set(), buckets = new Map();
      for (const item of lane.items) {
        if (item.start_ms > until) break;
        if (Math.max(item.end_ms, item.start_ms + LEAST / scale) < left && item !== chosen) continue;
        const row = item.row || 0, bucket = Math.floor(x(item.start_ms) / BUCKET);
        // From afar many items share a few pixels: one of them stands for all.
        if ((item.end_ms - item.start_ms) * scale < BUCKET && buckets.get(row) === bucket && item !== chosen) continue;
        buckets.set(row, bucket);
        wanted.add(item);
      }
      for (const [item, node] of lane.shown) {
        if (!wanted.has(item)) { node.remove(); lane.shown.delete(item); }
      }
      let before = lane.guide;
      for (const item of wanted) {
        let node = lane.shown.get(item);
        if (!node) {
          node = element(item);
          lane.shown.set(item, node);
          before.after(node);
        }
        before = node;
        place(item, node, wide);
      }
    }
    if (chosen) {
      for (const lane of lanes) lane.guide.style.left = x(chosen.start_ms) + "px";
    }
    readout.textContent = `${clock(left)} to ${clock(Math.min(until, data.end_ms))} of ${clock(data.end_ms)}`;
  }

  function element(item) {
    const kind = ["typed", "sent", "spoke", "frame"].includes(item.kind) || item.lane !== "person" ? item.kind : "activity";
    const node = make("button", `item ${item.lane} ${kind}`);
    node.type = "button";
    node.tabIndex = item === chosen || (!chosen && item === all[0]) ? 0 : -1;
    node.setAttribute("aria-label", spoken(item));
    const label = make("span", "label");
    label.dir = "auto";
    node.append(make("span", "fill"), label);
    if (item.cut) node.classList.add("iscut");
    if (chosen && akin(item, chosen)) node.classList.add("kin");
    node.addEventListener("click", () => choose(item, true));
    node.addEventListener("focus", () => { if (item !== chosen) choose(item, false); });
    return node;
  }

  function place(item, node, wide) {
    const from = x(item.start_ms), length = Math.max((item.end_ms - item.start_ms) * scale - 1, 4);
    const room = Math.max(Math.min((item.next - item.start_ms) * scale - 2, wide - from), 4);
    const point = length < LEAST, text = words(item);
    const needed = Math.min(text.length * 7.2 + 24, point ? 320 : 1e9);
    const cropped = Math.max(-8 - from, 0), visible = from + cropped;
    // Words that do not fit into what it lasted stand beside it, where there is room; else they are shortened.
    const beside = point || (needed > length && room - length > (length < 40 ? 30 : needed - 10));
    const size = Math.min((beside ? Math.max(length, Math.min(length + needed, room)) : length) - cropped, wide - visible + 8);
    node.classList.toggle("point", point);
    node.style.left = visible + "px";
    node.style.width = Math.max(size, item.kind === "splice" ? 14 : 4) + "px";
    node.style.top = PAD + (item.row || 0) * ROW + "px";
    const [fill, label] = node.children;
    fill.style.width = (item.kind === "splice" ? 10 : Math.max(Math.min(length, 5e4) - cropped, 4)) + "px";
    label.style.paddingLeft = (item.kind === "splice" ? 20 : beside ? length - cropped + 6 : 6) + "px";
    const said = size < 18 ? "" : text;
    if (label.textContent !== said) label.textContent = said;
    if (fill.firstChild) fill.replaceChildren();
    if (item.marks && length > 24 && item.marks.length < 400) {
      for (const mark of item.marks) {
        const tick = make("i");
        tick.style.left = Math.min(x(mark) - visible, length - 4) + "px";
        fill.append(tick);
      }
    }
  }

  function paper(track) {
    // The 200 ms grid, as soon as there is room for it; seconds before that.
    const step = data.tick_ms * scale >= 7 ? data.tick_ms : scale * 1000 >= 7 ? 1000 : 0;
    track.style.backgroundImage = step ? "linear-gradient(to right, var(--grid) 1px, transparent 1px)" : "none";
    track.style.backgroundSize = step * scale + "px 100%";
    track.style.backgroundPosition = -((left * scale) % (step * scale || 1)) + "px 0";
  }

  function drawRuler(wide, until) {
    const steps = [200, 1000, 2000, 5000, 10000, 30000, 60000, 300000, 600000, 1800000];
    const step = steps.find((each) => each * scale >= 64) || 3600000;
    ruler.replaceChildren();
    for (let at = Math.ceil(left / step) * step; at <= until; at += step) {
      const minutes = Math.floor(at / 60000), rest = (at % 60000) / 1000;
      const text = minutes ? `${minutes}:${rest.toFixed(step < 1000 ? 1 : 0).padStart(step < 1000 ? 4 : 2, "0")}` : seconds(at);
      const mark = make("span", "", text);
      mark.style.left = x(at) + "px";
      ruler.append(mark);
    }
  }

  // The overview is painted once for a width and a colour scheme; only the frame moves.
  let painted = null;
  function paintOverview(wide, high, ratio) {
    const canvas = make("canvas"), style = getComputedStyle(document.documentElement);
    canvas.width = wide * ratio;
    canvas.height = high * ratio;
    const ink = canvas.getContext("2d");
    ink.scale(ratio, ratio);
    const colours = {}, part = wide / (end - begin);
    for (const name of ["person", "voice", "find", "wait", "focus"]) colours[name] = style.getPropertyValue(`--${name}`);
    const rows = { person: [5, "person"], said: [13, "voice"], findings: [21, "wait"] };
    for (const item of data.runs[data.runs.length - 1].items) {
      const row = rows[item.lane];
      if (!row || (item.lane === "findings" && item.kind !== "owed")) continue;
      ink.fillStyle = colours[item.lane === "said" && item.kind !== "speech" ? "find" : row[1]];
      const long = Math.max((item.end_ms - item.start_ms) * part, 1.5);
      ink.fillRect((item.start_ms - begin) * part, row[0], long, 6);
    }
    painted = { canvas, wide, focus: colours.focus };
  }

  function drawOverview(wide, high, lanesWide) {
    const ratio = window.devicePixelRatio || 1;
    if (!painted || painted.wide !== wide) paintOverview(wide, high, ratio);
    overview.width = wide * ratio;
    overview.height = high * ratio;
    const ink = overview.getContext("2d");
    ink.drawImage(painted.canvas, 0, 0);
    ink.scale(ratio, ratio);
    ink.strokeStyle = painted.focus;
    ink.lineWidth = 1.5;
    const part = wide / (end - begin), from = (left - begin) * part, size = (lanesWide / scale) * part;
    ink.strokeRect(Math.max(from, 1), 1.5, Math.max(Math.min(size, wide - 2), 3), high - 3);
  }

  // --- choosing ---
  const akin = (one, other) =>
    one === other || (one.about || []).some((id) => (other.about || []).includes(id));

  function choose(item, focus) {
    chosen = item;
    for (const lane of lanes) lane.guide.hidden = false;
    if (x(item.start_ms) < 20 || x(item.start_ms) > width() - 80) left = item.start_ms - width() / scale / 3;
    draw();
    for (const lane of lanes) {
      for (const [other, node] of lane.shown) {
        node.classList.toggle("kin", akin(other, item));
        node.tabIndex = other === item ? 0 : -1;
      }
    }
    if (focus) item.where.shown.get(item).focus({ preventScroll: false });
    tell(item);
  }

  function tell(item) {
    const run = data.runs.length > 1 ? `${item.where.run.title}: ` : "";
    const parts = [make("h3", "", `${run}${item.where.name}, ${item.label}, ${span(item)}`)];
    if (item.text) { const text = make("p", "words said-words", item.text); text.dir = "auto"; parts.push(text); }
    if (item.cut && item.cut.trim()) parts.push(make("p", "words", `Not heard: ${item.cut}`));
    if (item.why) parts.push(make("p", "words soft", `Why: ${item.why}`));
    if (item.about) parts.push(make("p", "soft", `About ${item.about.join(", ")}`));
    const related = all.filter((other) => other !== item && akin(other, item)).slice(0, 24);
    if (related.length) {
      const list = make("div", "related");
      for (const other of related) {
        const name = `${data.runs.length > 1 ? other.where.run.title + ": " : ""}${other.label} at ${seconds(other.start_ms)}`;
        const button = make("button", "", name);
        button.type = "button";
        button.addEventListener("click", () => choose(other, true));
        list.append(button);
      }
      parts.push(list);
    }
    details.replaceChildren(...parts);
  }

  const nearest = (lane, at) =>
    lane.items.reduce((best, item) => (Math.abs(item.start_ms - at) < Math.abs(best.start_ms - at) ? item : best));

  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const item = chosen || all[0];
    if (!item) return;
    const lane = item.where, row = lanes.indexOf(lane), view = width() / scale;
    const moves = {
      ArrowRight: () => choose(lane.items[Math.min(item.index + 1, lane.items.length - 1)], true),
      ArrowLeft: () => choose(lane.items[Math.max(item.index - 1, 0)], true),
      ArrowDown: () => choose(nearest(lanes[Math.min(row + 1, lanes.length - 1)], item.start_ms), true),
      ArrowUp: () => choose(nearest(lanes[Math.max(row - 1, 0)], item.start_ms), true),
      Home: () => choose(lane.items[0], true),
      End: () => choose(lane.items[lane.items.length - 1], true),
      PageDown: () => choose(nearest(lane, item.start_ms + view * 0.8), true),
      PageUp: () => choose(nearest(lane, item.start_ms - view * 0.8), true),
      "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5),
      0: () => { scale = 0; redraw(); },
    };
    const move = moves[event.key];
    if (move) { event.preventDefault(); move(); }
  });

  stage.addEventListener("wheel", (event) => {
    const track = event.target.closest(".track");
    if (!track) return;
    const along = event.shiftKey ? event.deltaY : event.deltaX;
    if (event.ctrlKey || event.metaKey) {
      const at = left + (event.clientX - track.getBoundingClientRect().left) / scale;
      zoom(Math.exp(-event.deltaY / 300), at);
    } else if (Math.abs(along) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
      left += along / scale;
      redraw();
    } else return;
    event.preventDefault();
  }, { passive: false });

  let drag = null;
  stage.addEventListener("pointerdown", (event) => {
    const track = event.target.closest(".track");
    if (track && event.button === 0) drag = { from: event.clientX, left, track };
  });
  window.addEventListener("pointermove", (event) => {
    if (!drag) return;
    if (Math.abs(event.clientX - drag.from) > 3) drag.track.classList.add("dragging");
    left = drag.left - (event.clientX - drag.from) / scale;
    redraw();
  });
  window.addEventListener("pointerup", () => {
    if (drag) drag.track.classList.remove("dragging");
    drag = null;
  });
  const jump = (event) => {
    const box = overview.getBoundingClientRect();
    left = begin + ((event.clientX - box.left) / box.width) * (end - begin) - width() / scale / 2;
    redraw();
  };
  overview.addEventListener("pointerdown", (event) => { overview.setPointerCapture(event.pointerId); jump(event); });
  overview.addEventListener("pointermove", (event) => { if (event.buttons) jump(event); });
  document.getElementById("in").addEventListener("click", () => zoom(1.5));
  document.getElementById("out").addEventListener("click", () => zoom(1 / 1.5));
  document.getElementById("whole").addEventListener("click", () => { scale = 0; redraw(); });
  document.getElementById("earlier").addEventListener("click", () => { left -= (width() / scale) * 0.8; redraw(); });
  document.getElementById("later").addEventListener("click", () => { left += (width() / scale) * 0.8; redraw(); });
  new ResizeObserver(redraw).observe(stage);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    painted = null;
    redraw();
  });

  scale = width() / Math.min(end - begin, 60000);
  draw();
  document.documentElement.dataset.ready = String(all.length);
})();
