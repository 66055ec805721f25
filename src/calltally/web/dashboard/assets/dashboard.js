// What the keyboard adds. Every page works without this file.
"use strict";

const rows = [...document.querySelectorAll("tr.call")];
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

const actions = {
  j: () => choose(chosen + 1),
  k: () => choose(chosen - 1),
  Enter: () => rows[chosen]?.querySelector("a")?.click(),
  "/": () => document.querySelector("input[type=search]")?.focus(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    if (isTyping(event.target)) event.target.blur();
    return;
  }
  const action = actions[event.key];
  const isFree = event.target === document.body || event.target.id === "content" || event.key !== "Enter";
  if (!action || isTyping(event.target) || !isFree) return;
  event.preventDefault();
  action();
});
