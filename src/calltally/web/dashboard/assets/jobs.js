// Looks again while a job goes on. Without it, the browser's own reload does.
// A module: its names are its own, whatever other scripts of the page are called.

const LOOKS_EVERY_MS = 2000;

async function look() {
  const answer = await fetch(location.href, { redirect: "error" }).catch(() => null);
  if (answer?.ok) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelector("main").replaceWith(page.querySelector("main"));
    // The page leaves this script out once the job is over.
    if (!page.querySelector("script[src*='jobs.js']")) return;
  }
  setTimeout(look, LOOKS_EVERY_MS);
}

setTimeout(look, LOOKS_EVERY_MS);
