// Keyboard and mouse shortcuts of every page. Every page works without this file.
const rows = [...document.querySelectorAll("tr.call")];
const help = document.getElementById("help");
const announcement = document.getElementById("announcement");
let chosen = -1;

function choose(place) {
  if (!rows.length) return;
  rows[chosen]?.classList.remove("chosen");
  chosen = Math.min(Math.max(place, 0), rows.length - 1);
  rows[chosen].classList.add("chosen");
  rows[chosen].scrollIntoView({ block: "nearest" });
}

function isTyping(target) {
  return target instanceof HTMLElement && target.matches("input, select, textarea");
}

function closeMenus(but) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!but || !menu.contains(but)) menu.open = false;
  }
}

function leave(target) {
  const menu = target.closest?.("details.menu[open]");
  if (menu) menu.querySelector("summary").focus();
  else if (isTyping(target)) target.blur();
  closeMenus();
}

const actions = {
  j: () => choose(chosen + 1),
  k: () => choose(chosen - 1),
  Enter: () => rows[chosen]?.querySelector("a")?.click(),
  "/": () => document.querySelector(".find input")?.focus(),
  "?": () => help.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  if (event.key === "Escape") return leave(event.target);
  const action = actions[event.key];
  const isFree = event.key !== "Enter" || event.target.matches("body, main, .wide");
  if (!action || isTyping(event.target) || !isFree) return;
  event.preventDefault();
  action();
});

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Over plain http to another machine, scripts have only the legacy clipboard API.
    const area = document.body.appendChild(document.createElement("textarea"));
    area.value = text;
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

document.addEventListener("click", async (event) => {
  closeMenus(event.target);
  if (event.target.closest("[data-help]")) help.showModal();
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await copy(document.getElementById(button.dataset.copy)?.textContent ?? button.dataset.copy);
  announcement.textContent = announcement.dataset.copied;
  button.classList.add("copied");
  setTimeout(() => button.classList.remove("copied"), 1500);
});
