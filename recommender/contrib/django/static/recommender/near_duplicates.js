/* Sends the form of an editor's page to the check, as it stands, and shows what comes back.
   Before the draft is published it checks by itself: where near-duplicates are found, the first
   click stops and shows them, the second one goes on. When the check fails, nothing is stopped. */
(() => {
  "use strict";

  const PATIENCE = 20000;
  /* What an editor's page changes by itself, as when it saves a draft in the background. */
  const BOOKKEEPING =
    /^(csrfmiddlewaretoken|next|comments-.*|.*revision.*|.*-(id|TOTAL_FORMS|INITIAL_FORMS|ORDER))$/;

  class Box {
    constructor(element) {
      this.element = element;
      this.form = element.closest("form");
      this.result = element.querySelector("[data-near-duplicates-result]");
      this.button = element.querySelector("[data-near-duplicates-check]");
      this.passing = false;
      this.warnedOf = null;
      this.button.addEventListener("click", () => this.check());
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

    /* What the form says, to see whether it is still what was warned of. */
    draft() {
      return JSON.stringify([...this.values()].filter(([name]) => !BOOKKEEPING.test(name)));
    }

    async check() {
      this.element.setAttribute("aria-busy", "true");
      this.say(this.element.dataset.checking);
      const draft = this.draft();
      let count = 0;
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
        count = found.count;
      } catch {
        this.say(this.element.dataset.failed);
      }
      this.element.removeAttribute("aria-busy");
      this.element.dataset.found = String(count);
      this.warnedOf = count ? draft : null;
      return count;
    }

    async stop(event) {
      const button = event.target.closest?.(this.element.dataset.guard);
      if (!button || button.form !== this.form || this.passing) return;
      if (this.warnedOf !== null && this.warnedOf === this.draft()) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (this.element.getAttribute("aria-busy")) return;
      if (await this.check()) {
        const again = document.createElement("p");
        again.className = "near-duplicates-again";
        again.textContent = this.element.dataset.again;
        this.result.append(again);
        this.reveal();
      } else {
        this.passing = true;
        button.click();
        this.passing = false;
      }
    }

    reveal() {
      this.element.scrollIntoView({ block: "center" });
      this.result.focus({ preventScroll: true });
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
