// Curves of training runs, one panel per measure, with one legend and one crosshair for all panels.
// Python sends points; a second of training adds one. The elements stay, so nothing flickers.
const LEFT = 46, RIGHT = 10, ABOVE = 8, BELOW = 34;
const MOST_TOLD = 12;

const FORMATS = {
  plain: (y) => fixed(y, 2),
  share: (y) => `${(y * 100).toFixed(1)}\u202f%`,
  count: (y) => count(Math.round(y)),
  fine: (y) => (y === 0 ? "0" : Math.abs(y) < 0.001 ? y.toExponential(1).replace("-", MINUS) : fixed(y, 3)),
};

// Tick labels have as many decimals as the distance of two ticks needs.
function tickText(format, step) {
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  if (format === "share") return (y) => `${(y * 100).toFixed(Math.max(0, decimals - 2))}\u202f%`;
  if (format === "count") return (y) => (y >= 1e4 ? `${+(y / 1e3).toFixed(1)}k` : count(+y.toFixed(decimals)));
  return decimals > 4 ? (y) => (y ? y.toExponential(0).replace("-", MINUS) : "0") : (y) => fixed(y, decimals);
}

function nearest(xs, at) {
  let low = 0, high = xs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] > at) high = middle; else low = middle;
  }
  return xs.length && Math.abs(xs[high] - at) < Math.abs(xs[low] - at) ? high : low;
}

class Panel {
  constructor(board) {
    this.board = board;
    this.root = element("figure");
    this.title = element("figcaption");
    this.canvas = element("canvas");
    this.canvas.setAttribute("role", "img");
    this.box = element("div", "told");
    this.box.hidden = true;
    const plot = element("div", "plot");
    plot.append(this.canvas, this.box);
    this.root.append(this.title, plot);
    this.frames = frames(this.canvas, () => this.draw());
    this.canvas.addEventListener("pointermove", (event) => {
      const box = this.canvas.getBoundingClientRect();
      const share = clamp((event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT), 0, 1);
      board.pointAt(this, this.panel.x[0] + share * (this.panel.x[1] - this.panel.x[0]));
    });
    this.canvas.addEventListener("pointerleave", () => board.pointAt(null, null));
  }

  take(panel) {
    this.panel = panel;
    this.title.textContent = panel.title;
    this.canvas.style.height = `${this.board.data.height}px`;
    this.canvas.setAttribute("aria-label", panel.told);
    this.frames.ask();
  }

  draw() {
    const { panel, board } = this, { colours } = board.data;
    const { draw, width, height } = pencil(this.canvas);
    if (!width) return;
    const bottom = height - BELOW, [low, high] = panel.y;
    const x = (at) => LEFT + ((at - panel.x[0]) / (panel.x[1] - panel.x[0] || 1)) * (width - LEFT - RIGHT);
    const y = (at) => bottom - ((clamp(at, low, high) - low) / (high - low || 1)) * (bottom - ABOVE);
    draw.font = letters(this.canvas, 11.5);
    this.grid(draw, { x, y, width, bottom });
    for (const line of panel.lines) this.line(draw, line, x, y);
    if (board.at !== null) vertical(draw, x(board.at), ABOVE, bottom, { colour: colours.soft, dash: [3, 3] });
    this.tell(x, width);
  }

  grid(draw, { x, y, width, bottom }) {
    const { panel } = this, { colours } = this.board.data;
    draw.fillStyle = colours.soft;
    draw.textAlign = "right";
    const { step, places } = ticks(panel.y[0], panel.y[1], 5), text = tickText(panel.format, step);
    draw.strokeStyle = colours.line;
    for (const place of places) {
      draw.beginPath();
      draw.moveTo(LEFT, y(place));
      draw.lineTo(width - RIGHT, y(place));
      draw.stroke();
      draw.fillText(text(place), LEFT - 6, y(place) + 4);
    }
    for (const place of ticks(panel.x[0], panel.x[1], 4).places) centred(draw, count(place), x(place), bottom + 15, width);
    centred(draw, "step", (LEFT + width - RIGHT) / 2, bottom + 30, width);
    if (panel.landmark) this.landmark(draw, y(panel.landmark[0]), panel.landmark[1], width);
  }

  landmark(draw, at, name, width) {
    const { colours } = this.board.data;
    draw.save();
    draw.strokeStyle = colours.soft;
    draw.setLineDash([2, 3]);
    draw.beginPath();
    draw.moveTo(LEFT, at);
    draw.lineTo(width - RIGHT, at);
    draw.stroke();
    draw.textAlign = "right";
    draw.fillText(name, width - RIGHT - 2, at < ABOVE + 14 ? at + 13 : at - 4);
    draw.restore();
  }

