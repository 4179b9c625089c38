// Measured soups on two values. Drawn anew for each change of the data, in a few milliseconds, so
// that a moving soup never blocks the page. All texts are set by textContent.
const NS = "http://www.w3.org/2000/svg";
const PAD = { left: 54, right: 16, top: 14, bottom: 42 };

function draw(tag, attributes, parent, text) {
  const made = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

const shapes = {
  circle: (r) => `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`,
  square: (r) => `M${-r} ${-r}H${r}V${r}H${-r}Z`,
  diamond: (r) => `M0 ${-r}L${r} 0L0 ${r}L${-r} 0Z`,
  triangle: (r) => `M0 ${-r}L${r} ${r * 0.75}H${-r}Z`,
  cross: (r) => `M${-r} ${-r}L${r} ${r}M${r} ${-r}L${-r} ${r}`,
};

// One mark; what was measured here is filled, what was recorded is open.
function mark(parent, { shape, colour, filled, size = 5.5 }) {
  return draw("path", {
    d: shapes[shape](size), stroke: colour, "stroke-width": shape === "cross" ? 3 : 1.8,
    fill: filled ? colour : "transparent",
  }, parent);
}

function ticks(low, high) {
  const rough = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 2.5, 5, 10].find((m) => m * power >= rough);
  const step = factor * power;
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high; k += 1) found.push(k * step);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (factor === 2.5 ? 1 : 0));
  return found.map((at) => [at, at.toFixed(decimals).replace("-", "\u2212")]);
}

function range(numbers) {
  const low = Math.min(...numbers), high = Math.max(...numbers);
  const room = (high - low || 1) * 0.07;
  return [low - room, high + room];
}

// What an axis must show: every point, and the interval of the current soup once it is measured.
const reached = (points, soup, axis) => [
  ...points.map((p) => p[axis]),
  ...soup.flatMap((p) => (p.state === "measured" ? [p[`${axis}Low`], p[`${axis}High`]] : [])),
];

const middle = (low, high, from, to) => (at) => from + ((at - low) / (high - low)) * (to - from);

function styleOf(point, colours) {
  if (point.group) return { shape: "triangle", colour: colours.twin, filled: false, size: 5 };
  if (point.role === "base") return { shape: "cross", colour: colours.ink, filled: false };
  const shape = point.role === "corner" ? "square" : "circle";
  const faint = point.beaten && point.role === "soup";
  return { shape, colour: faint ? colours.faint : colours.accent, filled: !point.recorded };
}

function axes(svg, plane, data) {
  const { x, y, width, height, xRange, yRange } = plane, { colours } = data;
  const grid = draw("g", { class: "grid", stroke: colours.line }, svg);
  for (const [at, text] of ticks(...xRange)) {
    draw("line", { x1: x(at), x2: x(at), y1: PAD.top, y2: height - PAD.bottom }, grid);
    draw("text", { class: "tick", x: x(at), y: height - PAD.bottom + 16, "text-anchor": "middle", fill: colours.soft }, svg, text);
  }
  for (const [at, text] of ticks(...yRange)) {
    draw("line", { x1: PAD.left, x2: width - PAD.right, y1: y(at), y2: y(at) }, grid);
    draw("text", { class: "tick", x: PAD.left - 7, y: y(at) + 4, "text-anchor": "end", fill: colours.soft }, svg, text);
  }
  const across = (PAD.left + width - PAD.right) / 2, up = (PAD.top + height - PAD.bottom) / 2;
  draw("text", { class: "axis", x: across, y: height - 6, "text-anchor": "middle", fill: colours.soft }, svg, `mean reward, ${data.x}`);
  draw("text", { class: "axis", transform: `translate(13 ${up}) rotate(-90)`, "text-anchor": "middle", fill: colours.soft }, svg, `mean reward, ${data.y}`);
}

function baseLines(svg, plane, base, colours) {
  const made = draw("g", { class: "base", stroke: colours.soft, "stroke-dasharray": "2 3" }, svg);
  const { x, y, width, height } = plane;
  draw("line", { x1: x(base.x), x2: x(base.x), y1: PAD.top, y2: height - PAD.bottom }, made);
  draw("line", { x1: PAD.left, x2: width - PAD.right, y1: y(base.y), y2: y(base.y) }, made);
}

function joined(svg, plane, points, colour, dash) {
  if (points.length < 2) return;
  const at = points.map((p) => `${plane.x(p.x)},${plane.y(p.y)}`).join(" ");
  draw("polyline", { points: at, fill: "none", stroke: colour, "stroke-opacity": 0.6, "stroke-width": 2, "stroke-dasharray": dash }, svg);
}

