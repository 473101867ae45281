// Doubtful pairs with why they are doubtful, and families of one template.

const REASONS = ["bridge", "below", "heading", "language"];
const allPairs = { text: "", reason: "", status: "", least: 0 };
const wantedPairs = { ...allPairs };
let wantedFamilies = "";
let listedPairs = [];
let pairList = null;
let familyList = null;

function maybe() {
  const act = (name) => (value) => {
    wantedPairs[name] = value;
    refreshPairs();
  };
  byId("panel-maybe").replaceChildren(
    make("p", { class: "lead intro", text: say("maybe_intro") }),
    make("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
      searchField("search-maybe", wantedPairs.text, act("text")),
      choice("reason", anyOf(REASONS, "reason"), wantedPairs.reason, act("reason")),
      choice("pair_status", anyOf(["open", "marked", "settled"], "status"), wantedPairs.status, act("status")),
      leastField("least-maybe", wantedPairs.least, act("least"))),
    make("p", { class: "found", id: "found-pairs", role: "status", "aria-live": "polite" }),
    make("div", { class: "list", id: "pair-list" }));
  refreshPairs();
}

function refreshPairs() {
  const terms = termsOf(wantedPairs.text);
  listedPairs = [];
  report.maybe.forEach((pair, number) => {
    const fits = (!wantedPairs.reason || pair.reason === wantedPairs.reason)
      && (!wantedPairs.status || pairStatus(number) === wantedPairs.status)
      && reaches(pair.similarity, wantedPairs.least)
      && hasTerms("maybe", number, terms);
    if (fits) listedPairs.push(number);
  });
  pairList?.stop();
  pairList = growing(byId("pair-list"), listedPairs, pairCard);
  const found = byId("found-pairs");
  found.textContent = count("found_pairs", listedPairs.length, { all: report.maybe.length });
  if (!listedPairs.length && report.maybe.length) found.append(" ", button(say("no_filters"), everyPair, { class: "quiet" }));
}

function everyPair() {
  Object.assign(wantedPairs, allPairs);
  maybe();
}

function pairCard(number) {
  const pair = report.maybe[number];
  const state = pairState(number);
  const status = pairStatus(number);
  const sides = [pair.first, pair.second].map((each) => report.cards[each]);
  const side = (card, place) => make("li", { class: state.kept === place ? "side chosen" : "side" },
    make("p", {}, articleTitle(card)), dateline(card),
    button(say(state.kept === place ? "would_keep" : "keep_instead"), () => keepOfPair(number, place), {
      class: "link", "aria-pressed": String(state.kept === place), "data-key": `side-${place}`,
      "aria-label": say("keep_instead_label", { title: titleOf(card) }) }));
  const name = say("pair_label", { first: titleOf(sides[0]), second: titleOf(sides[1]) });
  return make("article", { class: `group pair ${status}`, id: `pair-${number}`, "aria-label": name },
    make("header", {},
      make("p", { class: "facts" }, badge(pair.verdict), " · ", score(pair.similarity), " · ",
        make("span", { text: say(`reason_${pair.reason}`), title: say(`reason_${pair.reason}_note`) }),
        status !== "open" && [" · ", pair.settled && status === "settled" ? settledNote(pair.settled) : make("span", { class: `status ${status}`, text: say(`status_${status}`) })]),
      make("div", { class: "both" },
        button(say("compare"), () => comparePair(number), { class: "link", "data-key": "compare", "aria-label": say("compare_pair_label", { first: titleOf(sides[0]), second: titleOf(sides[1]) }) }),
        markButtons(state.decision, (decision) => markPair(number, decision), { key: "pair", label: say("mark_pair_label"), stands: pair.settled }))),
    make("ul", { class: "sides" }, sides.map(side)),
    make("p", { class: "evidence", text: [relationText(pair.relation, true), evidenceText(pair.evidence)].filter(Boolean).join(" · ") }),
    state.note && make("p", { class: "note", dir: "auto", text: state.note }));
}

function redrawPair(number) {
  const old = byId(`pair-${number}`);
  if (old) rebuilt(old, pairCard(number));
}

function comparePair(number) {
  const pair = report.maybe[number];
  go({ compare: [report.cards[pair.first].id, report.cards[pair.second].id] });
}

function templates() {
  byId("panel-templates").replaceChildren(make("p", { class: "lead intro", text: say("templates_intro") }),
    make("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
      searchField("search-templates", wantedFamilies, (text) => {
        wantedFamilies = text;
        refreshFamilies();
      })),
    make("p", { class: "found", id: "found-templates", role: "status", "aria-live": "polite" }),
    make("div", { class: "list", id: "family-list" }));
  refreshFamilies();
}

function refreshFamilies() {
  const terms = termsOf(wantedFamilies);
  const fit = report.templates.filter((family, number) => hasTerms("templates", number, terms));
  familyList?.stop();
  familyList = growing(byId("family-list"), fit, familyCard);
  byId("found-templates").textContent = count("found_templates", fit.length, { all: report.templates.length });
}

// The members of a family are listed when it is opened.
function familyCard(family) {
  const example = report.cards[family.example];
  const members = make("ul", { class: "members plain" });
  const fill = () => {
    if (members.childElementCount) return;
    members.append(...family.members.map(([article, similarity]) => make("li", { class: "member" },
      make("div", { class: "measure" }, score(similarity)),
      make("div", { class: "what" }, make("p", {}, articleTitle(report.cards[article])), dateline(report.cards[article])))));
  };
  return make("article", { class: "group family", "aria-label": titleOf(example) },
    make("p", { class: "facts" }, make("span", { text: count("family_size", family.members.length + 1) })),
    make("h3", {}, articleTitle(example)), dateline(example),
    make("details", { ontoggle: fill }, make("summary", { text: count("family_members", family.members.length) }), members));
}
