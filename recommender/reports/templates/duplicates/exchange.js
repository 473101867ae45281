// Decisions out of the page and into it again: the file that `recommender decide` reads, and what
// the browser keeps between two visits.

function decisions() {
  const found = [];
  const idOf = (article) => report.cards[article].id;
  const entry = (first, second, mark, kept) => ({
    first: idOf(first),
    second: idOf(second),
    decision: mark.decision,
    ...(mark.decision === "merge" ? { canonical: idOf(kept) } : {}),
    note: mark.note || "",
    by: marks.by,
    at: mark.at,
  });
  for (const number of [...marks.groups.keys()].sort((one, other) => one - other)) {
    const state = marks.groups.get(number);
    for (const article of othersOf(number)) {
      const mark = state.marks.get(article);
      if (!mark?.decision) continue;
      const other = mark.decision === "merge" ? state.kept : mark.against;
      found.push(entry(other, article, mark, state.kept));
    }
    for (const mark of state.between.values()) found.push(entry(...mark.articles, mark));
  }
  for (const number of [...marks.pairs.keys()].sort((one, other) => one - other)) {
    const { first, second } = report.maybe[number];
    const state = marks.pairs.get(number);
    if (state.decision) found.push(entry(first, second, state, state.kept ? second : first));
  }
  return [...found, ...marks.earlier.values()];
}

function exportDecisions() {
  const found = decisions();
  if (!found.length) return notify(say("nothing_marked"));
  const file = new Blob([JSON.stringify({ decisions: found }, null, 1)], { type: "application/json" });
  const link = make("a", { href: URL.createObjectURL(file), download: "decisions.json" });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  marks.exported = true;
  told("exported", -1);
  return notify(count("exported", found.length));
}

// Which groups and doubtful pairs two articles are in, by their ids.
let places = null;
function placed() {
  if (places) return places;
  places = { articles: new Map(), groups: new Map(), pairs: new Map(), settled: new Set() };
  for (const [first, second] of report.settled) places.settled.add(pairKey(first, second));
  report.cards.forEach((card, number) => places.articles.set(card.id, number));
  report.groups.forEach((group, number) => {
    for (const article of [group.kept, ...group.members.map((each) => each.article)]) {
      places.groups.set(article, number);
    }
  });
  report.maybe.forEach((pair, number) => places.pairs.set(pairKey(pair.first, pair.second), number));
  const done = (one, other) => places.settled.add(pairKey(report.cards[one].id, report.cards[other].id));
  for (const { kept, members } of report.groups) {
    for (const each of members) if (each.settled) done(kept, each.article);
  }
  for (const each of report.maybe) if (each.settled) done(each.first, each.second);
  return places;
}

function isEntry(entry) {
  const texts = ["first", "second", "decision"].every((name) => typeof entry?.[name] === "string");
  if (!texts || !DECISIONS.includes(entry.decision)) return false;
  const kept = entry.canonical ?? entry.first;
  return entry.decision !== "merge" || kept === entry.first || kept === entry.second;
}

// One entry into the marks; false if it is about no pair of this report.
function take(entry) {
  if (!isEntry(entry)) return false;
  const { articles, groups, pairs } = placed();
  const first = articles.get(entry.first);
  const second = articles.get(entry.second);
  if (first === undefined || second === undefined || first === second) return false;
  const text = (value) => (typeof value === "string" ? value.slice(0, 2000) : "");
  const mark = { decision: entry.decision, note: text(entry.note), at: text(entry.at) };
  if (groups.has(first) && groups.get(first) === groups.get(second)) {
    const number = groups.get(first);
    const state = copied(groupState(number));
    if (entry.decision === "merge") state.kept = articles.get(entry.canonical ?? entry.first);
    state.marks.delete(state.kept);
    takeInto(state, first, second, mark);
    marks.groups.set(number, state);
    return true;
  }
  const number = pairs.get(pairKey(first, second));
  if (number === undefined) return false;
  const side = articles.get(entry.canonical) === report.maybe[number].second ? 1 : 0;
  const kept = entry.decision === "merge" ? side : report.maybe[number].keep;
  marks.pairs.set(number, { ...mark, kept });
  return true;
}

