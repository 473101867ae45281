// Two articles side by side, in a dialog: what they share, what was changed, what contradicts.

const view = { current: null, ticket: 0, pushed: false };

// What a link names → where it is; null for articles that are no pair of this report.
function findPair(firstId, secondId) {
  const { articles, groups, pairs } = placed();
  const first = articles.get(firstId);
  const second = articles.get(secondId);
  const number = groups.get(first);
  if (number !== undefined && report.groups[number].kept === first) {
    const place = report.groups[number].members.findIndex((each) => each.article === second);
    if (place >= 0) return { kind: "group", number, place };
  }
  const pair = pairs.get(pairKey(first, second));
  return pair === undefined ? null : { kind: "pair", number: pair, place: 0 };
}

function detailsOf({ kind, number, place }) {
  if (kind === "pair") return report.maybe[number];
  const group = report.groups[number];
  return { ...group.members[place], first: group.kept, second: group.members[place].article };
}

// The next or the last one in the order of the list, from group to group.
function neighbour({ kind, number, place }, step) {
  if (kind === "pair") {
    const at = listedPairs.indexOf(number);
    const other = at < 0 ? undefined : listedPairs[at + step];
    return other === undefined ? null : { kind, number: other, place: 0 };
  }
  if (report.groups[number].members[place + step]) return { kind, number, place: place + step };
  const at = listed.indexOf(number);
  const other = at < 0 ? undefined : listed[at + step];
  if (other === undefined) return null;
  return { kind, number: other, place: step > 0 ? 0 : report.groups[other].members.length - 1 };
}

function goTo(target) {
  if (!target) return;
  const { first, second } = detailsOf(target);
  go({ compare: [report.cards[first].id, report.cards[second].id] }, Boolean(view.current));
}

async function openComparison(firstId, secondId) {
  const target = findPair(firstId, secondId);
  if (!target) {
    notify(say("no_pair"));
    return;
  }
  if (!listed.length) listed = matching();
  if (!listedPairs.length) listedPairs = report.maybe.map((pair, number) => number);
  view.current = target;
  view.ticket += 1;
  const { ticket } = view;
  const dialog = byId("compare");
  const details = detailsOf(target);
  const [comparison, first, second] = await Promise.all([
    comparisonOf(details.pair), textOf(details.first), textOf(details.second)]);
  if (ticket !== view.ticket) return;
  dialog.replaceChildren(...compareParts(target, details, comparison, [first, second]));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  byId("compare-title").focus({ preventScroll: true });
}

function closeComparison() {
  const left = view.current;
  view.current = null;
  view.ticket += 1;
  if (!byId("compare").open) return;
  byId("compare").close();
  if (left) backToCard(left);
}

// The card may have been built anew since, so that the browser no longer knows where focus was.
function backToCard({ kind, number, place }) {
  const card = byId(kind === "pair" ? `pair-${number}` : `card-${number}`);
  if (!card) return;
  const details = detailsOf({ kind, number, place });
  const keys = kind === "pair" ? ["compare"] : [details.second, details.first].map((each) => `member-${each}-compare`);
  const buttons = [...card.querySelectorAll("[data-key]")];
  const again = keys.map((key) => buttons.find((each) => each.dataset.key === key)).find(Boolean);
  (again || card.querySelector('[data-key$="compare"]'))?.focus();
}

function compareParts(target, details, comparison, texts) {
  const fits = comparison?.lengths && texts.every((text, side) => text !== null && text.length === comparison.lengths[side]);
  const differing = comparison?.facts?.differing || [];
  return [
    compareBar(target),
    make("div", { class: "compare-body" },
      verdictBox(target, details),
      differing.length > 0 && contradictions(differing),
      ...(texts.some((text) => text !== null) || fits ? [legend(comparison, fits)] : []),
      columns(target, details, comparison, texts, fits),
      comparison ? evidenceBox(comparison, details) : make("p", { class: "lead", text: say("no_comparison") })),
  ];
}