function drawPoint(svg, plane, point, state) {
  const { colours } = state.data;
  const group = draw("g", {
    class: "point", role: "button", tabindex: "-1", "data-key": point.key, "data-group": point.group,
    "aria-label": point.text.join(", "), transform: `translate(${plane.x(point.x)} ${plane.y(point.y)})`,
  }, svg);
  draw("circle", { class: "reach", r: 11 }, group);
  mark(group, styleOf(point, colours));
  group.onclick = () => state.tell("picked", [point.key, point.group]);
  group.onpointerenter = group.onfocus = () => tellAbout(state, plane, point, point.text);
  group.onpointerleave = group.onblur = () => (state.told.hidden = true);
}

// Where a label may stand beside its point: above, below, right, left, at a corner, a line further off.
const SPOTS = [
  [0, -11, "middle"], [0, 21, "middle"], [12, 4, "start"], [-12, 4, "end"],
  [-6, -11, "start"], [-6, 21, "start"], [6, -11, "end"], [6, 21, "end"],
  [0, -25, "middle"], [0, 35, "middle"],
];
const NEAR = 8; // the first eight; a line further off is as bad as one point in the way
const ABOVE_FIRST = [...SPOTS.keys()], BELOW_FIRST = [1, 0, ...ABOVE_FIRST.slice(2)];
const LEFT_OF = { start: 0, middle: 0.5, end: 1 };

// The labels, each inside the plot and free of the others, at the spot that fewest points crowd.
function label(svg, plane, points, crowd, colours) {
  const taken = [];
  const crowding = (box) => crowd.filter((p) => p.x > box.left - 6 && p.x < box.right + 6 && p.y > box.top - 6 && p.y < box.bottom + 6).length;
  for (const point of points.filter((p) => p.label)) {
    const text = draw("text", { class: "label", fill: colours.ink }, svg, point.label);
    const long = text.getComputedTextLength();
    const boxes = SPOTS.map(([dx, dy, anchor]) => {
      const left = plane.x(point.x) + dx - LEFT_OF[anchor] * long, bottom = plane.y(point.y) + dy;
      return { left, right: left + long, top: bottom - 12, bottom };
    });
    const free = boxes.map((box) => box.top > PAD.top - 6 && box.left > PAD.left && box.right < plane.width
      && taken.every((other) => box.right < other.left || box.left > other.right || box.bottom < other.top || box.top > other.bottom));
    const order = point.role === "base" ? BELOW_FIRST : ABOVE_FIRST;
    const cost = boxes.map((box, k) => (free[k] ? crowding(box) + (k < NEAR ? 0 : 1) : Infinity));
    const place = order.reduce((best, k) => (cost[k] < cost[best] ? k : best));
    const [dx, dy, anchor] = SPOTS[place];
    taken.push(boxes[place]);
    for (const [name, value] of Object.entries({ x: plane.x(point.x) + dx, y: plane.y(point.y) + dy, "text-anchor": anchor })) {
      text.setAttribute(name, value);
    }
  }
}

function tellAbout(state, plane, at, lines) {
  const { told } = state;
  told.textContent = lines.join("\n");
  told.hidden = false;
  const right = plane.x(at.x) > plane.width / 2;
  told.style.left = right ? "" : `${(plane.x(at.x) + 14) * plane.zoom}px`;
  told.style.right = right ? `${(plane.width - plane.x(at.x) + 14) * plane.zoom}px` : "";
  told.style.top = `${Math.max(0, (plane.y(at.y) - 20) * plane.zoom + state.key.offsetHeight)}px`;
}

// The soup under the sliders: a ring where it is measured, a diamond where it is predicted.
function current(svg, plane, soup, state) {
  const { colours } = state.data, predicted = soup.state === "predicted";
  const made = draw("g", { class: `current ${soup.state}`, stroke: colours.ink, "clip-path": "url(#plot)" }, svg);
  const bars = draw("g", { "stroke-opacity": predicted ? 0.45 : 1, "stroke-width": predicted ? 1 : 1.6 }, made);
  const cap = 4, [cx, cy] = [plane.x(soup.x), plane.y(soup.y)];
  if (soup.xLow !== null) {
    const [x1, x2, y1, y2] = [plane.x(soup.xLow), plane.x(soup.xHigh), plane.y(soup.yLow), plane.y(soup.yHigh)];
    draw("path", { d: `M${x1} ${cy}H${x2}M${cx} ${y1}V${y2}M${x1} ${cy - cap}v${2 * cap}M${x2} ${cy - cap}v${2 * cap}M${cx - cap} ${y1}h${2 * cap}M${cx - cap} ${y2}h${2 * cap}` }, bars);
  }
  const ring = draw("g", { transform: `translate(${cx} ${cy})`, "pointer-events": "none" }, made);
  draw("path", { d: shapes[predicted ? "diamond" : "circle"](predicted ? 9 : 10), fill: "none", "stroke-width": predicted ? 1.8 : 2.5 }, ring);
  if (predicted) draw("circle", { r: 1.5, fill: colours.ink, stroke: "none" }, ring);
}

