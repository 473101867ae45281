// The summary: numbers, and pictures drawn as wide as their place. Each picture says in words what
// it shows, and every bar has its value as a label.

const VERDICTS = ["same-text", "same-story"];

function summary() {
  const panel = byId("panel-summary");
  panel.replaceChildren(...[
    numbers(),
    leftOut() && make("p", { class: "lead left-out", text: leftOut() }),
    make("div", { class: "pictures" },
      figure("histogram", histogram),
      figure("months", months),
      figure("categories", categories),
      figure("biggest", biggest)),
    about(),
  ].filter(Boolean));
  for (const element of panel.querySelectorAll("[data-picture]")) PICTURES[element.dataset.picture](element);
}

const PICTURES = {};

function numbers() {
  const state = progress();
  const values = [
    ["articles", report.articles],
    ["groups", report.groups.length, VERDICTS.map((verdict) => [
      verdict, report.groups.filter((group) => group.verdict === verdict).length])],
    ["duplicates", report.open_duplicates],
    ["settled", state.settled],
    ["maybe", report.maybe.length],
    ["templates", report.templates.length],
  ];
  return make("dl", { class: "numbers" }, values.map(([name, value, parts]) =>
    make("div", { class: `of-${name}` },
      make("dt", { text: say(`number_${name}`) }),
      make("dd", {}, make("strong", { text: value.toLocaleString() }),
        make("small", { text: say(`number_${name}_note`) }),
        parts && make("span", { class: "split" }, parts.map(([verdict, each]) =>
          make("span", {}, badge(verdict), ` ${each.toLocaleString()}`)))))));
}

function figure(name, painter) {
  PICTURES[name] = painter;
  return make("figure", { class: name },
    make("figcaption", {}, make("h2", { text: say(`picture_${name}`) }), make("p", { class: "lead", text: say(`picture_${name}_note`) })),
    make("div", { "data-picture": name }));
}

function canvas(place, height, label) {
  const width = Math.max(place.clientWidth, 280);
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": label });
  place.replaceChildren(svg);
  return { svg, width };
}

function nothing(place) {
  place.replaceChildren(make("p", { class: "lead", text: say("nothing_to_show") }));
}

// Lines with numbers at the left of the bars → how wide the numbers are.
function gridLines(svg, width, base, top, most) {
  const left = 10 + 7 * most.toLocaleString().length;
  for (const share of most > 1 ? [0.5, 1] : [1]) {
    const y = base - (base - top) * share;
    svg.append(
      draw("line", { class: "grid", x1: left, x2: width, y1: y, y2: y }),
      draw("text", { class: "axis", x: left - 6, y: y + 4, "text-anchor": "end", text: Math.round(most * share).toLocaleString() }));
  }
  return left;
}

// From a little below the threshold: all the pairs far below it would flatten those above.
function lowestShown() {
  return Math.max(Math.floor((report.thresholds[1] - 500) / 500) / 20, 0);
}

function histogram(place) {
  const low = lowestShown();
  const size = report.histogram.length;
  const bins = report.histogram.map((pairs, place) => (place / size < low - 1e-9 ? 0 : pairs));
  const most = Math.max(...bins);
  if (!most) return nothing(place);
  const height = 220;
  const base = height - 24;
  const top = 34;
  const total = bins.reduce((sum, each) => sum + each, 0);
  const { svg, width } = canvas(place, height, count("picture_histogram_label", total));
  const left = gridLines(svg, width, base, top, most);
  const x = (similarity) => left + ((similarity - low) / (1 - low)) * (width - left);
  bins.forEach((pairs, place) => {
    if (!pairs) return;
    const start = place / size;
    const end = (place + 1) / size;
    const tall = Math.max((base - top) * pairs / most, 1);
    svg.append(draw("rect", { class: `bar ${zone(start)}`, x: x(start) + 1, y: base - tall,
      width: Math.max(x(end) - x(start) - 2, 1), height: tall, role: "img",
      "aria-label": count("bar_pairs", pairs, { from: start.toFixed(2), to: end.toFixed(2) }) },
    draw("title", { text: count("bar_pairs", pairs, { from: start.toFixed(2), to: end.toFixed(2) }) })));
  });
  svg.append(draw("line", { class: "base", x1: left, x2: width, y1: base, y2: base }));
  for (let tick = Math.round(low * 20); tick <= 20; tick += low < 0.5 ? 2 : 1) {
    svg.append(draw("text", { class: "axis", x: x(tick / 20), y: height - 6, text: (tick / 20).toFixed(2),
      "text-anchor": tick === 20 ? "end" : "middle" }));
  }
  let taken = 0;
  ["related", "same-story", "same-text"].forEach((verdict, place) => {
    const threshold = report.thresholds[place] / 10000;
    if (threshold <= low) return;
    const at = x(threshold) + 5;
    const isFree = at > taken;
    const text = `${similar(report.thresholds[place])}${width > 420 || place < 2 ? ` ${say(`verdict_${verdict}`)}` : ""}`;
    taken = at + 8 * text.length;
    svg.append(
      draw("line", { class: "threshold", x1: x(threshold), x2: x(threshold), y1: 6, y2: base }),
      draw("text", { class: `axis ${verdict}`, x: at, y: isFree ? 12 : 26, text }));
  });
  return undefined;
}

