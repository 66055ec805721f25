// One call: search in the conversation, and printing.
const within = document.getElementById("within");
const entries = [...document.querySelectorAll(".entry")];

function rangesIn(entry, wanted) {
  const walker = document.createTreeWalker(entry, NodeFilter.SHOW_TEXT);
  const ranges = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.data.toLowerCase();
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
      const range = new Range();
      range.setStart(node, at);
      range.setEnd(node, Math.min(at + wanted.length, node.data.length));
      ranges.push(range);
    }
  }
  return ranges;
}

function find() {
  const wanted = within.value.trim().toLowerCase();
  const found = entries.map((entry) => (wanted ? rangesIn(entry, wanted) : []));
  entries.forEach((entry, place) => entry.classList.toggle("apart", Boolean(wanted) && !found[place].length));
  const count = found.flat().length;
  within.parentElement.querySelector("output").textContent = !wanted ? "" : count || within.dataset.none;
  if (window.Highlight) CSS.highlights.set("found", new Highlight(...found.flat()));
}

within?.addEventListener("input", find);
if (within?.value) find();
document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
