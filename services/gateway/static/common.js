"use strict";
// What the pages share. No markup is ever built from text: every value goes in through textContent.

const PAGES = {
  en: { events: "Events", errors: "Errors" },
  fr: { events: "Événements", errors: "Erreurs" },
};

let language = localStorage.getItem("language") || (navigator.language.startsWith("fr") ? "fr" : "en");

const $ = (selector) => document.querySelector(selector);
const t = (name) => TEXTS[language][name];

function el(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children.filter((child) => child !== null));
  return node;
}

// Text in a box that scrolls, by keyboard too.
function box(text, label) {
  const node = el("pre", { textContent: text, tabIndex: 0 });
  node.setAttribute("role", "region");
  node.setAttribute("aria-label", label);
  return node;
}

const json = (value, label) => box(JSON.stringify(value, null, 2), label);

// What is inside is built when it is opened for the first time.
function entry(id, summary, text, build) {
  const node = el("details", { className: "operation", id }, el("summary", {}, ...summary));
  node.dataset.text = text.toLowerCase();
  node.addEventListener("toggle", () => {
    if (node.open && node.children.length === 1) node.append(build());
  });
  return node;
}

function filter() {
  const wanted = $("#search").value.toLowerCase().split(" ").filter(Boolean);
  for (const section of document.querySelectorAll("section")) {
    for (const node of section.querySelectorAll("details.operation")) {
      node.hidden = !wanted.every((word) => node.dataset.text.includes(word));
    }
    const entries = section.querySelector("details.operation"); // a text has none, and is shown while nothing is searched for
    section.hidden = entries ? !section.querySelector("details.operation:not([hidden])") : wanted.length > 0;
  }
}

// Open what the address names, where a link or the `type` of a problem leads.
function reveal() {
  const node = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!node) return;
  if (node.tagName === "DETAILS") {
    if (node.hidden) { $("#search").value = ""; filter(); }
    node.open = true;
    node.querySelector("summary").focus({ preventScroll: true });
  }
  node.scrollIntoView();
}

// Sections are [id, heading, nodes].
function show(sections) {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-page]")) node.textContent = PAGES[language][node.dataset.page];
  $("#skip").textContent = t("skip");
  $("#search").placeholder = t("search");
  $("#search").setAttribute("aria-label", t("search"));
  $("#language").textContent = t("other");
  $("nav").replaceChildren(...sections.map(([id, heading]) => el("a", { href: "#" + id, textContent: heading, className: id.startsWith("group-") ? "group" : "" })));
  $("nav").setAttribute("aria-label", t("contents"));
  $("main").replaceChildren(...sections.map(([id, heading, nodes]) =>
    el("section", {}, el("h2", { id, textContent: heading }), ...nodes)));
  filter();
  reveal();
}

function listen(render) {
  $("#search").addEventListener("input", filter);
  window.addEventListener("hashchange", reveal);
  $("#language").addEventListener("click", () => {
    language = language === "en" ? "fr" : "en";
    localStorage.setItem("language", language);
    render();
  });
  render();
}
