// What the model said is text, never html.
export default function ({ data, parentElement }) {
  const paragraph = parentElement.querySelector(".reading");
  if (paragraph.textContent !== data.text) paragraph.textContent = data.text;
  paragraph.classList.toggle("growing", data.growing);
  paragraph.classList.toggle("large", data.large);
  paragraph.classList.toggle("low", data.low);
}
