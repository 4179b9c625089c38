// A page of pairs, one line each; a click or Enter opens one. Texts are set by textContent alone.
// Lines stay while the pairs do: one that is made anew under the pointer would swallow the click.
const COLUMNS = [
  ["consistency", "consistency"], ["norm", "norm"],
  ["side", "side"], ["reason", "reason"], ["prompt", "prompt"],
  ["chosen", "chosen answer"], ["rejected", "rejected answer"],
];
const NUMBERS = ["consistency", "norm"];

function cell(tag, column, text) {
  const made = element(tag, `${column}${NUMBERS.includes(column) ? " number" : ""}`, text);
  if (tag === "td") made.title = text; // a long one is cut
  if (tag === "td" && !NUMBERS.includes(column)) made.dir = "auto";
  return made;
}

function line(pair, pick) {
  const row = element("tr");
  row.tabIndex = 0;
  row.append(...COLUMNS.map(([column]) => cell("td", column, pair[column])));
  row.addEventListener("click", () => pick(pair.id));
  row.addEventListener("keydown", (event) => {
    const next = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (next) row[next]?.focus();
    else if (event.key === "Enter" || event.key === " ") pick(pair.id);
    else return;
    event.preventDefault();
  });
  return row;
}

function build(list, data) {
  const table = element("table");
  table.setAttribute("role", "grid");
  table.setAttribute("aria-label", data.told);
  const head = element("tr");
  head.append(...COLUMNS.map(([column, name]) => cell("th", column, name)));
  const body = element("tbody");
  body.append(...data.pairs.map((pair) => line(pair, (id) => list.tell("picked", { pair: id }))));
  const top = element("thead");
  top.append(head);
  table.append(top, body);
  const focused = list.getRootNode().activeElement?.closest("tr")?.rowIndex;
  list.replaceChildren(table);
  if (focused) table.rows[focused]?.focus({ preventScroll: true });
}

export default function ({ data, parentElement, setTriggerValue }) {
  const list = parentElement.querySelector(".list");
  list.tell = setTriggerValue;
  const drawn = JSON.stringify([data.pairs, data.told]);
  if (drawn !== list.drawn) build(list, data);
  list.drawn = drawn;
  data.pairs.forEach((pair, i) => list.querySelector("tbody").rows[i].setAttribute("aria-selected", String(pair.id === data.picked)));
}
