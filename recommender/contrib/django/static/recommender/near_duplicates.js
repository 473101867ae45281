/* Sends the form of an editor's page to the check, as it stands, and shows what comes back.
   Before the draft is published it checks by itself: where it finds an article that the editor has
   not been shown, the click stops and shows it, and the next one goes on. When the check fails, or
   what it found cannot be brought into view, nothing is stopped. */
(() => {
  "use strict";

  const PATIENCE = 20000;
  // What takes longer than this says why; in milliseconds, as all of these.
  const SLOW = 5000;
  // A click on "Publish" that has shown nothing for so long looks as if it was lost.
  const SILENT = 1000;
  // Tabs change with a transition.
  const OPENING = 2000;

  const isVisible = (element) =>
    element.checkVisibility ? element.checkVisibility() : element.getClientRects().length > 0;

  const soon = () => new Promise((done) => setTimeout(done, 30));

  /* Opens the tab, the panel or the details that hide an element, by their own buttons, the
     outermost first; and says whether it is to be seen then. */
  const uncover = async (element) => {
    const around = [];
    for (let each = element.parentElement; each; each = each.parentElement) around.unshift(each);
    for (const each of around) {
      if (each.tagName === "DETAILS") each.open = true;
      if (each.getAttribute("role") === "tabpanel" && !isVisible(each)) {
        const tab = each.id && `[role="tab"][aria-controls="${CSS.escape(each.id)}"]`;
        const label = each.getAttribute("aria-labelledby");
        ((tab && document.querySelector(tab)) || document.getElementById(label))?.click();
      } else if (each.id) {
        const closed = `[aria-controls="${CSS.escape(each.id)}"][aria-expanded="false"]`;
        if (each.hidden) document.querySelector(closed)?.click();
      }
    }
    const until = Date.now() + OPENING;
    while (!isVisible(element) && Date.now() < until) await soon();
    return isVisible(element);
  };

  /* Into view, and kept there while an editor that has opened a tab still moves things about. */
  const reveal = (element) => {
    let left = 20;
    const leave = () => (left = 0);
    for (const kind of ["wheel", "touchmove", "keydown"]) {
      document.addEventListener(kind, leave, { once: true, passive: true });
    }
    const look = () => {
      const { top, bottom } = element.getBoundingClientRect();
      if (bottom < 0 || top > window.innerHeight) {
        element.scrollIntoView({ block: "center", behavior: "instant" });
      }
      if (left-- > 0) setTimeout(look, 100);
    };
    element.scrollIntoView({ block: "nearest", behavior: "instant" });
    look();
  };

  class Box {
    constructor(element) {
      this.element = element;
      this.form = element.closest("form");
      this.result = element.querySelector("[data-near-duplicates-result]");
      this.button = element.querySelector("[data-near-duplicates-check]");
      this.passing = false;
      this.shown = new Set();
      this.button.addEventListener("click", async () => {
        await this.look();
        this.result.scrollIntoView({ block: "nearest" });
      });
      if (element.dataset.guard) {
        // Before any other listener of the page hears of the click.
        document.addEventListener("click", (event) => this.stop(event), true);
      }
    }

    values() {
      const values = new FormData(this.form);
      for (const [name, value] of [...values]) {
        if (value instanceof File) values.delete(name);
      }
      return values;
    }

    /* Ids of the articles that tell the same; they are shown, and the editor knows of them. */
    async check() {
      this.element.setAttribute("aria-busy", "true");
      this.say(this.element.dataset.checking);
      const slow = setTimeout(() => this.say(this.element.dataset.slow), SLOW);
      let ids = [];
      try {
        const answer = await fetch(this.element.dataset.url, {
          method: "POST",
          body: this.values(),
          headers: { "X-Requested-With": "XMLHttpRequest", Accept: "application/json" },
          credentials: "same-origin",
          signal: AbortSignal.timeout(PATIENCE),
        });
        const found = await answer.json();
        if (!answer.ok || typeof found.html !== "string") throw new Error(String(answer.status));
        clearTimeout(slow);
        // The template has escaped what it shows; scripts in it would not run.
        this.result.innerHTML = found.html;
        ids = found.ids;
      } catch {
        clearTimeout(slow);
        this.say(this.element.dataset.failed);
      }
      this.element.removeAttribute("aria-busy");
      return ids;
    }

    /* Whether the check finds anything that the editor has not been shown. */
    async look() {
      const fresh = (await this.check()).filter((id) => !this.shown.has(id));
      fresh.forEach((id) => this.shown.add(id));
      return fresh.length > 0;
    }

    async stop(event) {
      const button = event.target.closest?.(this.element.dataset.guard);
      if (!button || button.form !== this.form || this.passing) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (this.element.getAttribute("aria-busy")) return;
      const silent = setTimeout(() => this.show(), SILENT);
      const found = await this.look();
      clearTimeout(silent);
      if (found && (await this.show())) {
        const again = document.createElement("p");
        again.className = "near-duplicates-again";
        again.textContent = this.element.dataset.again;
        this.result.prepend(again);
        this.result.focus({ preventScroll: true });
        reveal(this.result);
      } else {
        this.passing = true;
        button.click();
        this.passing = false;
      }
    }

    /* Brings the box into view, wherever in the form it is; whether that could be done. */
    async show() {
      const visible = await uncover(this.result);
      this.element.scrollIntoView({ block: "center" });
      return visible;
    }

    say(text) {
      const line = document.createElement("p");
      line.textContent = text;
      this.result.replaceChildren(line);
    }
  }

  const start = () => {
    for (const element of document.querySelectorAll("[data-near-duplicates]")) {
      if (element.closest("form")) new Box(element);
    }
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
