// Renders the API reference from /openapi.json. Entered keys stay in the page and are never stored.
"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
follow();
dark.addEventListener("change", follow);

// The service, which may be under a path of its host.
const root = new URL("..", document.currentScript.src);

// Swagger UI would prefill and send all examples together, but some parameters exclude each other.
function withoutFilledIn(description) {
  // Examples have the address of this page. Every GET answers HEAD, so one line for both is enough.
  description.servers = [{ url: root.href.replace(/\/$/, "") }];
  for (const path of Object.values(description.paths)) {
    delete path.head;
  }
  // Swagger UI leaves out webhooks that are references.
  for (const [event, { $ref: reference }] of Object.entries(description.webhooks)) {
    description.webhooks[event] = description.components.pathItems[reference.split("/").pop()];
  }
  const operations = Object.values(description.paths).flatMap((path) => Object.values(path));
  for (const parameter of operations.flatMap((operation) => operation.parameters ?? [])) {
    if (!parameter.required && parameter.example !== undefined) {
      parameter.description += ` Example: \`${parameter.example}\`.`;
      delete parameter.example;
    }
  }
  return description;
}

// What a screen reader or a keyboard would stumble over in the page that Swagger UI makes.
function mendForReaders() {
  // A landmark around the description, and headings without a gap below the first.
  const description = document.querySelector(".information-container");
  description?.setAttribute("role", "region");
  description?.setAttribute("aria-label", "Description");
  for (const heading of document.querySelectorAll("h3.opblock-tag, .models > h4")) {
    heading.setAttribute("aria-level", "2");
  }
  // Links inside of buttons to the same place.
  for (const link of document.querySelectorAll(".opblock-summary-control a")) {
    link.removeAttribute("href");
  }
}
// Also what it renders later, such as the operations of a tag that is opened again.
new MutationObserver(mendForReaders).observe(document.getElementById("reference"), { childList: true, subtree: true });

fetch(new URL("openapi.json", root))
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`it answered ${answer.status}`))))
  .then((description) =>
    SwaggerUIBundle({
      spec: withoutFilledIn(description),
      dom_id: "#reference",
      deepLinking: true,
      defaultModelsExpandDepth: 0,
      // The fields first; the example is in the other tab.
      defaultModelRendering: "model",
      defaultModelExpandDepth: 2,
      // The default validator is a service on another machine.
      validatorUrl: null,
    }),
  )
  .catch((fault) => {
    document.getElementById("reference").textContent = `openapi.json could not be read: ${fault.message}. Reload the page.`;
  });
