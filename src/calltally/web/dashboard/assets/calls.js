// The list: it takes the keyboard's scrolling, and says when there is more than it shows.
const EVERY_MS = 5000;
const list = document.querySelector("main > .wide");
const news = document.querySelector(".news a");

if (list && document.activeElement === document.body) {
  // Nobody asked for it, so it is not drawn.
  list.classList.add("quietly");
  list.addEventListener("blur", () => list.classList.remove("quietly"), { once: true });
  list.focus({ preventScroll: true });
}

async function look() {
  // The browser sends what it has by its ETag: an answer that nothing changed costs one look at a key.
  const answer = await fetch(news.dataset.poll, { cache: "no-cache", redirect: "error" });
  if (!answer.ok) return;
  const told = await answer.json();
  const more = told.more ?? told.total - Number(news.dataset.total);
  news.hidden = more <= 0;
  if (more > 0) news.textContent = more === 1 ? news.dataset.one : news.dataset.many.replace("#", more.toLocaleString());
}

async function follow() {
  try {
    if (!document.hidden) await look();
  } catch {
    // The next look may be answered.
  }
  setTimeout(follow, EVERY_MS);
}

setTimeout(follow, EVERY_MS);

// How many calls there are, where the page did not wait for it.
const open = document.querySelector(".count [data-count]");

async function count() {
  const before = open.textContent;
  open.textContent = open.dataset.counting;
  const answer = await fetch(open.dataset.count, { redirect: "error" }).catch(() => null);
  if (!answer?.ok) {
    // It can still be asked for by hand.
    open.textContent = before;
    return;
  }
  const told = await answer.json();
  open.classList.add("done");
  document.querySelector(".count strong").textContent = told.total;
  document.querySelector(".of-pages").textContent = told.pages;
  document.querySelector("[data-hint]").textContent = told.export;
  const last = document.querySelector("[data-last]");
  if (!last || !told.last) return;
  const link = document.createElement("a");
  Object.assign(link, { href: told.last, rel: "last", textContent: last.textContent });
  last.replaceWith(link);
}

if (open) count();
