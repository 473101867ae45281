// What the editor marked: by group the article to keep and a mark on every other one, by doubtful
// pair one mark. A mark is { decision, at, note } and, on a member, `against`: the article it was
// compared with when it was marked. A group also has marks `between` two of its articles neither
// of which is kept. `earlier` are decisions, by ids, on pairs that this report does not have.

const DECISIONS = ["merge", "keep", "distinct"];
const MOST_BETWEEN = 40;
const marks = { groups: new Map(), pairs: new Map(), earlier: new Map(), by: "", exported: true, past: [] };
const watchers = [];

function groupState(number) {
  return marks.groups.get(number) || { kept: report.groups[number].kept, marks: new Map(), between: new Map() };
}

function pairState(number) {
  return marks.pairs.get(number) || { decision: "", note: "", at: "", kept: report.maybe[number].keep };
}

// All articles of a group that are not the one to keep, by their numbers.
function othersOf(number) {
  const group = report.groups[number];
  const kept = groupState(number).kept;
  return [group.kept, ...group.members.map((each) => each.article)].filter((each) => each !== kept);
}

function settledIn(number, article) {
  const group = report.groups[number];
  if (groupState(number).kept !== group.kept) return "";
  return group.members.find((each) => each.article === article)?.settled || "";
}

function markOf(number, article) {
  return groupState(number).marks.get(article)?.decision || "";
}

function statusOf(number) {
  const others = othersOf(number);
  const marked = others.filter((each) => markOf(number, each));
  const done = others.filter((each) => markOf(number, each) || settledIn(number, each));
  if (done.length < others.length) return marked.length ? "begun" : "open";
  return marked.length ? "marked" : "settled";
}

function pairStatus(number) {
  if (pairState(number).decision) return "marked";
  return report.maybe[number].settled ? "settled" : "open";
}

// Changes: every one is one step that can be undone.
function change(kind, number, changed) {
  const map = kind === "group" ? marks.groups : marks.pairs;
  marks.past.push({ kind, number, before: map.get(number) });
  if (marks.past.length > 500) marks.past.shift();
  map.set(number, changed);
  marks.exported = false;
  told(kind, number);
}

function told(kind, number) {
  save();
  for (const watcher of watchers) watcher(kind, number);
}

function undo() {
  const step = marks.past.pop();
  if (!step) return;
  const map = step.kind === "group" ? marks.groups : marks.pairs;
  if (step.before) map.set(step.number, step.before);
  else map.delete(step.number);
  marks.exported = false;
  told(step.kind, step.number);
  notify(say("undone"));
}

function copied(state) {
  return { kept: state.kept, marks: new Map(state.marks), between: new Map(state.between) };
}

// Two articles in one key, in either order the same; ids are kept apart by what no id has.
function pairKey(one, other) {
  return one < other ? `${one}\n${other}` : `${other}\n${one}`;
}

// What is no duplicate of the one to keep may be one of another: marks between them go with theirs.
function set(state, article, decision) {
  if (decision !== "distinct") {
    for (const [key, each] of state.between) if (each.articles.includes(article)) state.between.delete(key);
  }
  const note = state.marks.get(article)?.note || "";
  if (!decision && !note) state.marks.delete(article);
  else state.marks.set(article, { decision, note, at: new Date().toISOString(), against: state.kept });
}

// The same mark twice takes it back.
function markMember(number, article, decision) {
  const state = copied(groupState(number));
  set(state, article, markOf(number, article) === decision ? "" : decision);
  change("group", number, state);
}

function markGroup(number, decision) {
  const state = copied(groupState(number));
  for (const article of othersOf(number)) {
    if (!decision || !settledIn(number, article)) set(state, article, decision);
  }
  if (decision === "distinct") tellAllApart(number, state);
  change("group", number, state);
}

// Of every two articles: what is told of the kept one alone would come back as a group without it.
function tellAllApart(number, state) {
  const others = othersOf(number);
  if (others.length >= MOST_BETWEEN) return;
  const at = new Date().toISOString();
  others.forEach((one, place) => {
    for (const other of others.slice(place + 1)) {
      if (settledIn(number, one) && settledIn(number, other)) continue;
      state.between.set(pairKey(one, other), { articles: [one, other], decision: "distinct", note: "", at });
    }
  });
}

// What is merged is merged with the new article; what was told apart stays told of the old one.
function keepInstead(number, article) {
  const state = copied(groupState(number));
  const former = state.kept;
  const own = state.marks.get(article);
  state.marks.delete(article);
  state.kept = article;
  if (own) {
    const other = own.decision === "merge" ? former : own.against;
    if (!state.marks.has(other)) state.marks.set(other, { ...own, against: article });
  }
  change("group", number, state);
}

function noteMember(number, article, note) {
  const state = copied(groupState(number));
  const mark = state.marks.get(article) || { decision: "", at: "", against: state.kept };
  state.marks.set(article, { ...mark, note });
  change("group", number, state);
}

function markPair(number, decision) {
  const state = pairState(number);
  const same = state.decision === decision;
  change("pair", number, { ...state, decision: same ? "" : decision, at: new Date().toISOString() });
}

function keepOfPair(number, side) {
  change("pair", number, { ...pairState(number), kept: side });
}

function notePair(number, note) {
  change("pair", number, { ...pairState(number), note });
}

function progress() {
  let groups = 0;
  let settled = 0;
  for (let number = 0; number < report.groups.length; number += 1) {
    const status = statusOf(number);
    groups += status === "marked";
    settled += status === "settled";
  }
  return { groups, settled, all: report.groups.length, decisions: decisions().length };
}
