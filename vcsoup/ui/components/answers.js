// Answers side by side. Everything a model or user wrote is set by textContent.
function text(spans) {
  const made = element("div", "text");
  made.dir = "auto";
  for (const [op, part] of spans) {
    made.append(op === "only" ? element("mark", "", part) : document.createTextNode(part));
  }
  return made;
}

// Each answer keeps room for its words and figures; a table of many values scrolls sideways instead.
const narrowest = (columns) => `${9 * columns}rem`;

const ARROWS = { 1: "▲", 0: "", "-1": "▼" };

function rewards(rows, data) {
  const made = element("dl");
  for (const [value, reward, delta, sign] of rows) {
    const difference = element("dd", "delta", delta ? `(${delta}) ${ARROWS[sign]}`.trim() : "");
    if (sign) difference.style.color = sign > 0 ? data.up : data.down;
    const name = element("dt", "", value), row = element("div");
    name.title = value; // a long one is cut
    row.append(name, element("dd", "", reward), difference);
    made.append(row);
  }
  return made;
}

export default function ({ data, parentElement }) {
  const table = element("table");
  table.style.minWidth = narrowest(data.columns.length);
  const head = element("tr");
  head.append(...data.columns.map((name) => element("th", "", name)));
  head.querySelectorAll("th").forEach((cell) => cell.setAttribute("scope", "col"));
  table.append(element("thead"), element("tbody"));
  table.tHead.append(head);
  for (const { prompt, cells } of data.rows) {
    const asked = element("tr", "prompt");
    const cell = element("td", "", prompt);
    cell.colSpan = data.columns.length;
    cell.dir = "auto";
    asked.append(cell);
    const row = element("tr");
    for (const { spans, rewards: scored } of cells) {
      const column = element("td");
      column.append(text(spans), rewards(scored, data));
      row.append(column);
    }
    table.tBodies[0].append(asked, row);
  }
  parentElement.querySelector(".answers").replaceChildren(table);
}
