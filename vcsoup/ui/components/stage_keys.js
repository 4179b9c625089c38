// The presenter's keyboard: arrows, page keys (clickers send those) and space turn pages, Escape
// leaves. Keys that belong to what has the focus are left alone: text, sliders, space on a button;
// but page keys turn pages over a slider too. All keys belong to a list or a menu while it is open.
const MOVES = {
  ArrowRight: (place) => place + 1,
  PageDown: (place) => place + 1,
  " ": (place) => place + 1,
  ArrowLeft: (place) => place - 1,
  PageUp: (place) => place - 1,
  Home: () => 0,
  End: (_, last) => last,
};
const OWN_KEYS = "input, textarea, select, [contenteditable='true'], [role='slider'], [role='listbox'], [role='combobox'], [role='radio'], [role='radiogroup'], [role='tab']";
const OWN_PAGES = "textarea, select, [contenteditable='true']";
const OWN_SPACE = "button, a, summary, [role='button'], [role='switch'], [role='checkbox']";
const OPEN = "[role='listbox'], [role='menu'], [role='dialog'], [aria-haspopup][aria-expanded='true']";

function takenBy(event, selector) {
  return event.composedPath().some((node) => node instanceof Element && node.matches(selector));
}

function turn(event, stage) {
  const leaves = event.key === "Escape";
  if (!leaves && !Object.hasOwn(MOVES, event.key)) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const pages = event.key.startsWith("Page");
  if (!leaves && takenBy(event, pages ? OWN_PAGES : OWN_KEYS)) return;
  if (event.key === " " && takenBy(event, OWN_SPACE)) return;
  event.preventDefault();
  if (leaves) return stage.tell("left", true);
  const last = stage.steps.length - 1;
  const place = Math.min(Math.max(MOVES[event.key](stage.place, last), 0), last);
  if (place === stage.place) return;
  stage.place = place;
  stage.asked = place === stage.shown ? null : place;
  stage.tell("step", stage.steps[place]);
}

// Before anything else hears the key: what is open closes itself on Escape, and a slider that hears
// a page key moves.
function hear(event, stage) {
  stage.open = document.querySelector(OPEN) !== null;
  if (stage.open || !event.key.startsWith("Page")) return;
  turn(event, stage);
  if (event.defaultPrevented) event.stopPropagation();
}

export default function ({ data, parentElement, setTriggerValue }) {
  // This function runs again for every page that is drawn; the listener is one.
  const stage = (parentElement.stage ??= {});
  stage.tell = setTriggerValue;
  stage.steps = data.steps;
  stage.shown = data.place;
  // Keys are faster than pages: what was asked for counts until its page is there.
  if (stage.asked === data.place) stage.asked = null;
  stage.place = stage.asked ?? data.place;
  stage.first ??= (event) => hear(event, stage);
  stage.last ??= (event) => stage.open || turn(event, stage);
  window.addEventListener("keydown", stage.first, true);
  window.addEventListener("keydown", stage.last);
  return () => {
    window.removeEventListener("keydown", stage.first, true);
    window.removeEventListener("keydown", stage.last);
  };
}
