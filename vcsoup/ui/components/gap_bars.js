// One pair's gap per value as a bar from the middle: right prefers the chosen answer, left the other.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".bars");
  const furthest = Math.max(1, ...data.gaps.map(([, gap]) => Math.abs(gap)));
  root.replaceChildren(...data.gaps.flatMap(([value, gap, colour]) => {
    const track = element("div", "track");
    const bar = element("i");
    const wide = (Math.abs(gap) / furthest) * 50;
    bar.style.width = `${wide}%`;
    bar.style.left = gap < 0 ? `${50 - wide}%` : "50%";
    bar.style.background = colour;
    track.append(bar);
    return [element("span", "", value), track, element("span", "gap", `${signed(gap, 2)} \u03c3`)];
  }));
}
