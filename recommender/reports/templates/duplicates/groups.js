// The list of groups: filter, sort, search, and every group with its articles and marks.

const NONE = "\u0000";
const SHOWN_MEMBERS = 4;
const start = { verdict: "", status: "", category: "", month: "", language: "", source: "", least: 0, sort: "size", text: "", only: -1 };
const wanted = { ...start };
const opened = new Set();
let onPaper = false;
let listed = [];
let groupList = null;

const articlesOf = ARTICLES.groups;

function statusFits(status) {
  if (wanted.status === "open") return status === "open" || status === "begun";
  return status === wanted.status;
}

function matching() {
  const terms = termsOf(wanted.text);
  const fits = (group, number) => {
    if (wanted.only >= 0) return number === wanted.only;
    if (wanted.verdict && group.verdict !== wanted.verdict) return false;
    if (!reaches(group.weakest, wanted.least)) return false;
    if (wanted.status && !statusFits(statusOf(number))) return false;
    for (const name of ["category", "language", "source", "month"]) {
      if (wanted[name] && !articlesOf(group).some((each) => valueOf(report.cards[each], name) === wanted[name])) return false;
    }
    return hasTerms("groups", number, terms);
  };
  const found = [];
  report.groups.forEach((group, number) => { if (fits(group, number)) found.push(number); });
  return sorted(found);
}

function valueOf(card, name) {
  return (name === "month" ? monthOf(card) : card[name]) || NONE;
}

function sorted(numbers) {
  const { groups } = report;
  const strongest = (each) => groups[each].members[0].similarity;
  const newest = new Map();
  if (wanted.sort === "newest") {
    for (const each of numbers) newest.set(each, articlesOf(groups[each]).map((one) => report.cards[one].date || "").reduce((one, other) => (one > other ? one : other)));
  }
  const orders = {
    size: () => 0, // as the report has them
    similarity: (one, other) => strongest(other) - strongest(one),
    weakest: (one, other) => groups[one].weakest - groups[other].weakest,
    newest: (one, other) => (newest.get(one) < newest.get(other) ? 1 : newest.get(one) > newest.get(other) ? -1 : 0),
  };
  return numbers.sort((one, other) => orders[wanted.sort](one, other) || one - other);
}

function groups() {
  byId("panel-groups").replaceChildren(filters(), make("p", { class: "found", id: "found", role: "status", "aria-live": "polite" }), make("div", { class: "list", id: "group-list" }));
  refreshGroups();
}

function refreshGroups() {
  listed = matching();
  groupList?.stop();
  groupList = growing(byId("group-list"), listed, groupCard);
  const found = byId("found");
  found.textContent = wanted.only >= 0 ? "" : count("found_groups", listed.length, { all: report.groups.length });
  if (wanted.only >= 0) found.append(button(say("all_groups"), () => showGroups({}), { class: "quiet" }));
  else if (!listed.length) found.append(" ", button(say("no_filters"), () => showGroups({}), { class: "quiet" }));
}

let filterOptions = null;
function optionsOf(name) {
  if (!filterOptions) {
    filterOptions = {};
    for (const each of ["category", "month", "language", "source"]) filterOptions[each] = new Map();
    for (const group of report.groups) {
      for (const each of Object.keys(filterOptions)) {
        const values = new Set(articlesOf(group).map((one) => valueOf(report.cards[one], each)));
        for (const value of values) filterOptions[each].set(value, (filterOptions[each].get(value) || 0) + 1);
      }
    }
  }
  const byName = ([one], [other]) => (one < other ? -1 : 1);
  const values = [...filterOptions[name]].sort(name === "month" ? (one, other) => byName(other, one) : (one, other) => other[1] - one[1] || byName(one, other));
  const text = (value) => (value === NONE ? say("without") : name === "language" && has(`language_${value}`) ? say(`language_${value}`) : value);
  return [["", say("any")], ...values.map(([value, number]) => [value, `${text(value)} (${number.toLocaleString()})`])];
}

function filters() {
  const act = (name) => (value) => {
    wanted[name] = value;
    wanted.only = -1;
    refreshGroups();
  };
  const named = (name, values) => choice(name, anyOf(values, name).slice(name === "sort" ? 1 : 0), wanted[name], act(name));
  const isOpen = window.matchMedia("(min-width: 46rem)").matches;
  return make("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
    searchField("search", wanted.text, act("text")),
    named("sort", ["size", "similarity", "newest", "weakest"]),
    make("details", { open: isOpen, class: "more" },
      make("summary", { text: say("filters") }),
      make("div", { class: "fields" },
        named("verdict", VERDICTS),
        named("status", ["open", "marked", "settled"]),
        ...["category", "month", "language", "source"].map((name) => choice(name, optionsOf(name), wanted[name], act(name))),
        leastField("least", wanted.least, act("least")),
        button(say("no_filters"), () => showGroups({}), { class: "quiet" }))));
}

