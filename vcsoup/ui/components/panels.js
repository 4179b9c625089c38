// Small charts side by side, of bars (gap histograms) or of lines (the sweep), with a number readout.
// Python sends counts and curves that are computed already; here they are drawn and read off.
const LEFT = 46, RIGHT = 8, ABOVE = 6, BELOW = 34;

// Lines differ in their dashes too; colours repeat after four lines, and then with another dash.
const DASHES = [[], [7, 3], [2, 2], [9, 3, 2, 3]];
const lookOf = ({ dash }, place) =>
  dash ? { dashes: [2, 3], width: 1.2 } : { dashes: DASHES[(place + Math.floor(place / 4)) % 4], width: 2 };

const FORMATS = {
  count: (y) => count(Math.round(y)),
  share: (y) => `${(y * 100).toFixed(1)}\u202f%`,
  sigma: (y) => `${signed(y, 2)} \u03c3`,
  signed: (y) => signed(y, 1),
};
const AXIS = {
  count: (y) => (y >= 1e6 ? `${y / 1e6}M` : y >= 1e4 ? `${y / 1e3}k` : count(y)),
  share: (y) => `${Math.round(y * 100)}\u202f%`,
  sigma: (y) => (y ? signed(y, 1) : "0"),
  signed: (y) => (y ? signed(y, Number.isInteger(y) ? 0 : 1) : "0"),
};

class Chart {
  constructor() {
    this.root = element("figure");
    this.title = element("figcaption");
    this.told = element("div", "told");
    this.canvas = element("canvas");
    this.canvas.setAttribute("role", "img");
    this.root.append(this.title, this.told, this.canvas);
    this.frames = frames(this.canvas, () => this.draw());
    this.canvas.addEventListener("pointermove", (event) => {
      const box = this.canvas.getBoundingClientRect();
      this.hover = this.nearest((event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT));
      this.frames.ask();
    });
    this.canvas.addEventListener("pointerleave", () => { this.hover = null; this.frames.ask(); });
  }

  take(panel, data) {
    Object.assign(this, { panel, colours: data.colours, mark: data.mark, height: data.height });
    this.hover = null;
    this.title.textContent = panel.title;
    this.canvas.style.height = `${data.height}px`;
    this.canvas.setAttribute("aria-label", panel.told);
    this.frames.ask();
  }

  // Which bar or point lies at a share of the axis.
  nearest(share) {
    const { x, xs, series } = this.panel;
    const at = x[0] + clamp(share, 0, 1) * (x[1] - x[0]);
    if (this.panel.bars) return Math.min(series[0].ys.length - 1, Math.floor(clamp(share, 0, 1) * series[0].ys.length));
    return xs.reduce((best, place, i) => (Math.abs(place - at) < Math.abs(xs[best] - at) ? i : best), 0);
  }

  draw() {
    const { panel, colours } = this;
    const { draw, width, height } = pencil(this.canvas);
    if (!width) return;
    const bottom = height - BELOW;
    const [low, high] = panel.y;
    const x = (at) => LEFT + ((at - panel.x[0]) / (panel.x[1] - panel.x[0])) * (width - LEFT - RIGHT);
    const y = (at) => bottom - ((clamp(at, low, high) - low) / (high - low || 1)) * (bottom - ABOVE);
    draw.font = letters(this.canvas, 11.5);
    this.grid(draw, { x, y, width, bottom });
    if (panel.bars) this.bars(draw, x, y, bottom);
    else this.lines(draw, x, y);
    if (this.mark !== null && !panel.bars) vertical(draw, x(this.mark), ABOVE, bottom, { colour: colours.ink, width: 1.5 });
    if (panel.bars) vertical(draw, x(0), ABOVE, bottom, { colour: colours.soft, dash: [2, 3] });
    if (this.hover !== null && !panel.bars) vertical(draw, x(panel.xs[this.hover]), ABOVE, bottom, { colour: colours.soft, dash: [3, 3] });
    this.read();
  }

  grid(draw, { x, y, width, bottom }) {
    const { panel, colours } = this;
    draw.fillStyle = colours.soft;
    draw.textAlign = "right";
    for (const place of ticks(panel.y[0], panel.y[1], 4).places) {
      draw.strokeStyle = place === 0 && panel.y[0] < 0 ? colours.soft : colours.line;
      draw.beginPath();
      draw.moveTo(LEFT, y(place));
      draw.lineTo(width - RIGHT, y(place));
      draw.stroke();
      draw.fillText(AXIS[panel.format](place), LEFT - 6, y(place) + 4);
    }
    for (const place of ticks(panel.x[0], panel.x[1], 4).places) {
      centred(draw, place ? signed(place, Number.isInteger(place) ? 0 : 1) : "0", x(place), bottom + 15, width);
    }
    centred(draw, panel.axis, (LEFT + width - RIGHT) / 2, bottom + 31, width);
  }

  bars(draw, x, y, bottom) {
    const { panel } = this;
    const wide = (panel.x[1] - panel.x[0]) / panel.series[0].ys.length;
    panel.series.forEach(({ ys, colour }) => {
      ys.forEach((amount, i) => {
        const left = x(panel.x[0] + i * wide), right = x(panel.x[0] + (i + 1) * wide);
        draw.fillStyle = i === this.hover ? faded(colour, 0.7) : colour;
        draw.fillRect(left, y(amount), Math.max(0.6, right - left - 0.8), bottom - y(amount));
      });
    });
  }

  lines(draw, x, y) {
    const { panel } = this;
    panel.series.forEach((series, place) => {
      const { ys, colour } = series, { dashes, width } = lookOf(series, place);
      draw.save();
      draw.strokeStyle = colour;
      draw.lineWidth = width;
      draw.setLineDash(dashes);
      draw.beginPath();
      ys.forEach((at, i) => { if (at !== null) draw.lineTo(x(panel.xs[i]), y(at)); });
      draw.stroke();
      draw.restore();
    });
  }

  // The numbers under the pointer, or those at the current threshold.
  read() {
    const { panel } = this;
    const at = this.hover ?? (panel.bars || this.mark === null ? null : this.nearest((this.mark - panel.x[0]) / (panel.x[1] - panel.x[0])));
    const parts = panel.series.map((series, place) => {
      const { name, colour, ys, now } = series;
      const part = element("span");
      const key = panel.bars ? element("span", "key") : stroke(colour, lookOf(series, place));
      if (panel.bars) key.style.background = colour;
      const exact = this.hover === null && now !== undefined ? now : at === null ? null : ys[at];
      part.append(key, exact === null ? name : `${name} ${FORMATS[panel.format](exact)}`);
      return part;
    });
    const place = this.hover === null ? "" : panel.bars
      ? `gap ${signed(panel.x[0] + (this.hover + 0.5) * (panel.x[1] - panel.x[0]) / panel.series[0].ys.length, 2)} \u03c3`
      : `at ${fixed(panel.xs[this.hover], 2)}`;
    this.told.replaceChildren(...parts, element("span", "at", place));
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".panels");
  // Kept by their element: Streamlit at times ends a component and begins it anew on the same one.
  const charts = (root.charts ??= []);
  while (charts.length > data.panels.length) charts.pop().frames.stop();
  while (charts.length < data.panels.length) charts.push(new Chart());
  charts.forEach((chart, i) => chart.take(data.panels[i], data));
  if (root.children.length !== charts.length) root.replaceChildren(...charts.map((chart) => chart.root));
  return () => charts.forEach((chart) => chart.frames.stop());
}
