// Doubtful pairs with why they are doubtful, and families of one template.

const REASONS = ["bridge", "below", "heading", "language"];
const wantedPairs = { reason: "", status: "" };
let listedPairs = [];
let pairList = null;
let familyList = null;

function maybe() {
  const act = (name) => (value) => {
    wantedPairs[name] = value;
    refreshPairs();
  };
  const options = (values, prefix) => [["", say("any")], ...values.map((each) => [each, say(`${prefix}_${each}`)])];
  byId("panel-maybe").replaceChildren(
    make("p", { class: "lead intro", text: say("maybe_intro") }),
    make("form", { class: "filters", onsubmit: (event) => event.preventDefault() },
      choice("reason", options(REASONS, "reason"), wantedPairs.reason, act("reason")),
      choice("pair_status", options(["open", "marked", "settled"], "status"), wantedPairs.status, act("status"))),
    make("p", { class: "found", id: "found-pairs" }),
    make("div", { class: "list", id: "pair-list" }));
  refreshPairs();
}

function refreshPairs() {
  listedPairs = [];
  report.maybe.forEach((pair, number) => {
    const fits = (!wantedPairs.reason || pair.reason === wantedPairs.reason)
      && (!wantedPairs.status || pairStatus(number) === wantedPairs.status);
    if (fits) listedPairs.push(number);
  });
  pairList?.stop();
  pairList = growing(byId("pair-list"), listedPairs, pairCard);
  byId("found-pairs").textContent = count("found_pairs", listedPairs.length, { all: report.maybe.length });
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
  return make("article", { class: `group pair ${status}`, id: `pair-${number}` },
    make("header", {},
      make("p", { class: "facts" }, badge(pair.verdict), " · ", score(pair.similarity), " · ",
        make("span", { text: say(`reason_${pair.reason}`), title: say(`reason_${pair.reason}_note`) }),
        status !== "open" && [" · ", pair.settled && status === "settled" ? settledNote(pair.settled) : make("span", { class: `status ${status}`, text: say(`status_${status}`) })]),
      make("div", { class: "both" },
        button(say("compare"), () => comparePair(number), { class: "link", "data-key": "compare" }),
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
  const panel = byId("panel-templates");
  const list = make("div", { class: "list" });
  panel.replaceChildren(make("p", { class: "lead intro", text: say("templates_intro") }),
    make("p", { class: "found", text: count("found_templates", report.templates.length) }), list);
  familyList?.stop();
  familyList = growing(list, report.templates, familyCard);
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
  return make("article", { class: "group family" },
    make("p", { class: "facts" }, make("span", { text: count("family_size", family.members.length + 1) })),
    make("h3", {}, articleTitle(example)), dateline(example),
    make("details", { ontoggle: fill }, make("summary", { text: count("family_members", family.members.length) }), members));
}