// A mark stands on the article that is not kept; of two that are marked already, between them.
function takeInto(state, first, second, mark) {
  const isKept = first === state.kept || second === state.kept;
  if (!isKept && mark.decision === "distinct" && state.marks.has(first) && state.marks.has(second)) {
    state.between.set(pairKey(first, second), { ...mark, articles: [first, second] });
    return;
  }
  const other = second === state.kept || (!isKept && state.marks.has(second)) ? first : second;
  const against = other === first ? second : first;
  const former = state.marks.get(other);
  if (former?.decision === "distinct" && former.against !== against) {
    state.between.set(pairKey(other, former.against), { ...former, articles: [former.against, other] });
  }
  state.between.delete(pairKey(first, second));
  state.marks.set(other, { ...mark, against });
}

// Merged pairs come first: they say which article of a group is kept.
function takeAll(entries) {
  const ordered = [...entries].sort((one, other) => (other?.decision === "merge") - (one?.decision === "merge"));
  return ordered.filter(take).length;
}

async function importDecisions(file) {
  let entries;
  try {
    entries = JSON.parse(await file.text()).decisions;
  } catch {
    entries = null;
  }
  if (!Array.isArray(entries)) return notify(say("not_decisions"));
  const taken = takeAll(entries);
  marks.past.length = 0;
  const name = entries.find((each) => typeof each?.by === "string" && each.by)?.by;
  if (!marks.by && name) marks.by = name.slice(0, 200);
  told("all", -1);
  const left = entries.length - taken;
  return notify(count("imported", taken) + (left ? ` ${count("not_here", left)}` : ""));
}

// What the browser keeps, under the name of the source: the next report of it finds it. Where it keeps nothing for files on disk, the page works without.
function storageKey() {
  return `recommender-duplicates-${report.key}`;
}

function save() {
  const keeps = [...marks.groups].filter(([number, state]) => state.kept !== report.groups[number].kept);
  const found = decisions();
  const kept = {
    decisions: found,
    over: found.filter(isSettled).map((each) => pairKey(each.first, each.second)),
    keeps: keeps.map(([number, state]) => [report.cards[report.groups[number].kept].id, report.cards[state.kept].id]),
    by: marks.by,
    exported: marks.exported,
  };
  try {
    localStorage.setItem(storageKey(), JSON.stringify(kept));
  } catch {
    // Blocked or full: the export is what counts.
  }
}

function isSettled(entry) {
  return placed().settled.has(pairKey(entry.first, entry.second));
}

// Of what an earlier report left: what was decided meanwhile is done with, unless it was marked
// over a decision; what is about no pair of this report leaves with the next export.
function takeKept(entries, over, exported) {
  const again = new Set(exported ? [] : over);
  const open = entries.filter((entry) => isEntry(entry) && (!isSettled(entry) || again.has(pairKey(entry.first, entry.second))));
  takeAll(open);
  const held = new Set(decisions().map((each) => pairKey(each.first, each.second)));
  for (const entry of exported ? [] : open) {
    const key = pairKey(entry.first, entry.second);
    if (!held.has(key)) marks.earlier.set(key, entry);
  }
}

function restore() {
  try {
    const kept = JSON.parse(localStorage.getItem(storageKey()));
    if (!kept) return;
    marks.by = String(kept.by || "");
    takeKept(kept.decisions, kept.over, kept.exported);
    const { articles, groups } = placed();
    for (const [from, to] of kept.keeps) {
      const number = groups.get(articles.get(from));
      if (number !== undefined && groups.get(articles.get(to)) === number) {
        const state = copied(groupState(number));
        state.kept = articles.get(to);
        state.marks.delete(state.kept);
        marks.groups.set(number, state);
      }
    }
    marks.exported = Boolean(kept.exported) || !decisions().length;
  } catch {
    // As above, or what is kept is not ours.
  }
}