function compareBar(target) {
  const step = (by, name, key) => button(say(name), () => goTo(neighbour(target, by)), {
    class: "quiet", disabled: !neighbour(target, by), "aria-keyshortcuts": key, title: `${say(name)} (${key})` });
  const of = target.kind === "pair"
    ? say("position", { place: listedPairs.indexOf(target.number) + 1, all: listedPairs.length })
    : say("position", { place: target.place + 1, all: report.groups[target.number].members.length });
  return make("header", { class: "compare-bar" },
    button(say("back"), leaveComparison, { class: "quiet" }),
    make("h2", { id: "compare-title", tabindex: -1, text: say("side_by_side") }),
    make("span", { class: "position", text: of }),
    make("span", { class: "steps" }, step(-1, "previous", "P"), step(1, "next", "N")));
}

function verdictBox(target, details) {
  return make("section", { class: `verdict-box ${details.verdict}` },
    make("p", { class: "big", text: similar(details.similarity) }),
    make("div", { class: "said" },
      make("p", {}, badge(details.verdict), " ", make("span", { text: relationText(details.relation, target.kind === "pair") })),
      make("p", { class: "evidence", text: evidenceText(details.evidence) }),
      target.kind === "pair" && make("p", { class: "evidence", text: say(`reason_${details.reason}`), title: say(`reason_${details.reason}_note`) }),
      details.settled && make("p", {}, settledNote(details.settled))),
    make("div", { id: "compare-acts" }, compareActs(target, details)));
}

function compareActs(target, details) {
  const { kind, number } = target;
  // While the editor keeps the second instead, the first is the one that is marked.
  const marked = kind === "group" && groupState(number).kept === details.second ? details.first : details.second;
  const chosen = kind === "pair" ? pairState(number).decision : markOf(number, marked);
  const note = (kind === "pair" ? pairState(number).note : groupState(number).marks.get(marked)?.note) || "";
  const choose = (decision) => (kind === "pair" ? markPair(number, decision) : markMember(number, marked, decision));
  const write = (event) => (kind === "pair" ? notePair(number, event.target.value) : noteMember(number, marked, event.target.value));
  view.choose = choose;
  return [
    markButtons(chosen, choose, { key: "compare", label: say("mark_label", { title: titleOf(report.cards[marked]) }), stands: details.settled }),
    make("p", { class: "field" }, make("label", { for: "pair-note", text: say("note") }),
      make("input", { id: "pair-note", type: "text", maxlength: 2000, value: note, onchange: write, "data-key": "note" })),
  ];
}

function redrawActs() {
  if (!view.current) return;
  const box = byId("compare-acts");
  const fresh = make("div", { id: "compare-acts" }, compareActs(view.current, detailsOf(view.current)));
  rebuilt(box, fresh);
}

// In a group the first is the one to keep.
function sideName({ kind }, side) {
  const name = say(side ? "second" : "first");
  return kind === "group" && !side ? `${name} · ${say("kept")}` : name;
}

function contradictions(differing) {
  return make("section", { class: "contradictions", "aria-labelledby": "differing-title" },
    make("h3", { id: "differing-title", text: count("facts_differ", differing.length) }),
    make("p", { text: say("facts_differ_note") }),
    make("ul", {}, differing.map(([ours, theirs]) => make("li", {},
      make("bdi", { text: ours }), make("span", { class: "unequal", text: " ≠ " }), make("bdi", { text: theirs })))));
}

