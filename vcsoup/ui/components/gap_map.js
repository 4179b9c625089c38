// Two values' gaps as a density: accent where pairs are kept, grey where they are dropped.
//
// A region is picked with a lasso (drag) or, by keyboard, with a box: arrows move it, Shift and
// arrows change its size, Enter picks, Escape clears. Python gets the corners and finds the pairs.
const EDGE = { left: 52, right: 12, top: 10, bottom: 40 };

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const mix = (a, b, part) => a.map((from, i) => Math.round(from + (b[i] - from) * part));
const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

class GapMap {
  constructor(root) {
    this.board = element("div", "board");
    this.ground = element("canvas");
    this.over = element("canvas");
    this.told = element("div", "told");
    this.legend = element("div", "legend");
    this.board.append(this.ground, this.over);
    root.replaceChildren(this.legend, this.board, this.told);
    this.frames = frames(this.board, () => { this.drawGround(); this.drawOver(); });
    this.box = null;
    this.path = [];
    this.listen();
  }

  listen() {
    const { board } = this;
    Object.assign(board, { tabIndex: 0 });
    board.setAttribute("role", "application");
    board.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      board.setPointerCapture(event.pointerId);
      this.held = true;
      this.box = null;
      this.path = [this.gapsAt(event)];
    });
    board.addEventListener("pointermove", (event) => {
      if (!this.held) return;
      this.path.push(this.gapsAt(event));
      this.askOver();
    });
    board.addEventListener("pointerup", () => {
      if (!this.held) return;
      this.held = false;
      this.path = thinned(this.path);
      this.pick(this.path.length >= 3 ? this.path : []);
    });
    board.addEventListener("keydown", (event) => this.onKey(event));
  }

  onKey(event) {
    const step = this.data.limit / 20;
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const half = this.data.limit / 5;
    this.box ??= { x: half, y: half, w: half, h: half };
    if (way && event.shiftKey) {
      this.box.w = clamp(this.box.w + way[0] * step, step, this.data.limit);
      this.box.h = clamp(this.box.h + way[1] * step, step, this.data.limit);
    } else if (way) {
      this.box.x = clamp(this.box.x + way[0] * step, -this.data.limit, this.data.limit);
      this.box.y = clamp(this.box.y + way[1] * step, -this.data.limit, this.data.limit);
    } else if (event.key === "Enter" || event.key === "Escape") {
      event.preventDefault();
      if (event.key === "Escape") this.box = null;
      this.path = event.key === "Enter" ? this.corners() : [];
      this.pick(this.path);
      return;
    } else return;
    event.preventDefault();
    this.path = this.corners();
    this.askOver();
  }

  corners() {
    const { x, y, w, h } = this.box;
    return [[x - w, y - h], [x + w, y - h], [x + w, y + h], [x - w, y + h]];
  }

  pick(polygon) {
    this.trigger("picked", { polygon });
    this.askOver();
  }

  take(data, trigger) {
    this.trigger = trigger;
    const other = this.data && (this.data.axes.join() !== data.axes.join() || this.data.limit !== data.limit);
    if (other) { this.box = null; this.path = []; }
    if (!this.held && !data.polygon.length) this.path = this.box ? this.path : [];
    if (!this.data || other) this.path = data.polygon;
    this.data = data;
    this.all = bytes(data.density);
    this.kept = bytes(data.kept);
    const { accent, soft, ink } = data.colours;
    this.board.setAttribute("aria-label", data.told);
    this.told.textContent = "Drag around pairs to read them. Keyboard: arrows move a box, Shift sizes it, Enter picks.";
    const entries = [[accent, "kept"], [soft, "dropped"], [ink, data.cone_name]];
    this.legend.replaceChildren(...entries.map(([colour, name], i) => {
      const entry = element("span");
      const key = element("span", "key");
      key.style.background = i < 2 ? colour : "transparent";
      if (i === 2) key.style.border = `1.5px dashed ${colour}`;
      entry.append(key, name);
      return entry;
    }));
    this.frames.ask();
  }

  scales(width, height) {
    const { limit } = this.data;
    const wide = width - EDGE.left - EDGE.right, tall = height - EDGE.top - EDGE.bottom;
    return {
      x: (gap) => EDGE.left + ((gap + limit) / (2 * limit)) * wide,
      y: (gap) => EDGE.top + ((limit - gap) / (2 * limit)) * tall,
      gapX: (x) => ((x - EDGE.left) / wide) * 2 * limit - limit,
      gapY: (y) => limit - ((y - EDGE.top) / tall) * 2 * limit,
    };
  }

  gapsAt(event) {
    const box = this.board.getBoundingClientRect();
    const { gapX, gapY } = this.scales(box.width, box.height);
    const { limit } = this.data;
    // Past the frame means past the outermost pairs, which are drawn in its outer cells.
    const reach = (gap) => (gap >= limit ? 1e6 : gap <= -limit ? -1e6 : gap);
    return [reach(gapX(event.clientX - box.left)), reach(gapY(event.clientY - box.top))];
  }

  drawGround() {
    const { draw, width, height } = pencil(this.ground);
    if (!width) return;
    const { colours, cells, limit, cone, axes } = this.data;
    const { x, y } = this.scales(width, height);
    const image = new ImageData(cells, cells);
    const paper = rgb(colours.paper), accent = rgb(colours.accent), soft = rgb(colours.soft);
    for (let i = 0; i < this.all.length; i++) {
      const strength = this.all[i] ? 0.12 + 0.88 * (this.all[i] / 255) : 0;
      const colour = mix(paper, mix(soft, accent, this.kept[i] / 255), strength);
      image.data.set([...colour, 255], 4 * i);
    }
    const tile = document.createElement("canvas");
    tile.width = tile.height = cells;
    tile.getContext("2d").putImageData(image, 0, 0);
    draw.imageSmoothingEnabled = false;
    draw.drawImage(tile, x(-limit), y(limit), x(limit) - x(-limit), y(-limit) - y(limit));
    this.axes(draw, { x, y, width, height, axes });
    draw.save();
    draw.beginPath();
    draw.rect(x(-limit), y(limit), x(limit) - x(-limit), y(-limit) - y(limit));
    draw.clip();
    draw.strokeStyle = colours.ink;
    draw.fillStyle = faded(colours.ink, 0.05);
    draw.setLineDash([5, 4]);
    draw.lineWidth = 1.3;
    draw.beginPath();
    const far = 3 * limit;
    const [from, to] = cone;
    for (let part = 0; part <= 24; part++) {
      const angle = from + ((to - from) * part) / 24;
      if (part === 0 && to - from < 6.28) draw.moveTo(x(0), y(0));
      draw.lineTo(x(far * Math.cos(angle)), y(far * Math.sin(angle)));
    }
    draw.closePath();
    draw.fill();
    draw.stroke();
    draw.restore();
  }

  axes(draw, { x, y, width, height, axes }) {
    const { colours, limit } = this.data;
    draw.font = letters(this.ground, 12);
    draw.strokeStyle = colours.line;
    draw.strokeRect(x(-limit), y(limit), x(limit) - x(-limit), y(-limit) - y(limit));
    vertical(draw, x(0), y(limit), y(-limit), { colour: colours.soft, dash: [2, 3] });
    draw.save();
    draw.setLineDash([2, 3]);
    draw.strokeStyle = colours.soft;
    draw.beginPath();
    draw.moveTo(x(-limit), y(0));
    draw.lineTo(x(limit), y(0));
    draw.stroke();
    draw.restore();
    draw.fillStyle = colours.soft;
    for (const place of ticks(-limit, limit, 6).places) {
      draw.textAlign = "center";
      draw.fillText(place ? signed(place, 0) : "0", x(place), y(-limit) + 16);
      draw.textAlign = "right";
      draw.fillText(place ? signed(place, 0) : "0", x(-limit) - 7, y(place) + 4);
    }
    draw.fillStyle = colours.ink;
    draw.textAlign = "center";
    draw.fillText(`gap in ${axes[0]}, \u03c3`, (x(-limit) + x(limit)) / 2, height - 6);
    draw.translate(13, (y(-limit) + y(limit)) / 2);
    draw.rotate(-Math.PI / 2);
    draw.fillText(`gap in ${axes[1]}, \u03c3`, 0, 0);
    draw.rotate(Math.PI / 2);
    draw.translate(-13, -(y(-limit) + y(limit)) / 2);
  }

  askOver() {
    this.waiting ??= requestAnimationFrame(() => { this.waiting = undefined; this.drawOver(); });
  }

  drawOver() {
    const { draw, width, height } = pencil(this.over);
    if (!width || this.path.length < 2) return;
    const { x, y } = this.scales(width, height);
    draw.strokeStyle = this.data.colours.ink;
    draw.fillStyle = faded(this.data.colours.ink, 0.12);
    draw.lineWidth = 2;
    draw.beginPath();
    for (const [gx, gy] of this.path) {
      draw.lineTo(clamp(x(gx), EDGE.left - 4, width - EDGE.right + 4), clamp(y(gy), EDGE.top - 4, height - EDGE.bottom + 4));
    }
    draw.closePath();
    draw.fill();
    draw.stroke();
  }
}

// At most 200 corners, so that what is sent stays small.
function thinned(path) {
  const every = Math.ceil(path.length / 200);
  return path.filter((_, i) => i % every === 0);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".map");
  // Kept by its element: Streamlit at times ends a component and begins it anew on the same one.
  const map = (root.map ??= new GapMap(root));
  map.take(data, setTriggerValue);
  return () => map.frames.stop();
}
