// What the bars of filters of all lists have in common: choices, a search, the least similarity.

// A labelled choice in a bar of filters.
function choice(name, options, chosen, act) {
  const id = `choose-${name}`;
  const select = make("select", { id, onchange: (event) => act(event.target.value) });
  for (const [value, text] of options) {
    select.append(make("option", { value, text, selected: value === chosen }));
  }
  return make("p", { class: "field" }, make("label", { for: id, text: say(`filter_${name}`) }), select);
}

function anyOf(values, prefix) {
  return [["", say("any")], ...values.map((each) => [each, say(`${prefix}_${each}`)])];
}

// However fast the reader types, the list is made at most once a frame.
function searchField(id, value, act) {
  let waiting = 0;
  const input = make("input", { type: "search", id, value, placeholder: say("search_hint"),
    oninput: (event) => {
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(() => act(event.target.value));
    } });
  return make("p", { class: "field wide" }, make("label", { for: id, text: say("search") }), input);
}

function leastField(id, value, act) {
  return make("p", { class: "field" }, make("label", { for: id, text: say("filter_least") }),
    make("input", { type: "number", id, min: 0, max: 1, step: 0.01, value: value || "", placeholder: "0.00",
      oninput: (event) => act(Number(event.target.value) || 0) }));
}

// As similarities are shown: 0.7999 is 0.79.
function reaches(similarity, least) {
  return !least || Math.floor(similarity / 100) >= Math.round(least * 100);
}

function plain(text) {
  return text.normalize("NFKC").toLowerCase();
}

function termsOf(text) {
  return plain(text).split(/\s+/).filter(Boolean);
}

const ARTICLES = {
  groups: (group) => [group.kept, ...group.members.map((each) => each.article)],
  maybe: (pair) => [pair.first, pair.second],
  templates: (family) => [family.example, ...family.members.map(([article]) => article)],
};

// What a search looks in, made once a list: titles, ids and addresses of the articles.
const haystacks = {};
function haystack(list, number) {
  haystacks[list] ||= report[list].map((each) => plain(ARTICLES[list](each).map((article) => {
    const card = report.cards[article];
    return `${card.title}\n${card.id}\n${card.link || card.address || ""}`;
  }).join("\n")));
  return haystacks[list][number];
}

function hasTerms(list, number, terms) {
  return terms.every((term) => haystack(list, number).includes(term));
}
