// Reloads the page while a job runs. Without scripts, reload the page manually.
// A module: its names do not conflict with other scripts of the page.

const LOOKS_EVERY_MS = 2000;

async function look() {
  const answer = await fetch(location.href, { redirect: "error" }).catch(() => null);
  if (answer?.ok) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelector("main").replaceWith(page.querySelector("main"));
    // The page omits this script once the job has ended.
    if (!page.querySelector("script[src*='jobs.js']")) return;
  }
  setTimeout(look, LOOKS_EVERY_MS);
}

setTimeout(look, LOOKS_EVERY_MS);