function legend(comparison, fits) {
  if (!fits) return make("p", { class: "lead", text: say(comparison ? "marks_do_not_fit" : "no_marks") });
  const shares = [0, 1].map((side) => {
    let covered = 0;
    for (let at = 2 * side; at < comparison.passages.length; at += 4) covered += comparison.passages[at + 1] - comparison.passages[at];
    return percent(comparison.lengths[side] ? covered / comparison.lengths[side] : 0);
  });
  const passages = comparison.passages.length / 4;
  const items = [
    [passages, "shared", "Aa", "legend_shared"],
    [comparison.edits.length, "edited", "Aa", "legend_edited"],
    [comparison.only.flat().length, "only", "Aa", "legend_only"],
    [comparison.differing_at.flat().length, "fact", "12", "legend_fact"]];
  return make("div", { class: "legend" },
    make("p", { text: passages ? count("passages", passages, { first: shares[0], second: shares[1] }) : say("no_passages") }),
    make("ul", {}, items.filter(([any]) => any).map(([any, kind, sample, name]) =>
      make("li", {}, make("span", { class: kind, text: sample }), ` ${say(name)}`))));
}

function columns(target, details, comparison, texts, fits) {
  return make("div", { class: "columns" }, [details.first, details.second].map((article, side) => {
    const card = report.cards[article];
    const column = make("article", { class: "column", lang: card.language },
      make("header", {}, make("p", { class: "tag", text: sideName(target, side) }), make("h3", {}, articleTitle(card)), dateline(card)));
    const body = make("div", { class: "text", tabindex: 0, role: "region", "aria-label": titleOf(card), "data-side": side });
    if (texts[side] === null) body.append(make("p", { class: "lead", text: report.bodies ? say("no_text") : say(report.lexical ? "about_lexical" : "text_left_out") }));
    else body.append(...paragraphs(texts[side], fits ? spansOf(comparison, side) : null, side));
    column.append(body);
    return column;
  }));
}

function spansOf(comparison, side) {
  const four = (flat) => {
    const found = [];
    for (let at = 0; at < flat.length; at += 4) found.push([flat[at + 2 * side], flat[at + 2 * side + 1], at / 4 + 1]);
    return found.sort((one, other) => one[0] - other[0]);
  };
  const two = (flat) => {
    const found = [];
    for (let at = 0; at < flat.length; at += 2) found.push([flat[at], flat[at + 1]]);
    return found;
  };
  return { passages: four(comparison.passages), edited: four(comparison.edits), only: two(comparison.only[side]), fact: two(comparison.differing_at[side]) };
}

// A text in paragraphs of pieces, each marked alike from its beginning to its end.
function paragraphs(text, spans, side) {
  const kinds = spans ? [spans.passages, spans.edited, spans.only, spans.fact] : [];
  const edges = [...new Set([0, text.length, ...kinds.flat().flatMap(([from, to]) => [from, to])])].filter((each) => each <= text.length).sort((one, other) => one - other);
  const inside = kinds.map((each) => {
    const ordered = [...each].sort((one, other) => one[0] - other[0]);
    let next = 0;
    let open = null;
    return (place) => {
      while (next < ordered.length && ordered[next][0] <= place) {
        if (!open || ordered[next][1] >= open[1]) open = ordered[next];
        next += 1;
      }
      return open && place < open[1] ? open : null;
    };
  });
  const seen = new Set();
  const found = [make("p", { dir: "auto" })];
  for (let at = 0; at + 1 < edges.length; at += 1) {
    const [passage, edited, only, fact] = inside.map((each) => each(edges[at]));
    text.slice(edges[at], edges[at + 1]).split("\n").forEach((line, number) => {
      if (number) found.push(make("p", { dir: "auto" }));
      if (line) found[found.length - 1].append(piece(line, { passage, edited, only, fact }, side, seen));
    });
  }
  return found.filter((each) => each.childNodes.length);
}

function piece(text, { passage, edited, only, fact }, side, seen) {
  const inner = fact ? make("strong", { class: "fact", text }) : document.createTextNode(text);
  if (passage) {
    const number = passage[2];
    const starts = !seen.has(number);
    seen.add(number);
    const show = (event) => showPartner(event.currentTarget, side, number);
    return make("span", { class: "shared", "data-passage": number, role: starts ? "button" : undefined, tabindex: starts ? 0 : undefined,
      title: say("show_partner"), onclick: show,
      onkeydown: (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); show(event); } } }, inner);
  }
  if (edited) return make("mark", { class: "edited" }, inner);
  if (only) return make("mark", { class: "only" }, inner);
  return inner;
}

