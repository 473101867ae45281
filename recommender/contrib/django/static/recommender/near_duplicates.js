/* Sends the form of an editor's page to the check, as it stands, and shows what comes back.
   Before the draft is published it checks by itself: where it finds an article that the editor has
   not been shown, the click stops and shows it, and the next one goes on. When the check fails,
   nothing is stopped. */
(() => {
  "use strict";

  const PATIENCE = 20000;

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
        // The template has escaped what it shows; scripts in it would not run.
        this.result.innerHTML = found.html;
        ids = found.ids;
      } catch {
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
      if (await this.look()) {
        const again = document.createElement("p");
        again.className = "near-duplicates-again";
        again.textContent = this.element.dataset.again;
        this.result.prepend(again);
        this.result.focus({ preventScroll: true });
        this.element.scrollIntoView({ block: "center" });
      } else {
        this.passing = true;
        button.click();
        this.passing = false;
      }
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
