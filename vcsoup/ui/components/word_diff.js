// A pair as text. Everything a user wrote is set by textContent: it can never become an element.
// Characters that no one can see, or that turn the direction of others, are shown by their names.
const UNSEEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2060-\u2069\ufeff]/;
const NAMES = { 0: "NUL", 0x202d: "LRO", 0x202e: "RLO", 0x200b: "ZWSP", 0xfeff: "BOM" };

function unseenName(character) {
  const code = character.codePointAt(0);
  return NAMES[code] ?? `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

// Text with its unseen characters named; the named ones are elements of ours, without user text.
function fill(parent, text) {
  let rest = text;
  for (let at = rest.search(UNSEEN); at >= 0; at = rest.search(UNSEEN)) {
    if (at > 0) parent.append(rest.slice(0, at));
    const mark = element("span", "unseen", unseenName(rest[at]));
    mark.title = "A character that cannot be seen";
    parent.append(mark);
    rest = rest.slice(at + 1);
  }
  if (rest) parent.append(rest);
}

function body(spans, left) {
  const made = element("div", "text");
  made.dir = "auto";
  for (const [op, text] of spans) {
    const span = op === "same" ? made : element(op === "only" ? "mark" : "span", op);
    fill(span, text);
    if (span !== made) made.append(span);
  }
  if (left > 0) made.append(element("div", "left", `${left.toLocaleString("en")} more characters`));
  return made;
}

function turn({ role, text, left }) {
  const made = element("div", `turn ${role === "user" ? "user" : "other"}`);
  made.append(element("div", "who", role), body([["same", text]], left));
  return made;
}

function answer({ name, spans, left }, place) {
  const made = element("section", place === 0 ? "chosen" : "rejected");
  made.setAttribute("aria-label", name);
  made.append(element("div", "who", name), body(spans, left));
  return made;
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".pair");
  const answers = element("div", "answers");
  answers.append(...data.answers.map(answer));
  const note = data.note ? [element("div", "note", data.note)] : [];
  root.replaceChildren(...data.turns.map(turn), answers, ...note);
}