// The other text is moved so that the same words stand at the same height.
function showPartner(from, side, number) {
  const dialog = byId("compare");
  const other = dialog.querySelector(`.text[data-side="${1 - side}"]`);
  const partner = other.querySelector(`[data-passage="${number}"]`);
  if (!partner) return;
  for (const each of dialog.querySelectorAll(".lit")) each.classList.remove("lit");
  for (const each of dialog.querySelectorAll(`[data-passage="${number}"]`)) each.classList.add("lit");
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const behavior = calm ? "auto" : "smooth";
  if (getComputedStyle(other).overflowY === "auto") {
    const level = from.getBoundingClientRect().top;
    other.scrollBy({ top: partner.getBoundingClientRect().top - level, behavior });
  } else {
    partner.scrollIntoView({ block: "center", behavior });
    partner.focus({ preventScroll: true });
  }
}

function evidenceBox(comparison, details) {
  const { waterfall, facts } = comparison;
  const steps = [["background", 0, waterfall.background]];
  let total = waterfall.background;
  for (const [part, value] of waterfall.parts) {
    if (Math.abs(value) >= 0.005) steps.push([`part_${part}`, total, total + value]);
    total += value;
  }
  steps.push(["together", 0, waterfall.log_odds]);
  const low = Math.min(...steps.flatMap(([, from, to]) => [from, to]));
  const wide = Math.max(...steps.flatMap(([, from, to]) => [from, to])) - low || 1;
  const place = (value) => `${(100 * (value - low) / wide).toFixed(2)}%`;
  const rows = steps.map(([name, from, to], at) => {
    const isSum = at === 0 || at === steps.length - 1;
    const kind = isSum ? "sum" : to > from ? "for" : "against";
    return make("tr", { class: isSum ? "total" : undefined },
      make("th", { scope: "row", text: say(name) }), make("td", { class: "value", text: signed(to - from) }),
      make("td", { class: "drawn" }, draw("svg", { width: "100%", height: 16, "aria-hidden": "true" },
        draw("rect", { class: kind, x: place(Math.min(from, to)), y: 2, height: 12, width: `${(100 * Math.abs(to - from) / wide).toFixed(2)}%` }),
        draw("line", { x1: place(0), x2: place(0), y1: 0, y2: 16 }))));
  });
  const ruled = waterfall.rule && say(details.similarity > waterfall.by_evidence * 10000 ? "rule_raised" : "rule_capped", {
    model: similar(Math.floor(waterfall.by_evidence * 10000)), similarity: similar(details.similarity), reason: say(`rule_${waterfall.rule}`) });
  return make("details", { class: "why" }, make("summary", { text: say("why") }),
    make("p", { class: "lead", text: say(`why_${waterfall.cut}`) }),
    make("table", { class: "waterfall" }, make("tbody", {}, rows)),
    ruled && make("p", { class: "remark", text: ruled }),
    facts && factLists(facts));
}

function factLists(facts) {
  const lists = [["facts_shared", facts.shared], ["facts_only_first", facts.first], ["facts_only_second", facts.second]];
  return make("div", { class: "fact-lists" }, lists.filter(([, each]) => each.length).map(([name, each]) =>
    make("div", {}, make("h4", { text: say(name) }), make("ul", { class: "chips" }, each.map((fact) => make("li", { dir: "auto", text: fact }))))));
}

function compareKeys(event) {
  if (!view.current || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
  const key = event.key.toLowerCase();
  const decision = { m: "merge", k: "keep", d: "distinct" }[key];
  if (decision) view.choose(decision);
  else if (key === "n" || key === "arrowright") goTo(neighbour(view.current, 1));
  else if (key === "p" || key === "arrowleft") goTo(neighbour(view.current, -1));
}
