// What the page does beyond htmx: sliders, words for failures, and where the focus goes.
// The page works without it; texts come from the page, so that they are in its language.
"use strict";

(() => {
  const cuts = () => [...document.querySelectorAll("#cuts [data-in-force]")];

  const tell = (input) => {
    const output = document.querySelector(`output[for="${input.id}"]`);
    output.textContent = Number(input.value).toFixed(2);
  };

  // Closest first: a threshold that is moved past another one takes that along.
  const keepOrder = (moved) => {
    const all = cuts();
    const place = all.indexOf(moved);
    all.forEach((each, index) => {
      const beyond = Number(each.value) - Number(moved.value);
      if (index < place ? beyond < 0 : beyond > 0) each.value = moved.value;
      tell(each);
    });
  };

  const makeSliders = () => {
    for (const each of cuts()) {
      each.type = "range";
      document.querySelector(`output[for="${each.id}"]`).hidden = false;
    }
    for (const each of document.querySelectorAll("#cuts [data-apply]")) each.hidden = true;
    for (const each of document.querySelectorAll("#cuts [data-moved], #cuts [data-reset]")) {
      each.hidden = false;
    }
  };

  // htmx marks the line while a request for new lists is on its way; they are stale as long.
  const followWork = () => {
    const line = document.getElementById("computing");
    if (!line) return;
    new MutationObserver(() => {
      const busy = line.classList.contains("htmx-request");
      document.getElementById("answer").setAttribute("aria-busy", String(busy));
    }).observe(line, { attributes: true, attributeFilter: ["class"] });
  };

  document.addEventListener("input", (event) => {
    // Letters that are on their way to Chinese characters are no words to look for.
    if (event.isComposing) event.stopPropagation();
    if (event.target.matches("#cuts [data-in-force]")) keepOrder(event.target);
  }, { capture: true });
  document.addEventListener("compositionend", (event) => {
    event.target.dispatchEvent(new Event("input", { bubbles: true }));
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-reset]")) {
      for (const each of cuts()) {
        each.value = each.dataset.inForce;
        tell(each);
      }
      cuts()[0].dispatchEvent(new Event("input", { bubbles: true }));
    }
    // The draft goes along into the other language.
    const language = event.target.closest("#language");
    const draft = document.getElementById("draft");
    if (language && draft) {
      event.preventDefault();
      draft.action = language.href;
      draft.submit();
    }
  });

  const trouble = () => document.getElementById("trouble");

  const complain = (name) => {
    trouble().textContent = trouble().dataset[name];
    trouble().hidden = false;
  };

  const NAMES = { 413: "large", 429: "often", 503: "busy", 504: "busy" };

  document.addEventListener("htmx:beforeRequest", () => {
    trouble().hidden = true;
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    const isPart = (xhr.getResponseHeader("Content-Type") || "").startsWith("text/html");
    if (xhr.status < 400 || isPart) return;
    // An answer for programs, or of a proxy: not to be put into the page.
    event.detail.shouldSwap = false;
    complain(NAMES[xhr.status] || "other");
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, () => complain("offline"));
  }

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.requestConfig?.elt !== document.getElementById("draft")) return;
    const answer = document.getElementById("answer");
    answer.querySelector("#near-title, .problem")?.focus({ preventScroll: true });
    const { top } = answer.getBoundingClientRect();
    if (top < 0 || top > window.innerHeight / 2) answer.scrollIntoView();
  });

  makeSliders();
  followWork();
})();
