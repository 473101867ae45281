// Where the reader is (in the address, after #), the tabs, the desk below, and the beginning.

const TABS = ["summary", "groups", "maybe", "templates"];
const VIEWS = { summary, groups, maybe, templates };
const drawn = new Set();
let tab = "summary";

function addressOf({ tab: name, compare }) {
  const values = new URLSearchParams();
  if (name || tab) values.set("tab", name || tab);
  if (compare) {
    values.set("first", compare[0]);
    values.set("second", compare[1]);
  }
  return `#${values}`;
}

function go(target, replace = false) {
  const address = addressOf(target);
  if (target.compare && !replace) view.pushed = true;
  if (location.hash === address) return follow();
  if (replace) {
    history.replaceState(null, "", address);
    return follow();
  }
  location.hash = address;
  return undefined;
}

function follow() {
  const values = new URLSearchParams(location.hash.slice(1));
  const name = TABS.includes(values.get("tab")) ? values.get("tab") : tab;
  showTab(name);
  if (values.has("first") && values.has("second")) return openComparison(values.get("first"), values.get("second"));
  closeComparison();
  return undefined;
}

function leaveComparison() {
  if (view.pushed) {
    view.pushed = false;
    history.back();
  } else {
    go({ tab }, true);
  }
}

function showTab(name) {
  tab = name;
  for (const each of TABS) {
    const chosen = each === name;
    byId(`tab-${each}`).setAttribute("aria-selected", String(chosen));
    byId(`tab-${each}`).tabIndex = chosen ? 0 : -1;
    byId(`panel-${each}`).hidden = !chosen;
  }
  drawTab(name);
}

// A tab is drawn when it is first seen, and again when its words or marks have changed.
function drawTab(name) {
  if (drawn.has(name)) return;
  drawn.add(name);
  VIEWS[name]();
}

function tabKeys(event) {
  const at = TABS.indexOf(event.target.id?.replace("tab-", ""));
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (at < 0 || !step) return;
  const next = TABS[(at + step + TABS.length) % TABS.length];
  byId(`tab-${next}`).focus();
  go({ tab: next });
}

function chrome() {
  document.documentElement.lang = say("page_language");
  document.title = `${say("report")} · ${report.source}`;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = say(element.dataset.word);
  byId("tabs").setAttribute("aria-label", say("report"));
  byId("language").textContent = say("other_language");
  byId("language").lang = language === "zh" ? "en" : "zh-CN";
  const told = [
    count("articles", report.articles),
    report.since && say("since", { since: report.since }),
    say(report.lexical ? "by_wording" : "by_meaning"),
    say("zone", { zone: report.zone }),
  ];
  byId("subtitle").textContent = told.filter(Boolean).join(" · ");
  for (const [name, list] of [["groups", report.groups], ["maybe", report.maybe], ["templates", report.templates]]) {
    byId(`count-${name}`).textContent = list.length.toLocaleString();
  }
}

// The desk: how far the work is, and the way out with it.
function desk() {
  const name = make("input", { type: "text", id: "editor", autocomplete: "name", maxlength: 200, value: marks.by, placeholder: say("your_name"),
    onchange: (event) => {
      marks.by = event.target.value.trim();
      save();
    } });
  const file = make("input", { type: "file", accept: ".json,application/json", id: "import", class: "hidden", tabindex: -1, "aria-hidden": "true",
    onchange: (event) => {
      const [chosen] = event.target.files;
      event.target.value = "";
      if (chosen) importDecisions(chosen);
    } });
  byId("desk").replaceChildren(
    make("div", { class: "progress" }, make("p", { id: "progress" }), draw("svg", { width: "100%", height: 4, "aria-hidden": "true" },
      draw("rect", { class: "track", width: "100%", height: 4 }), draw("rect", { class: "settled", height: 4, id: "bar-settled" }), draw("rect", { class: "done", height: 4, id: "bar-done" }))),
    make("p", { class: "field inline" }, make("label", { for: "editor", text: say("your_name") }), name),
    make("div", { class: "tools" },
      button(say("undo"), undo, { class: "quiet", id: "undo" }),
      button(say("import"), () => file.click(), { class: "quiet" }), file,
      button(say("export"), exportDecisions, { class: "strong", id: "export" })));
  byId("desk").hidden = false;
  showProgress();
}

function showProgress() {
  const state = progress();
  byId("progress").textContent = [
    say("progress", { groups: state.groups, all: state.all - state.settled }),
    count("decided", state.decisions),
    marks.earlier.size > 0 && count("earlier", marks.earlier.size),
    state.settled && count("settled_groups", state.settled),
    !marks.exported && say("not_exported")].filter(Boolean).join(" · ");
  const all = state.all || 1;
  byId("bar-settled").setAttribute("width", `${100 * state.settled / all}%`);
  byId("bar-done").setAttribute("x", `${100 * state.settled / all}%`);
  byId("bar-done").setAttribute("width", `${100 * state.groups / all}%`);
  byId("undo").disabled = !marks.past.length;
}

function marked(kind, number) {
  if (kind === "group") redrawGroup(number);
  if (kind === "pair") redrawPair(number);
  if (kind === "all") redrawAll();
  if (kind !== "all") drawn.delete("summary");
  redrawActs();
  showProgress();
  if (kind === "all" && byId("editor")) byId("editor").value = marks.by;
}

function redrawAll() {
  drawn.clear();
  drawTab(tab);
}

function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  chrome();
  redrawAll();
  desk();
  if (view.current) goTo(view.current);
}

// On paper: the summary and every group that is listed, with all its articles.
function beforePrint() {
  onPaper = true;
  for (const name of ["summary", "groups"]) {
    byId(`panel-${name}`).hidden = false;
    drawTab(name);
  }
  refreshGroups();
  groupList.all();
}

function afterPrint() {
  onPaper = false;
  refreshGroups();
  showTab(tab);
}

function keys(event) {
  compareKeys(event);
  const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z";
  if (isUndo && !event.target.matches("input, textarea")) {
    event.preventDefault();
    undo();
  }
}

function listen() {
  watchers.push(marked);
  window.addEventListener("hashchange", follow);
  window.addEventListener("beforeprint", beforePrint);
  window.addEventListener("afterprint", afterPrint);
  window.addEventListener("beforeunload", (event) => { if (!marks.exported) event.preventDefault(); });
  document.addEventListener("keydown", keys);
  byId("language").addEventListener("click", switchLanguage);
  byId("tabs").addEventListener("keydown", tabKeys);
  for (const name of TABS) byId(`tab-${name}`).addEventListener("click", () => go({ tab: name }));
  byId("compare").addEventListener("cancel", (event) => {
    event.preventDefault();
    leaveComparison();
  });
  let width = window.innerWidth;
  let timer = 0;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    clearTimeout(timer);
    timer = setTimeout(() => {
      drawn.delete("summary");
      if (tab === "summary") drawTab(tab);
    }, 150);
  });
}

async function begin() {
  if (typeof DecompressionStream === "undefined") {
    byId("waiting").textContent = `${byId("waiting").textContent} This browser is too old for it. 浏览器版本过旧。`;
    return;
  }
  Object.assign(report, await unpack(byId("core")));
  chunks.elements = [...document.querySelectorAll("script.chunk")];
  restore();
  chrome();
  byId("waiting").remove();
  desk();
  listen();
  follow();
  document.documentElement.dataset.ready = "yes";
}

begin();
