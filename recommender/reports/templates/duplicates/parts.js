// Parts that several views show: badges, an article's lines, the controls of a mark.

function badge(verdict) {
  return make("span", { class: `badge ${verdict}`, text: say(`verdict_${verdict}`) });
}

function score(parts) {
  return make("span", { class: "number", title: say("similarity"), text: similar(parts) });
}

// Only addresses of the web are links; the report checked it, and so does the page.
function linked(card, text, options = {}) {
  const shown = { dir: "auto", lang: card.language, ...options };
  if (!/^https?:\/\//i.test(card.link || "")) return make("span", { ...shown, text });
  return make("a", { ...shown, href: card.link, target: "_blank", rel: "noopener noreferrer nofollow", text });
}

function articleTitle(card) {
  return linked(card, titleOf(card), { class: "headline" });
}

function dateline(card) {
  const items = [
    card.date && make("time", { datetime: card.date.replace(" ", "T"), text: card.date }),
    ...["source", "category", "site"].map((name) => card[name] && make("bdi", { text: card[name] })),
    make("bdi", { class: "id", text: card.id }),
    card.access && make("span", { text: say(`access_${card.access}`) }),
    card.address && make("bdi", { class: "id", text: card.address }),
  ].filter(Boolean);
  const line = make("p", { class: "dateline" });
  items.forEach((item, place) => line.append(...(place ? [" · ", item] : [item])));
  return line;
}

function relationText(relation, isPair) {
  const name = `${isPair ? "pair" : "member"}_relation_${relation}`;
  return has(name) ? say(name) : "";
}

// The evidence of a pair in a few words.
function evidenceText(evidence) {
  const told = [];
  if (evidence.same_text) told.push(say("same_text"));
  else if (evidence.containment >= 0.05) told.push(say("containment", { share: percent(evidence.containment) }));
  if (evidence.same_title) told.push(say("same_title"));
  else if (evidence.title_overlap !== undefined) told.push(say("titles", { share: percent(evidence.title_overlap) }));
  if (evidence.fact_overlap !== undefined) told.push(say("facts_common", { share: percent(evidence.fact_overlap) }));
  if (evidence.days_apart !== undefined) told.push(apart(evidence.days_apart));
  if (evidence.other_language) told.push(say("other_languages"));
  return told.join(" · ");
}

function apart(days) {
  if (days < 1 / 24) return say("same_time");
  if (days < 2) return count("hours_apart", Math.round(days * 24));
  return count("days_apart", Math.round(days));
}

// Three buttons, of which one may be pressed. `key` finds the focus again after a change; `stands`
// is what was decided before, and shown as long as nothing else is marked.
function markButtons(chosen, choose, { key, label, stands }) {
  const buttons = DECISIONS.map((decision) => {
    const decided = !chosen && stands === decision;
    return button(say(`mark_${decision}`), () => choose(decision), {
      class: `mark ${decision}${decided ? " decided" : ""}`,
      "aria-pressed": String(chosen === decision),
      title: [decided && say(`settled_${decision}`), say(`mark_${decision}_note`)].filter(Boolean).join(" · "),
      "data-key": `${key}-${decision}`,
    });
  });
  return make("div", { class: "marks", role: "group", "aria-label": label }, buttons);
}

// Why there are no texts to compare; empty where there are.
function leftOut() {
  if (report.bodies) return "";
  return say(report.lexical ? "about_lexical" : "about_bodies");
}

function settledNote(settled) {
  const name = `settled_${settled}`;
  return make("span", { class: "stands", text: has(name) ? say(name) : say("settled_decided") });
}

// A list that grows as it is scrolled: the first part is there at once, however long it is.
const STEP = 20;
function growing(list, items, build) {
  let shown = 0;
  const end = make("div", { class: "sentinel" });
  const more = () => {
    const part = document.createDocumentFragment();
    for (const item of items.slice(shown, shown + STEP)) part.append(build(item));
    shown = Math.min(shown + STEP, items.length);
    end.before(part);
    if (shown >= items.length) observer.disconnect();
  };
  const observer = new IntersectionObserver((entries) => {
    if (entries.some((each) => each.isIntersecting)) more();
  }, { rootMargin: "800px" });
  list.replaceChildren(end);
  more();
  if (shown < items.length) observer.observe(end);
  return { all() { while (shown < items.length) more(); }, stop() { observer.disconnect(); } };
}

// The same element built anew, with the focus where it was.
function rebuilt(old, fresh) {
  const key = old.contains(document.activeElement) ? document.activeElement.dataset.key : "";
  old.replaceWith(fresh);
  if (!key) return;
  const again = [...fresh.querySelectorAll("[data-key]")].find((each) => each.dataset.key === key);
  (again || fresh.querySelector("button"))?.focus({ preventScroll: true });
}