function zone(similarity) {
  const at = Math.round(similarity * 10000);
  const [related, story, text] = report.thresholds;
  return at >= text ? "same-text" : at >= story ? "same-story" : at >= related ? "related" : "unrelated";
}

function months(place) {
  const dated = new Map(report.months.filter(([month]) => month));
  const undated = report.months.find(([month]) => !month)?.[1] || 0;
  if (!dated.size) return nothing(place);
  const names = everyMonth([...dated.keys()]);
  const most = Math.max(...dated.values());
  const height = 220;
  const base = height - 24;
  const top = 20;
  const { svg, width } = canvas(place, height, say("picture_months"));
  const left = gridLines(svg, width, base, top, most);
  const step = Math.min((width - left) / names.length, 56);
  names.forEach((month, number) => {
    const found = dated.get(month) || 0;
    if (!found) return;
    const tall = Math.max((base - top) * found / most, 1);
    const label = count("bar_month", found, { month });
    svg.append(pressable(draw("rect", { class: "bar plain", x: left + number * step + step * 0.1, y: base - tall, width: Math.max(step * 0.8, 1), height: tall },
      draw("title", { text: label })), label, () => showGroups({ month })));
  });
  svg.append(draw("line", { class: "base", x1: left, x2: width, y1: base, y2: base }));
  let right = -10;
  names.forEach((month, number) => {
    const text = names.length > 18 ? (month.endsWith("-01") || number === 0 ? month.slice(0, 4) : "") : month;
    const at = left + number * step + step / 2;
    const half = text.length * 3.4;
    if (!text || at - half < right + 8 || at - half < 0) return;
    right = at + half;
    svg.append(draw("text", { class: "axis", x: Math.max(at, half), y: height - 6, "text-anchor": "middle", text }));
  });
  if (undated) place.append(make("p", { class: "lead", text: count("undated", undated) }));
  return undefined;
}

// Gaps are shown as gaps, unless a stray year would make the rest too small.
function everyMonth(found) {
  const sorted = found.toSorted ? found.toSorted() : [...found].sort();
  const index = (month) => Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1;
  const first = index(sorted[0]);
  const last = index(sorted[sorted.length - 1]);
  if (last - first > 240) return sorted;
  const all = [];
  for (let at = first; at <= last; at += 1) {
    all.push(`${String(Math.floor(at / 12)).padStart(4, "0")}-${String(at % 12 + 1).padStart(2, "0")}`);
  }
  return all;
}

function pressable(element, label, act) {
  return filled(element, { role: "button", tabindex: 0, "aria-label": label, onclick: act,
    onkeydown: (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      act();
    } }, []);
}

function bars(place, rows) {
  if (!rows.length) return nothing(place);
  const most = Math.max(...rows.map((row) => row.value));
  const list = make("ol", { class: "bars" }, rows.map((row) => {
    const bar = draw("svg", { width: "100%", height: 6, "aria-hidden": "true" },
      draw("rect", { class: `bar ${row.kind || "plain"}`, width: `${100 * row.value / most}%`, height: 6, rx: 1 }));
    return make("li", {}, button("", row.act, { class: "row", title: row.hint },
      make("span", { class: "name", dir: "auto", lang: row.language, text: row.name }),
      make("span", { class: "value", text: row.value.toLocaleString() }), bar));
  }));
  return place.replaceChildren(list);
}

function categories(place) {
  bars(place, report.categories.slice(0, 10).map(([category, value]) => ({
    name: category || say("no_category"), value, act: () => showGroups({ category: category || NONE }),
  })));
}

function biggest(place) {
  bars(place, report.groups.slice(0, 10).map((group, number) => ({
    name: titleOf(report.cards[group.kept]),
    language: report.cards[group.kept].language,
    value: group.members.length + 1,
    kind: group.verdict,
    act: () => openGroup(number),
  })));
}

function about() {
  const order = report.policy.map((each) => say(`because_${each}`)).join(language === "zh" ? " → " : " → ");
  return make("section", { class: "about" },
    make("h2", { text: say("about") }),
    make("p", { text: say("about_groups") }),
    make("p", { text: say("about_policy", { order }) }),
    make("p", { text: say("about_marks") }),
    leftOut() && make("p", { text: leftOut() }));
}
