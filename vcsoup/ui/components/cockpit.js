// The threshold cockpit: one strip per dataset, its histogram of value consistency, and a handle.
//
// While a handle moves, everything on the strip is computed here: bars are coloured by clipping, the
// kept count is looked up in cumulative counts on the 0.01 grid. Python hears of a move when the
// pointer is released or 120 ms after the last key, and answers with exact figures.
//
// Who is right about a threshold? Every move carries a number (`seq`). Python sends back the last
// number it has seen with its thresholds; they are taken over unless a later move is under way here.
const DEBOUNCE_MS = 120;
const PAD = 9; // free pixels left and right of the axis, so that a handle at an end is whole
const TOP = 17; // room for landmark names and the handle's number
const KEYS = {
  ArrowLeft: -0.01, ArrowDown: -0.01, ArrowRight: 0.01, ArrowUp: 0.01, PageDown: -0.1, PageUp: 0.1,
};

const onGrid = (tau) => clamp(Math.round(tau * 100) / 100, -1, 1);
const gridIndex = (tau) => Math.round((tau + 1) * 100);
const isOnGrid = (tau) => Math.abs(tau * 100 - Math.round(tau * 100)) < 1e-9;
const shown = (tau) => fixed(tau, isOnGrid(tau) ? 2 : 4);
const pairs = (number) => `${count(number)} ${number === 1 ? "pair" : "pairs"}`;
const percent = (part) => `${(part * 100).toFixed(1)}\u202f%`;

// Counts for a threshold: exact ones from Python for its own threshold, else from the grid.
function counts(set, tau) {
  if (tau === set.tau) return { kept: set.exact, flips: set.exact_flips };
  return { kept: set.kept[gridIndex(tau)], flips: set.flips && tau > 0 ? set.flips[gridIndex(tau)] : 0 };
}

class Strip {
  constructor(set, panel) {
    this.panel = panel;
    this.root = element("section", "strip");
    this.name = element("button", "name");
    this.size = element("div", "soft");
    this.canvas = element("canvas");
    this.handle = element("div", "handle");
    this.at = element("div", "at");
    this.figures = element("div", "figures");
    this.plot = element("div", "plot");
    const side = element("div", "side");
    side.append(this.name, this.size);
    this.handle.append(this.at);
    this.plot.append(this.canvas, this.handle);
    this.root.append(side, this.plot, this.figures);
    this.kept = element("div", "kept");
    this.share = element("div", "soft");
    this.behind = element("div", "behind");
    this.figures.append(this.kept, this.share, this.behind);
    this.frames = frames(this.plot, () => this.draw());
    this.listen();
    this.take(set);
  }

