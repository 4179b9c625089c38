// A triangle whose corners are single values. Weights are whole thousandths [a, b, c], sum 1000.
const NS = "http://www.w3.org/2000/svg";
const SIDE = 300, HEIGHT = (SIDE * Math.sqrt(3)) / 2, PAD = 24, SNAP = 7, IDLE_MS = 350;
const CORNERS = [[0, HEIGHT], [SIDE, HEIGHT], [SIDE / 2, 0]];
const ROOM = [SIDE / 2 - 5, SIDE / 2 - 5, SIDE + 2 * PAD]; // for the label of each corner

const place = (w) => [0, 1].map((axis) => CORNERS.reduce((sum, c, k) => sum + (c[axis] * w[k]) / 1000, 0));

// Whole thousandths of three shares, the largest remainders rounded up; outside is cut off.
function whole(shares) {
  const cut = shares.map((s) => Math.max(0, s));
  const total = cut.reduce((a, b) => a + b, 0) || 1;
  const exact = cut.map((s) => (s / total) * 1000);
  const found = exact.map(Math.floor);
  const order = [0, 1, 2].sort((i, j) => exact[j] - found[j] - (exact[i] - found[i]));
  for (let k = 0; found[0] + found[1] + found[2] < 1000; k += 1) found[order[k % 3]] += 1;
  return found;
}

function weightsAt(x, y) {
  const top = 1 - y / HEIGHT;
  const right = x / SIDE - top / 2;
  return whole([1 - top - right, right, top]);
}

// Locked values keep their thousandths; the others share the rest as they wish.
function respect(wish, before, locked) {
  if (!locked.length) return wish;
  const open = [0, 1, 2].filter((k) => !locked.includes(k));
  if (open.length < 2) return before;
  const room = open.reduce((sum, k) => sum + before[k], 0);
  const total = open.reduce((sum, k) => sum + wish[k], 0);
  const moved = [...before];
  moved[open[0]] = Math.round(total ? (wish[open[0]] / total) * room : room / 2);
  moved[open[1]] = room - moved[open[0]];
  return moved;
}

// One step from one value to another, never below zero.
function shifted(w, from, to, step) {
  const amount = Math.min(step, w[from]);
  const moved = [...w];
  moved[from] -= amount;
  moved[to] += amount;
  return moved;
}

function keyMove(key, w, step) {
  if (key === "ArrowRight") return shifted(w, 0, 1, step);
  if (key === "ArrowLeft") return shifted(w, 1, 0, step);
  if (key === "ArrowUp") {
    const first = Math.min(w[0], Math.max(Math.ceil(step / 2), step - w[1]));
    return shifted(shifted(w, 0, 2, first), 1, 2, step - first);
  }
  if (key === "ArrowDown") {
    const amount = Math.min(step, w[2]);
    return shifted(shifted(w, 2, 0, Math.ceil(amount / 2)), 2, 1, Math.floor(amount / 2));
  }
  return null;
}

// A corner's label; of a name that has no room the beginning, for its weight must be read.
function labelled(name, weight, fits) {
  let label = `${name} ${weight}`;
  for (let kept = name.length - 1; kept > 0 && !fits(label); kept -= 1) {
    label = `${name.slice(0, kept).replace(/-$/, "")}\u2026 ${weight}`;
  }
  return label;
}

function draw(tag, attributes, parent) {
  const made = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent.append(made);
  return made;
}

function build(root) {
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", `${-PAD} ${-PAD} ${SIDE + 2 * PAD} ${HEIGHT + 2 * PAD}`);
  const ground = draw("polygon", { class: "ground", points: CORNERS.join(" ") }, svg);
  const grid = draw("g", { class: "grid" }, svg);
  const dots = draw("g", {}, svg);
  const names = CORNERS.map(([x, y], k) =>
    draw("text", { class: "name", x, y: k === 2 ? y - 9 : y + 20, "text-anchor": ["start", "end", "middle"][k] }, svg));
  const handle = draw("g", { class: "handle", role: "slider", tabindex: "0" }, svg);
  draw("circle", { class: "halo", r: 14 }, handle);
  draw("circle", { class: "knob", r: 8 }, handle);
  root.replaceChildren(svg);
  for (const share of [0.25, 0.5, 0.75]) {
    for (let k = 0; k < 3; k += 1) {
      const [a, b] = [[0, 0, 0], [0, 0, 0]];
      a[k] = b[k] = share * 1000;
      a[(k + 1) % 3] = b[(k + 2) % 3] = (1 - share) * 1000;
      const [[x1, y1], [x2, y2]] = [place(a), place(b)];
      draw("line", { x1, y1, x2, y2 }, grid);
    }
  }
  return { svg, ground, grid, dots, names, handle };
}

