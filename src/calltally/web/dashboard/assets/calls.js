// The list: keyboard scrolling, the notice of new calls, and the total.
const POLL_MS = 5000;
const list = document.querySelector("main > .wide");
const news = document.querySelector(".news a");

if (list && document.activeElement === document.body) {
  // The focus is set by the script, so no outline is drawn.
  list.classList.add("quietly");
  list.addEventListener("blur", () => list.classList.remove("quietly"), { once: true });
  list.focus({ preventScroll: true });
}

async function poll() {
  // The browser sends its ETag: an unchanged response costs the server one key lookup.
  const answer = await fetch(news.dataset.poll, { cache: "no-cache", redirect: "error" });
  if (!answer.ok) return;
  const data = await answer.json();
  const more = data.more ?? data.total - Number(news.dataset.total);
  news.hidden = more <= 0;
  if (more > 0) news.textContent = more === 1 ? news.dataset.one : news.dataset.many.replace("#", more.toLocaleString());
}

async function pollRegularly() {
  try {
    if (!document.hidden) await poll();
  } catch {
    // The next poll may succeed.
  }
  setTimeout(pollRegularly, POLL_MS);
}

setTimeout(pollRegularly, POLL_MS);

// Fetch the total if the page came without it.
const open = document.querySelector(".count [data-count]");

async function count() {
  const before = open.textContent;
  open.textContent = open.dataset.counting;
  const answer = await fetch(open.dataset.count, { redirect: "error" }).catch(() => null);
  if (!answer?.ok) {
    // The link still allows a manual count.
    open.textContent = before;
    return;
  }
  const data = await answer.json();
  open.classList.add("done");
  document.querySelector(".count strong").textContent = data.total;
  document.querySelector(".of-pages").textContent = data.pages;
  document.querySelector("[data-hint]").textContent = data.export;
  const last = document.querySelector("[data-last]");
  if (!last || !data.last) return;
  const link = document.createElement("a");
  Object.assign(link, { href: new URL(`..${data.last}`, import.meta.url).href, rel: "last", textContent: last.textContent });
  last.replaceWith(link);
}

if (open) count();