// From the summary or a link: the groups that fit, and nothing else filtered.
function showGroups(values) {
  Object.assign(wanted, start, { sort: wanted.sort }, values);
  groups();
  go({ tab: "groups" });
}

function openGroup(number) {
  opened.add(number);
  showGroups({ only: number });
}

function groupCard(number) {
  const group = report.groups[number];
  const state = groupState(number);
  const status = statusOf(number);
  const others = othersOf(number);
  const isOpen = onPaper || opened.has(number) || others.length <= SHOWN_MEMBERS + 1;
  const shown = isOpen ? others : others.slice(0, SHOWN_MEMBERS);
  const kept = report.cards[state.kept];
  const heading = `group-${number}`;
  return make("article", { class: `group ${status}`, id: `card-${number}`, "aria-labelledby": heading },
    make("header", {},
      make("p", { class: "facts" }, badge(group.verdict), " · ",
        make("span", { text: count("group_size", others.length + 1) }), " · ",
        make("span", { text: say("group_weakest", { similarity: similar(group.weakest) }) }),
        status !== "open" && [" · ", make("span", { class: `status ${status}`, text: say(`status_${status}`) })]),
      wholeGroup(number, others)),
    make("div", { class: "kept" },
      make("span", { class: "tag", text: say("kept") }),
      make("div", {}, make("h3", { id: heading }, articleTitle(kept)), dateline(kept),
        make("p", { class: "because", text: state.kept === group.kept ? say("because", { reason: say(`because_${group.because}`) }) : say("because_chosen") }))),
    make("ul", { class: "members" }, shown.map((article) => memberRow(number, article))),
    others.length > SHOWN_MEMBERS + 1 && button(isOpen ? say("fewer") : count("more_members", others.length - shown.length), () => {
      if (opened.has(number)) opened.delete(number);
      else opened.add(number);
      redrawGroup(number);
    }, { class: "quiet more", "aria-expanded": String(isOpen), "data-key": "more" }),
    group.loose > 0 && make("p", { class: "remark", text: count("loose", group.loose) }));
}

function wholeGroup(number, others) {
  const same = (decision) => others.every((each) => markOf(number, each) === decision);
  const label = say("whole_group");
  return make("div", { class: "marks whole", role: "group", "aria-label": label },
    DECISIONS.map((decision) => button(say(`all_${decision}`), () => markGroup(number, same(decision) ? "" : decision), {
      class: `mark ${decision}`, "aria-pressed": String(same(decision)), "data-key": `all-${decision}`, title: say(`mark_${decision}_note`) })));
}

function memberRow(number, article) {
  const group = report.groups[number];
  const state = groupState(number);
  const card = report.cards[article];
  const place = group.members.findIndex((each) => each.article === article);
  // The article the report keeps is a member only while the editor keeps another one.
  const member = group.members[place] || group.members.find((each) => each.article === state.kept);
  const settled = settledIn(number, article);
  const relation = place >= 0 ? relationText(member.relation) : say("kept_by_report");
  const of = state.kept === group.kept || place < 0 ? "" : say("of_the_reports");
  const note = state.marks.get(article)?.note;
  const key = `member-${article}`;
  const at = Math.max(place, group.members.indexOf(member));
  return make("li", { class: `member ${markOf(number, article)}` },
    make("div", { class: "measure" }, badge(member.verdict), score(member.similarity)),
    make("div", { class: "what" },
      make("p", {}, articleTitle(card)), dateline(card),
      make("p", { class: "evidence", text: [relation, evidenceText(member.evidence), of].filter(Boolean).join(" · ") }),
      settled && make("p", {}, settledNote(settled)),
      note && make("p", { class: "note", dir: "auto", text: note })),
    make("div", { class: "acts" },
      markButtons(markOf(number, article), (decision) => markMember(number, article, decision), { key, label: say("mark_label", { title: titleOf(card) }), stands: settled }),
      make("p", { class: "links" },
        button(say("compare"), () => compareMember(number, at), { class: "link", "data-key": `${key}-compare`, "aria-label": say("compare_label", { title: titleOf(card) }) }),
        button(say("keep_instead"), () => keepInstead(number, article), { class: "link", "data-key": `${key}-keep`, "aria-label": say("keep_instead_label", { title: titleOf(card) }) }))));
}

function redrawGroup(number) {
  const old = byId(`card-${number}`);
  if (old) rebuilt(old, groupCard(number));
}

function compareMember(number, place) {
  const group = report.groups[number];
  go({ compare: [report.cards[group.kept].id, report.cards[group.members[place].article].id] });
}
