// Shows the value of a slider while it moves. Without scripts, the marks below it show it.
// A module: its names do not conflict with other scripts of the page.

for (const slider of document.querySelectorAll("input[type=range][data-stops]")) {
  const stops = slider.dataset.stops.split(" ");
  const output = document.querySelector(`output[data-of="${slider.name}"]`);
  slider.addEventListener("input", () => {
    output.value = stops[Number(slider.value)];
  });
}