  listen() {
    Object.assign(this.handle, { tabIndex: 0, role: "slider" });
    this.handle.setAttribute("aria-valuemin", "-1");
    this.handle.setAttribute("aria-valuemax", "1");
    this.handle.addEventListener("keydown", (event) => this.onKey(event));
    this.name.addEventListener("click", () => this.panel.choose(this.set.value));
    this.plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      this.plot.setPointerCapture(event.pointerId);
      this.handle.focus({ preventScroll: true });
      this.panel.held = this;
      this.onPointer(event);
    });
    this.plot.addEventListener("pointermove", (event) => {
      if (this.panel.held === this) this.onPointer(event);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      this.plot.addEventListener(end, () => {
        if (this.panel.held !== this) return;
        this.panel.held = null;
        this.panel.send();
      });
    }
  }

  onPointer(event) {
    const box = this.plot.getBoundingClientRect();
    this.move(((event.clientX - box.left - PAD) / (box.width - 2 * PAD)) * 2 - 1);
  }

  onKey(event) {
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && (key === "z" || key === "y")) {
      event.preventDefault();
      this.panel.ask(key === "y" || event.shiftKey ? "redo" : "undo");
      return;
    }
    const to = { Home: -1, End: 1 }[event.key] ?? this.tau + KEYS[event.key];
    if (Number.isNaN(to)) return;
    event.preventDefault();
    this.move(to);
    this.panel.sendSoon();
  }

  move(tau) {
    this.tau = onGrid(tau);
    this.panel.moved(this.set.value, this.tau);
    this.frames.ask();
  }

  // New data from Python; the threshold is taken over only where Python is right about it.
  take(set, theirs = true) {
    this.set = set;
    if (theirs) this.tau = set.tau;
    this.name.textContent = set.value;
    this.name.title = `Look at ${set.value} below`;
    this.name.setAttribute("aria-pressed", String(set.focus));
    this.size.textContent = pairs(set.n);
    this.root.classList.toggle("focus", set.focus);
    this.handle.setAttribute("aria-label", `Threshold of ${set.value}`);
    this.plot.style.height = `${set.height}px`;
    const lines = set.lines.map((line) => element("div", "soft", line));
    const gaps = element("div", "gaps");
    for (const [value, before, after] of set.gaps) {
      const name = element("span", "", value);
      name.title = value; // a long one is cut
      gaps.append(name, element("span", "", before), element("span", "", `\u2192 ${after} \u03c3`));
    }
    this.behind.replaceChildren(...lines, ...(set.gaps.length ? [gaps] : []));
    this.frames.ask();
  }

  draw() {
    const { set, tau } = this;
    const { draw, width, height } = pencil(this.canvas);
    if (!width) return;
    const { colours, axis } = this.panel.data;
    const bottom = height - (set.last ? 18 : 3);
    const x = (c) => PAD + ((c + 1) / 2) * (width - 2 * PAD);
    this.bars(draw, x, bottom);
    for (const place of axis.ticks) {
      vertical(draw, x(place), bottom, bottom + 3, { colour: colours.soft });
      if (set.last) this.label(draw, place ? signed(place, Number.isInteger(place) ? 0 : 1) : "0", x(place), height - 3);
    }
    const saved = set.saved === null ? [] : [[set.saved, `saved ${shown(set.saved)}`, true]];
    const written = [];
    for (const [place, name, always] of [...saved, ...axis.landmarks]) {
      if (place === tau) continue;
      vertical(draw, x(place), TOP, bottom, { colour: colours.soft, dash: always ? [2, 2] : [5, 4] });
      if (set.first || always) this.mark(draw, name, x(place), written);
    }
    this.tell(x(tau), width);
  }

  bars(draw, x, bottom) {
    const { set, tau } = this;
    const { colours, axis } = this.panel.data;
    const chance = axis.chance.map((share) => share * set.passing);
    const tallest = Math.max(1, ...set.bins, ...chance);
    const y = (amount) => bottom - (amount / tallest) * (bottom - TOP - 3);
    const paint = (fill, from, to) => {
      if (to <= from) return;
      draw.save();
      draw.beginPath();
      draw.rect(from, 0, to - from, bottom);
      draw.clip();
      draw.fillStyle = fill;
      draw.beginPath();
      set.bins.forEach((amount, i) => {
        const left = x(-1 + i / 40), right = x(-1 + (i + 1) / 40);
        draw.rect(left, y(amount), Math.max(0.5, right - left - 0.6), bottom - y(amount));
      });
      draw.fill();
      draw.restore();
    };
    this.hatched ??= hatching(draw, colours.faint, faded(colours.soft, 0.45));
    const flipped = set.flips && tau > 0 ? x(-tau) : x(-1);
    paint(hatching(draw, colours.accent, colours.paper), x(-1), flipped);
    paint(this.hatched, flipped, x(tau));
    paint(colours.accent, x(tau), x(1) + 1);
    draw.strokeStyle = colours.ink;
    draw.lineWidth = 1.1;
    draw.setLineDash([1.5, 2.5]);
    draw.beginPath();
    chance.forEach((amount, i) => draw.lineTo(x(-1 + (i + 0.5) / 40), y(amount)));
    draw.stroke();
    draw.setLineDash([]);
    draw.fillStyle = colours.soft;
    draw.fillRect(x(-1), bottom, x(1) - x(-1), 1);
  }

  // The name of a line above it, or to the left of the one that stands there already.
  mark(draw, text, x, written) {
    draw.font = letters(this.canvas, 11.5);
    const half = draw.measureText(text).width / 2;
    const there = written.find(([from, to]) => x + half > from - 8 && x - half < to + 8);
    const place = there ? there[0] - 8 - half : x;
    written.push([place - half, place + half]);
    this.label(draw, text, place, 12);
  }

  label(draw, text, x, baseline) {
    draw.font = letters(this.canvas, 11.5);
    const half = draw.measureText(text).width / 2;
    const bubble = PAD + ((this.tau + 1) / 2) * (this.canvas.clientWidth - 2 * PAD);
    if (baseline <= TOP && Math.abs(bubble - x) < half + 22) return; // behind the handle's number
    draw.textAlign = "center";
    draw.fillStyle = this.panel.data.colours.soft;
    draw.fillText(text, clamp(x, half, this.canvas.clientWidth - half), baseline);
  }

  // The words and numbers of the strip, and what a screen reader hears.
  tell(x, width) {
    const { set, tau } = this;
    const { kept, flips } = counts(set, tau);
    const chance = set.chance[gridIndex(tau)];
    this.handle.style.left = `${x}px`;
    this.handle.style.bottom = set.last ? "17px" : "2px";
    this.handle.classList.toggle("right", x > width - 20);
    this.handle.classList.toggle("left", x < 20);
    this.at.textContent = shown(tau);
    this.kept.replaceChildren(count(kept + flips), element("small", "", " kept"));
    const exchanged = flips ? `, ${count(flips)} exchanged` : "";
    this.share.textContent = `${percent((kept + flips) / set.n)}${exchanged}, chance ${percent(chance)}`;
    this.root.classList.toggle("waiting", tau !== set.tau);
    this.handle.setAttribute("aria-valuenow", String(tau));
    this.handle.setAttribute("aria-valuetext", `${shown(tau)}, keeps ${count(kept + flips)} of ${pairs(set.n)}`);
  }
}