  line(draw, { run, raw, mean, looks }, x, y) {
    const { colour, dash } = this.board.data.runs[run];
    const dim = this.board.lit !== null && this.board.lit !== run;
    draw.save();
    draw.globalAlpha = dim ? 0.15 : 1;
    const path = ([xs, ys], alpha, wide, dashes) => {
      draw.strokeStyle = faded(colour, alpha);
      draw.lineWidth = wide;
      draw.setLineDash(dashes);
      draw.lineJoin = "round";
      draw.beginPath();
      xs.forEach((at, i) => draw.lineTo(x(at), y(ys[i])));
      draw.stroke();
    };
    const marks = looks[0].length > 0;
    path(raw, 0.28, 1, []);
    path(mean, marks ? 0.6 : 1, marks ? 1.4 : 2, dashesOfRun(dash));
    path(looks, 1, 2.2, dashesOfRun(dash));
    draw.setLineDash([]);
    looks[0].forEach((at, i) => {
      draw.beginPath();
      draw.arc(x(at), y(looks[1][i]), looks[0].length > 30 ? 1.8 : 3.2, 0, 7);
      draw.fillStyle = this.board.data.colours.paper;
      draw.fill();
      draw.stroke();
    });
    draw.restore();
  }

  // The numbers at the crosshair, in the panel under the pointer; exact where single steps are drawn.
  tell(x, width) {
    const { panel, board, box } = this, { at } = board;
    box.hidden = board.under !== this || at === null;
    if (box.hidden) return;
    const format = FORMATS[panel.format];
    const reach = Math.max(1, (panel.x[1] - panel.x[0]) / 50);
    const found = panel.lines.flatMap(({ run, raw, mean, looks }) => {
      const steps = raw[0].length ? raw : mean;
      const parts = [];
      const step = nearest(steps[0], at), look = nearest(looks[0], at);
      if (Math.abs(steps[0][step] - at) <= reach) parts.push(format(steps[1][step]));
      if (looks[0].length) parts.push(`${steps[0].length ? "held-out " : ""}${format(looks[1][look])} at ${count(looks[0][look])}`);
      return parts.length ? [[board.data.runs[run], parts.join(", ")]] : [];
    });
    const rows = found.slice(0, MOST_TOLD).map(([run, text]) => {
      const row = element("div");
      row.append(board.sign(run), element("span", "name", run.label), element("span", "number", text));
      return row;
    });
    const rest = found.length > MOST_TOLD ? [element("div", "at", `and ${found.length - MOST_TOLD} more`)] : [];
    box.replaceChildren(element("div", "at", `step ${count(Math.round(at))}`), ...rows, ...rest);
    const right = x(at) > width / 2;
    box.style.left = right ? "" : `${x(at) + 10}px`;
    box.style.right = right ? `${width - x(at) + 10}px` : "";
  }
}

class Board {
  constructor(root) {
    this.legend = element("div", "legend");
    this.grid = element("div", "grid");
    root.replaceChildren(this.legend, this.grid);
    Object.assign(this, { panels: [], at: null, under: null, lit: null });
  }

  take(data, trigger) {
    Object.assign(this, { data, trigger });
    while (this.panels.length > data.panels.length) this.panels.pop().frames.stop();
    while (this.panels.length < data.panels.length) this.panels.push(new Panel(this));
    if (this.lit !== null && this.lit >= data.runs.length) this.lit = null;
    this.panels.forEach((panel, i) => panel.take(data.panels[i]));
    if (this.grid.children.length !== this.panels.length) {
      this.grid.replaceChildren(...this.panels.map((panel) => panel.root));
    }
    const names = JSON.stringify([data.runs, data.colours.ink]);
    if (names !== this.names) this.name(data.runs);
    this.names = names;
  }

  name(runs) {
    this.legend.hidden = runs.length < 2;
    this.legend.replaceChildren(...runs.map((run, place) => {
      const entry = element("button", "entry");
      entry.type = "button";
      entry.append(this.sign(run), run.label);
      entry.addEventListener("pointerenter", () => this.light(place));
      entry.addEventListener("pointerleave", () => this.light(null));
      entry.addEventListener("focus", () => this.light(place));
      entry.addEventListener("blur", () => this.light(null));
      entry.addEventListener("click", () => this.trigger("opened", { run: run.key }));
      return entry;
    }));
  }

  // A short stroke as the run is drawn.
  sign({ colour, dash }) {
    return stroke(colour, { dashes: dashesOfRun(dash), width: 2.4 });
  }

  light(place) {
    this.lit = place;
    this.panels.forEach((panel) => panel.frames.ask());
  }

  pointAt(under, at) {
    Object.assign(this, { under, at });
    this.panels.forEach((panel) => panel.frames.ask());
  }

  stop() {
    this.panels.forEach((panel) => panel.frames.stop());
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".curves");
  // Kept by its element: Streamlit at times ends a component and begins it anew on the same one.
  root.board ??= new Board(root);
  root.board.take(data, setTriggerValue);
  return () => root.board.stop();
}