function paint(state) {
  const { parts, data } = state, { colours } = data;
  parts.ground.setAttribute("stroke", colours.soft);
  parts.ground.setAttribute("fill", colours.line);
  parts.ground.setAttribute("fill-opacity", "0.35");
  parts.grid.setAttribute("stroke", colours.line);
  parts.names.forEach((name) => name.setAttribute("fill", colours.ink));
  parts.dots.replaceChildren();
  for (const [a, b, c, front] of data.dots) {
    const [cx, cy] = place([a, b, c]);
    const fill = front ? colours.accent : colours.faint;
    draw("circle", { class: "dot", cx, cy, r: front ? 3.6 : 2.8, fill }, parts.dots);
  }
  const knob = parts.handle.querySelector(".knob");
  for (const [name, value] of [["fill", colours.accent], ["stroke", colours.ink], ["stroke-width", 2]]) {
    knob.setAttribute(name, value);
  }
  parts.handle.querySelector(".halo").setAttribute("stroke", colours.ink);
  parts.handle.setAttribute("aria-label", `Weights of ${data.values.join(", ")}`);
  parts.handle.setAttribute("aria-valuemin", "0");
  parts.handle.setAttribute("aria-valuemax", "1000");
}

function move(state, weights) {
  state.weights = weights;
  const { parts, data } = state;
  const [x, y] = place(weights);
  parts.handle.setAttribute("transform", `translate(${x} ${y})`);
  const told = weights.map((weight) => (weight / 1000).toFixed(3).replace(/0$/, ""));
  label(state, told);
  parts.handle.setAttribute("aria-valuenow", weights[0]);
  parts.handle.setAttribute("aria-valuetext", data.values.map((name, k) => `${name} ${told[k]}`).join(", "));
}

function label(state, told) {
  state.told = told;
  state.parts.names.forEach((text, k) => {
    const name = state.data.values[k];
    labelled(name, told[k], (tried) => {
      text.textContent = tried;
      return text.getComputedTextLength() <= ROOM[k];
    });
    draw("title", {}, text).textContent = name; // for the pointer: the name as a whole
  });
}

function listen(state) {
  const { svg, handle } = state.parts;
  const wishAt = (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const near = state.data.dots.find((dot) => {
      const [x, y] = place(dot);
      return Math.hypot(x - at.x, y - at.y) < SNAP;
    });
    return respect(near ? near.slice(0, 3) : weightsAt(at.x, at.y), state.start, state.data.locked);
  };
  svg.onpointerdown = (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    handle.focus({ preventScroll: true });
    svg.setPointerCapture(event.pointerId);
    state.start = state.weights;
    state.dragging = true;
    move(state, wishAt(event));
  };
  svg.onpointermove = (event) => state.dragging && move(state, wishAt(event));
  svg.onpointerup = () => {
    if (!state.dragging) return;
    state.dragging = false;
    send(state);
  };
  svg.onpointercancel = () => {
    state.dragging = false;
    move(state, state.start);
  };
  handle.onkeydown = (event) => {
    const wish = keyMove(event.key, state.weights, event.shiftKey ? 100 : 10);
    if (!wish) return;
    event.preventDefault();
    move(state, respect(wish, state.weights, state.data.locked));
    sendSoon(state);
  };
  handle.onblur = () => state.timer && send(state);
}

function sendSoon(state) {
  clearTimeout(state.timer);
  state.timer = setTimeout(() => send(state), IDLE_MS);
}

function send(state) {
  clearTimeout(state.timer);
  state.timer = null;
  if (state.weights.join() !== state.sent.join()) {
    state.sent = state.weights;
    state.tell("picked", state.weights);
  }
}

// A message that leaves the browser after a click on a link would bring this page back.
function forget(state) {
  clearTimeout(state.timer);
  state.timer = null;
  move(state, state.sent);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".ternary");
  // Kept across calls: this function runs again for every change of the data.
  const state = (root.state ??= { parts: build(root), weights: data.weights, sent: data.weights, timer: null });
  state.data = data;
  state.tell = setTriggerValue;
  state.leaving ??= (event) => {
    if (state.timer && event.composedPath().some((node) => node.tagName === "A")) forget(state);
  };
  window.addEventListener("pointerdown", state.leaving, true); // once, however often it is asked for
  paint(state);
  listen(state);
  // Letters are larger where the triangle is drawn smaller. One watch: only the last call is cleaned up after.
  state.watch ??= new ResizeObserver(() => label(state, state.told));
  if (state.timer) sendSoon(state); // stopped in between
  if (!state.dragging && !state.timer) {
    state.sent = data.weights;
    move(state, data.weights);
  }
  state.watch.observe(root);
  return () => {
    state.watch.disconnect();
    clearTimeout(state.timer);
    window.removeEventListener("pointerdown", state.leaving, true);
  };
}
