// "Back" leaves a page at its first press. A page that has come writes its state into the address in
// several goes, each of which would be a place to go back to. Only what a person did there is one:
// until a key or the pointer is pressed, other than on a link, addresses of the same page replace
// each other, and one deed is one step. After "back" a page that was left may still have its say; an
// address of another page that nobody asked for is none. Put around the browser's history once.
function watch(history) {
  let touched = ""; // what was pressed since the last step: "", "link" or "page"
  let went = false; // back or forward, since anything was pressed
  const push = history.pushState.bind(history);
  const touch = (event) => {
    touched = event.composedPath().some((at) => at.href) ? "link" : "page";
    went = false;
  };
  history.pushState = (state, title, address) => {
    const stays = new URL(address, window.location.href).pathname === window.location.pathname;
    if (stays && touched !== "page") history.replaceState(state, title, address);
    else if (stays || !went) push(state, title, address);
    touched = "";
  };
  for (const kind of ["pointerdown", "click", "keydown"]) window.addEventListener(kind, touch, true);
  window.addEventListener("popstate", () => { touched = ""; went = true; }, true);
}

export default function () {
  if (window.vcsoupArrivals) return;
  window.vcsoupArrivals = true;
  watch(window.history);
}
