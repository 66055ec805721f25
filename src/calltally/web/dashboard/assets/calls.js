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
  const more = (await answer.json()).total - Number(news.dataset.total);
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