class Panel {
  constructor(root) {
    this.root = root;
    this.strips = new Map();
    this.seq = 0;
    this.held = null;
    this.unsent = null;
    // A message that reaches Python after the page was changed would blank the new page.
    this.leaving = (event) => {
      if (event.composedPath().some((node) => node.tagName === "A")) this.forget();
    };
  }

  forget() {
    clearTimeout(this.timer);
    this.unsent = null;
  }

  take(data, trigger) {
    this.trigger = trigger;
    window.addEventListener("click", this.leaving, true); // once, however often it is asked for
    if (this.unsent !== null && this.held === null) this.sendSoon(); // stopped in between
    if (this.data && this.data.colours.paper !== data.colours.paper) {
      for (const strip of this.strips.values()) strip.hatched = undefined;
    }
    this.data = data;
    const theirs = data.seq >= this.seq && !this.unsent && !this.held;
    if (theirs) this.seq = data.seq;
    const gone = new Set(this.strips.keys());
    for (const set of data.sets) {
      gone.delete(set.value);
      const strip = this.strips.get(set.value);
      if (strip) strip.take(set, theirs);
      else this.strips.set(set.value, new Strip(set, this));
    }
    for (const value of gone) this.drop(value);
    const wanted = data.sets.map((set) => this.strips.get(set.value).root);
    if (wanted.some((node, i) => node !== this.root.children[i])) this.root.replaceChildren(...wanted);
    writeAddress(data.address);
  }

  drop(value) {
    this.strips.get(value).frames.stop();
    this.strips.delete(value);
  }

  moved(value) {
    this.seq += 1;
    this.unsent = value;
    clearTimeout(this.timer);
  }

  sendSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), DEBOUNCE_MS);
  }

  send() {
    clearTimeout(this.timer);
    if (this.unsent === null) return;
    const focus = this.unsent;
    this.unsent = null;
    this.trigger("moved", { seq: this.seq, focus, thresholds: this.thresholds() });
  }

  choose(focus) {
    this.trigger("moved", { seq: this.seq, focus, thresholds: this.thresholds() });
  }

  ask(command) {
    this.send();
    this.trigger("asked", { seq: this.seq, command });
  }

  thresholds() {
    return Object.fromEntries([...this.strips].map(([value, strip]) => [value, strip.tau]));
  }

  stop() {
    clearTimeout(this.timer);
    window.removeEventListener("click", this.leaving, true);
    for (const strip of this.strips.values()) strip.frames.stop();
  }
}

// The page's address shows what is on the screen. Replaced, not pushed: "back" leaves the page.
function writeAddress({ keys, query }) {
  const url = new URL(window.location.href);
  for (const key of [...url.searchParams.keys()]) {
    if (keys.includes(key) || key.startsWith("tau.")) url.searchParams.delete(key);
  }
  for (const [key, text] of query) url.searchParams.set(key, text);
  if (url.href !== window.location.href) window.history.replaceState(window.history.state, "", url);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".cockpit");
  // Kept by its element: Streamlit at times ends a component and begins it anew on the same one.
  const panel = (root.panel ??= new Panel(root));
  panel.take(data, setTriggerValue);
  return () => panel.stop();
}
