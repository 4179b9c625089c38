// Shared by the drawn components: sharp canvases, colours of the theme, numbers, scales.
// Read in front of each component's own script (see drawn.py); no user text passes through here.
const MINUS = "\u2212";

const count = (number) => number.toLocaleString("en-US").replace("-", MINUS);
const fixed = (number, decimals) => number.toFixed(decimals).replace("-", MINUS);
const signed = (number, decimals) => (number > 0 ? "+" : "") + fixed(number, decimals);
const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

// The dashes of a run's line, the same in its list and its curves. Even: filtered runs, odd: unfiltered ones.
const RUN_DASHES = [[], [7, 3], [16, 3], [2, 2.5], [12, 3, 2, 3], [4, 4, 1, 4]];
const dashesOfRun = (dash) => RUN_DASHES[dash % RUN_DASHES.length];

// A short line for a legend, in the colour, dashes and width of the line that it stands for.
function stroke(colour, { dashes, width, length = 26 }) {
  const [svg, line] = ["svg", "line"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
  svg.setAttribute("viewBox", `0 0 ${length} 8`);
  svg.setAttribute("aria-hidden", "true");
  const settings = { x1: 0, x2: length, y1: 4, y2: 4, stroke: colour, "stroke-width": width, "stroke-dasharray": dashes.join(" ") };
  for (const [name, setting] of Object.entries(settings)) line.setAttribute(name, setting);
  svg.append(line);
  return svg;
}

// Size a canvas to its box in device pixels; returns a context in CSS pixels, wiped.
function pencil(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const draw = canvas.getContext("2d");
  draw.setTransform(ratio, 0, 0, ratio, 0, 0);
  draw.clearRect(0, 0, width, height);
  return { draw, width, height };
}

function letters(canvas, size = 12) {
  const family = getComputedStyle(canvas).getPropertyValue("--st-font") || "sans-serif";
  return `${size}px ${family}`;
}

// A colour with an alpha, from "#RRGGBB".
function faded(colour, alpha) {
  const part = (at) => parseInt(colour.slice(at, at + 2), 16);
  return `rgba(${part(1)},${part(3)},${part(5)},${alpha})`;
}

// Diagonal lines: tells dropped from kept without colour.
function hatching(draw, ground, line) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 6;
  const pen = tile.getContext("2d");
  pen.fillStyle = ground;
  pen.fillRect(0, 0, 6, 6);
  pen.strokeStyle = line;
  pen.lineWidth = 1;
  for (const shift of [-6, 0, 6]) {
    pen.beginPath();
    pen.moveTo(shift, 6);
    pen.lineTo(shift + 6, 0);
    pen.stroke();
  }
  return draw.createPattern(tile, "repeat");
}

// Round steps for about `wanted` ticks between two numbers; of four wanted ones, two are there at least.
function ticks(low, high, wanted) {
  const rough = (high - low) / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((s) => s * power >= 0.7 * rough) * power;
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-6; at += step) {
    found.push(Math.abs(at) < step * 1e-6 ? 0 : at);
  }
  return { step, places: found };
}

// Writes a text around a place, moved as far as it takes to stay whole on a canvas of some width.
function centred(draw, text, x, y, width) {
  const half = draw.measureText(text).width / 2;
  draw.textAlign = "center";
  draw.fillText(text, Math.max(half, Math.min(x, width - half)), y);
}

function vertical(draw, x, top, bottom, { colour, width = 1, dash = [] }) {
  draw.save();
  draw.strokeStyle = colour;
  draw.lineWidth = width;
  draw.setLineDash(dash);
  draw.beginPath();
  draw.moveTo(x, top);
  draw.lineTo(x, bottom);
  draw.stroke();
  draw.restore();
}

// Calls `redraw` at most once per frame, and whenever the box changes its size; from the first time
// that it is asked until it is stopped, and again when it is asked again.
function frames(box, redraw) {
  let asked = 0, watching = false;
  const ask = () => {
    if (!watching) watcher.observe(box);
    watching = true;
    if (!asked) asked = requestAnimationFrame(() => { asked = 0; redraw(); });
  };
  const watcher = new ResizeObserver(ask);
  const stop = () => {
    watcher.disconnect();
    cancelAnimationFrame(asked);
    watching = false;
    asked = 0;
  };
  return { ask, stop };
}
