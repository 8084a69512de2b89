"use strict";
// Renders /v1/event-types. No markup is ever built from text: every value goes in through textContent.

const TEXTS = {
  en: { search: "Search events", other: "Français", permission: "Needed to be told", consumers: "Who listens in Liaison",
    nobody: "nobody", schema: "Schema of data", example: "Example" },
  fr: { search: "Chercher un événement", other: "English", permission: "Nécessaire pour en être informé",
    consumers: "Qui écoute dans Liaison", nobody: "personne", schema: "Schéma de data", example: "Exemple" },
};

let language = navigator.language.startsWith("fr") ? "fr" : "en";
let types = [];

const $ = (selector) => document.querySelector(selector);
const t = (name) => TEXTS[language][name];

function el(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function json(value) {
  return el("pre", { textContent: JSON.stringify(value, null, 2) });
}

function note(label, text) {
  return el("p", { className: "note", textContent: `${label}: ${text}` });
}

function inside(type) {
  return el("div", { className: "inside" },
    el("p", { textContent: type.description }),
    note("type", type.type),
    note("dataschema", type.dataschema),
    note(t("permission"), type.permission),
    note(t("consumers"), type.consumers.join(", ") || t("nobody")),
    el("h3", { textContent: t("example") }), json(type.example),
    el("h3", { textContent: t("schema") }), json(type.schema));
}

function typeNode(type) {
  const node = el("details", { className: "operation" }, el("summary", {},
    el("code", { textContent: type.routing_key }), el("span", { textContent: `v${type.version} · ${type.description}` })));
  node.dataset.text = `${type.type} ${type.description}`.toLowerCase();
  node.addEventListener("toggle", () => {
    if (node.open && node.children.length === 1) node.append(inside(type));
  });
  return node;
}

function filter() {
  const wanted = $("#search").value.toLowerCase().split(" ").filter(Boolean);
  for (const node of document.querySelectorAll("details")) {
    node.hidden = !wanted.every((word) => node.dataset.text.includes(word));
  }
}

function render() {
  document.documentElement.lang = language;
  $("#search").placeholder = t("search");
  $("#search").setAttribute("aria-label", t("search"));
  $("#language").textContent = t("other");
  const services = [...new Set(types.map((type) => type.service))];
  $("nav").replaceChildren(...services.map((name) => el("a", { href: "#" + name, textContent: name })));
  $("main").replaceChildren(...services.map((name) => el("section", {}, el("h2", { id: name, textContent: name }),
    ...types.filter((type) => type.service === name).map(typeNode))));
  filter();
}

async function start() {
  types = (await (await fetch("/v1/event-types")).json()).data;
  $("#search").addEventListener("input", filter);
  $("#language").addEventListener("click", () => { language = language === "en" ? "fr" : "en"; render(); });
  render();
}

start();
