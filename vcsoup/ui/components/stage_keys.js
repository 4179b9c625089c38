// The presenter's keyboard: arrows, page keys (clickers send those) and space turn pages, Escape
// leaves. Keys that belong to what has the focus are left alone: text, sliders, space on a button.
const MOVES = {
  ArrowRight: "next",
  PageDown: "next",
  " ": "next",
  ArrowLeft: "previous",
  PageUp: "previous",
  Home: "first",
  End: "last",
  Escape: "leave",
};
const OWN_KEYS = "input, textarea, select, [contenteditable='true'], [role='slider'], [role='listbox'], [role='combobox'], [role='radio'], [role='radiogroup'], [role='tab']";
const OWN_SPACE = "button, a, summary, [role='button'], [role='switch'], [role='checkbox']";

function takenBy(event, selector) {
  return event.composedPath().some((node) => node instanceof Element && node.matches(selector));
}

export default function ({ setTriggerValue }) {
  const turn = (event) => {
    const move = MOVES[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (move !== "leave" && takenBy(event, OWN_KEYS)) return;
    if (event.key === " " && takenBy(event, OWN_SPACE)) return;
    event.preventDefault();
    setTriggerValue("move", move);
  };
  window.addEventListener("keydown", turn);
  return () => window.removeEventListener("keydown", turn);
}
