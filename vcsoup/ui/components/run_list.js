// The runs of a project, two lines each: state, progress, and the few things one does most often.
// Rows are kept and changed in place, so that focus and pointer stay where they are while runs go on.
const ACTIONS = {
  up: ["arrow_upward", "Earlier in the queue"],
  down: ["arrow_downward", "Later in the queue"],
  resume: ["resume", "Resume from the last checkpoint"],
  stop: ["stop_circle", "Stop and keep the adapter"],
  cancel: ["close", "Take out of the queue"],
};
const NEEDED = { s: ["stop", "cancel"], r: ["resume"] };

function iconSign(name) {
  const sign = element("span", "icon", name);
  sign.setAttribute("aria-hidden", "true");
  return sign;
}

class Row {
  constructor(list) {
    this.list = list;
    this.root = element("div", "run");
    this.root.setAttribute("role", "row");
    this.root.setAttribute("aria-keyshortcuts", "Enter Space S R Alt+ArrowUp Alt+ArrowDown");
    this.tick = element("button", "tick");
    this.tick.type = "button";
    this.tick.tabIndex = -1;
    this.tick.setAttribute("role", "checkbox");
    this.main = element("div", "main");
    this.main.setAttribute("role", "gridcell");
    this.acts = element("div", "acts");
    this.acts.setAttribute("role", "gridcell");
    const first = element("div", "first"), bar = element("div", "bar");
    this.name = element("span", "name");
    this.state = element("span", "state");
    this.stale = element("span", "state stale");
    this.fill = element("div", "fill");
    this.told = element("div", "said");
    bar.append(this.fill);
    this.bar = bar;
    this.when = element("span", "when");
    first.append(this.name, this.state, this.stale, this.when);
    this.main.append(first, bar, this.told);
    const cell = element("div", "cell");
    cell.setAttribute("role", "gridcell");
    cell.append(this.tick);
    this.root.append(cell, this.main, this.acts);
    this.root.addEventListener("click", () => list.ask("open", this.run.id));
    this.tick.addEventListener("click", (event) => { event.stopPropagation(); list.ask("tick", this.run.id); });
    this.root.addEventListener("keydown", (event) => list.key(event, this));
  }

  take(run) {
    const text = JSON.stringify(run);
    if (text === this.text) return;
    this.text = text;
    this.run = run;
    this.name.textContent = run.title;
    this.name.title = run.title;
    this.state.className = `state ${run.tone}`;
    this.state.replaceChildren(iconSign(run.icon), run.state);
    this.stale.hidden = !run.stale;
    this.stale.title = run.stale ?? "";
    this.stale.replaceChildren(...(run.stale ? [iconSign("update"), "stale"] : []));
    this.when.textContent = run.when;
    this.told.textContent = run.told;
    this.told.title = run.told;
    this.bar.hidden = run.share === null;
    this.fill.style.width = `${(run.share ?? 0) * 100}%`;
    this.root.setAttribute("aria-selected", String(run.open));
    this.root.setAttribute("aria-label", `${run.title}, ${run.state}, ${run.told}`);
    this.tick.setAttribute("aria-checked", String(run.ticked));
    this.tick.setAttribute("aria-label", `Curves of ${run.title}`);
    this.tick.replaceChildren(...(run.ticked ? [stroke(run.colour, { dashes: dashesOfRun(run.dash), width: 2.6, length: 20 })] : []));
    this.tick.title = run.ticked ? "Leave out of the curves" : "Show in the curves";
    this.act(run);
  }

  // Buttons are made anew only when there are others, so that one under the pointer stays.
  act(run) {
    const wanted = run.can.join(" ");
    if (wanted === this.can) return;
    this.can = wanted;
    this.acts.replaceChildren(...run.can.map((command) => {
      const [icon, told] = ACTIONS[command];
      const button = element("button", `act ${command}`);
      button.type = "button";
      button.tabIndex = -1;
      button.title = told;
      button.setAttribute("aria-label", `${told}: ${run.title}`);
      button.append(iconSign(icon));
      button.addEventListener("click", (event) => { event.stopPropagation(); this.list.ask(command, this.run.id); });
      return button;
    }));
  }
}

class List {
  constructor(root) {
    this.root = root;
    this.rows = new Map();
    root.setAttribute("role", "grid");
    root.setAttribute("aria-multiselectable", "false");
  }

  take(data, trigger) {
    this.trigger = trigger;
    this.root.setAttribute("aria-label", data.told);
    const wanted = data.runs.map((run) => {
      const row = this.rows.get(run.id) ?? new Row(this);
      this.rows.set(run.id, row);
      row.take(run);
      return row;
    });
    for (const [id, row] of this.rows) if (!wanted.includes(row)) { row.root.remove(); this.rows.delete(id); }
    wanted.forEach((row, i) => {
      if (this.root.children[i] !== row.root) this.root.insertBefore(row.root, this.root.children[i] ?? null);
    });
    const stop = wanted.find((row) => row.root === this.root.getRootNode().activeElement)
      ?? wanted.find((row) => row.run.open) ?? wanted[0];
    for (const row of wanted) row.root.tabIndex = row === stop ? 0 : -1;
  }

  ask(command, run) {
    this.seq = (this.seq ?? 0) + 1;
    this.trigger("asked", { command, run, seq: this.seq });
  }

  key(event, row) {
    if (event.ctrlKey || event.metaKey) return;
    const rows = [...this.root.children], here = rows.indexOf(row.root);
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const can = row.run.can;
    if (move && event.altKey) {
      const command = move > 0 ? "down" : "up";
      if (can.includes(command)) this.ask(command, row.run.id);
    } else if (move) rows[here + move]?.focus();
    else if (event.key === "Home") rows[0].focus();
    else if (event.key === "End") rows.at(-1).focus();
    else if (event.key === "Enter") this.ask("open", row.run.id);
    else if (event.key === " ") this.ask("tick", row.run.id);
    else {
      const command = NEEDED[event.key.toLowerCase()]?.find((name) => can.includes(name));
      if (!command) return;
      this.ask(command, row.run.id);
    }
    event.preventDefault();
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".runs");
  // Kept by its element: Streamlit at times ends a component and begins it anew on the same one.
  root.list ??= new List(root);
  root.list.take(data, setTriggerValue);
}
