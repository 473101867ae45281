"use strict";
// Data of the page: unpacked from its own script elements, never fetched. Everything in it is
// other people's text and reaches the document as text only.

const report = {};
let language = document.documentElement.dataset.language;

async function unpack(element) {
  const binary = atob(JSON.parse(element.textContent));
  const bytes = new Uint8Array(binary.length);
  for (let place = 0; place < binary.length; place += 1) bytes[place] = binary.charCodeAt(place);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// Texts and comparisons come in chunks; a chunk is unpacked when it is first wanted.
const chunks = { elements: [], unpacked: new Map() };

function chunk(number) {
  if (!chunks.unpacked.has(number)) chunks.unpacked.set(number, unpack(chunks.elements[number]));
  return chunks.unpacked.get(number);
}

async function textOf(article) {
  const number = report.text_chunks[article];
  if (number < 0) return null;
  return (await chunk(number)).texts[article] ?? null;
}

async function comparisonOf(pair) {
  const number = report.pair_chunks[pair];
  return number < 0 ? null : ((await chunk(number)).pairs[pair] ?? null);
}

// Words.
function has(name) {
  return Object.hasOwn(report.words[language], name);
}

function say(name, values = {}) {
  const text = has(name) ? report.words[language][name] : name;
  return text.replace(/\{(\w+)\}/g, (whole, key) => {
    if (!Object.hasOwn(values, key)) return whole;
    const value = values[key];
    return typeof value === "number" ? value.toLocaleString(language === "zh" ? "zh-CN" : "en") : value;
  });
}

// "1 pair", "2 pairs": Chinese has one form for both.
function count(name, number, values = {}) {
  return say(number === 1 && has(`${name}_one`) ? `${name}_one` : name, { ...values, count: number });
}

// Similarities are whole ten-thousandths, shown with two decimals and never rounded up.
function similar(parts) {
  return (Math.floor(parts / 100) / 100).toFixed(2);
}

function percent(share) {
  return `${Math.round(100 * share)}%`;
}

function signed(value) {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
}

function titleOf(card) {
  return card.title || say("no_title");
}

function monthOf(card) {
  return (card.date || "").slice(0, 7);
}

// Elements. Text is set as text; there is no way from a string to markup.
function make(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  return filled(element, options, children);
}

function draw(tag, options = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  return filled(element, options, children);
}

function filled(element, options, children) {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "text") element.textContent = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== undefined && child !== null && child !== false) element.append(child);
  }
  return element;
}

function button(text, action, options = {}, ...children) {
  return make("button", { type: "button", text, onclick: action, ...options }, ...children);
}

function byId(id) {
  return document.getElementById(id);
}

let noticeTimer = 0;
function notify(text) {
  byId("notice").textContent = text;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => { byId("notice").textContent = ""; }, 6000);
}