function legend(state) {
  const { data, key } = state;
  key.replaceChildren(...data.legend.map(([name, style]) => {
    const entry = document.createElement("span");
    const sign = draw("svg", { viewBox: "-11 -8 22 16", "aria-hidden": "true" }, entry);
    if (style.line) draw("line", { x1: -11, x2: 11, y1: 0, y2: 0, stroke: style.colour, "stroke-width": 2, "stroke-dasharray": style.line }, sign);
    mark(sign, { size: 5, ...style });
    entry.append(name);
    return entry;
  }));
}

function render(state) {
  const { data, svg } = state, { colours, height } = data;
  const zoom = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16; // as the page's type
  const width = Math.max(260, state.root.clientWidth / zoom);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("height", height * zoom);
  const focused = svg.querySelector(".point:focus")?.dataset;
  svg.replaceChildren();
  legend(state);
  state.told.hidden = true;
  const soup = data.current ? [data.current] : [];
  const all = [...data.points, ...data.twin, ...soup];
  if (!all.length) return;
  const [xRange, yRange] = ["x", "y"].map((axis) => range(reached(all, soup, axis)));
  const x = middle(...xRange, PAD.left, width - PAD.right);
  const y = middle(...yRange, height - PAD.bottom, PAD.top);
  const plane = { x, y, width, height, xRange, yRange, zoom };
  const clip = draw("clipPath", { id: "plot" }, draw("defs", {}, svg));
  draw("rect", { x: PAD.left, y: PAD.top, width: width - PAD.left - PAD.right + 12, height: height - PAD.bottom - PAD.top }, clip);
  axes(svg, plane, data);
  const base = data.points.find((p) => p.role === "base");
  if (base) baseLines(svg, plane, base, colours);
  joined(svg, plane, data.twin, colours.twin, data.twinDash);
  joined(svg, plane, data.front, colours.accent, "none");
  const drawn = [...data.twin, ...data.points];
  label(svg, plane, data.points, drawn.map((p) => ({ x: x(p.x), y: y(p.y) })), colours); // below the points
  for (const point of drawn) drawPoint(svg, plane, point, state);
  for (const one of soup) current(svg, plane, one, state);
  const again = (point) => point.dataset.key === focused.key && point.dataset.group === focused.group;
  if (focused) [...svg.querySelectorAll(".point")].find(again)?.focus({ preventScroll: true });
}

// One tab stop for the chart; the arrow keys go from point to point, from left to right.
function keys(state) {
  state.svg.onkeydown = (event) => {
    const points = [...state.svg.querySelectorAll(".point")];
    const place = (p) => Number(p.getAttribute("transform").slice(10).split(" ")[0]);
    points.sort((a, b) => place(a) - place(b));
    const at = points.findIndex((p) => p.matches(":focus"));
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step && points.length) {
      points[at < 0 ? 0 : (at + step + points.length) % points.length].focus();
      event.preventDefault();
    } else if ((event.key === "Enter" || event.key === " ") && at >= 0) {
      points[at].onclick();
      event.preventDefault();
    }
  };
}

function build(root) {
  const key = document.createElement("div"), told = document.createElement("div");
  key.className = "key";
  told.className = "told";
  told.hidden = true;
  root.replaceChildren(key);
  const svg = draw("svg", { role: "group", tabindex: "0" }, root);
  root.append(told);
  const state = { root, key, svg, told };
  keys(state);
  return state;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".front");
  const state = (root.state ??= build(root));
  state.data = data;
  state.tell = setTriggerValue;
  state.svg.setAttribute("aria-label", data.alt);
  const told = JSON.stringify(data);
  if (told !== state.from || state.drawn !== root.clientWidth) render(state); // else a click under way stays one
  state.from = told;
  // One watch for all calls: only the last one is cleaned up after.
  state.watch ??= new ResizeObserver(() => state.drawn !== root.clientWidth && ((state.drawn = root.clientWidth), render(state)));
  state.drawn = root.clientWidth;
  state.watch.observe(root);
  return () => state.watch.disconnect();
}
