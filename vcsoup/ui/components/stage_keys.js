// The presenter's keyboard: arrows, page keys (clickers send those) and space turn pages, Escape
// leaves. Keys that belong to what has the focus are left alone: text, sliders, space on a button.
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
const OWN_SPACE = "button, a, summary, [role='button'], [role='switch'], [role='checkbox']";

function takenBy(event, selector) {
  return event.composedPath().some((node) => node instanceof Element && node.matches(selector));
}

function turn(event, stage) {
  const leaves = event.key === "Escape";
  if (!leaves && !Object.hasOwn(MOVES, event.key)) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (!leaves && takenBy(event, OWN_KEYS)) return;
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

export default function ({ data, parentElement, setTriggerValue }) {
  // This function runs again for every page that is drawn; the listener is one.
  const stage = (parentElement.stage ??= {});
  stage.tell = setTriggerValue;
  stage.steps = data.steps;
  stage.shown = data.place;
  // Keys are faster than pages: what was asked for counts until its page is there.
  if (stage.asked === data.place) stage.asked = null;
  stage.place = stage.asked ?? data.place;
  stage.listener ??= (event) => turn(event, stage);
  window.addEventListener("keydown", stage.listener);
  return () => window.removeEventListener("keydown", stage.listener);
}
