"use strict";
// Renders /v1/event-types.

const TEXTS = {
  en: { search: "Search events", other: "Français", skip: "Skip to the events", contents: "Services",
    permission: "Needed to be told", consumers: "Who listens in Liaison", nobody: "nobody", schema: "Schema of data",
    example: "Example" },
  fr: { search: "Chercher un événement", other: "English", skip: "Aller aux événements", contents: "Services",
    permission: "Nécessaire pour en être informé", consumers: "Qui écoute dans Liaison", nobody: "personne",
    schema: "Schéma de data", example: "Exemple" },
};

let types = [];

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
    el("h3", { textContent: t("example") }), json(type.example, t("example")),
    el("h3", { textContent: t("schema") }), json(type.schema, t("schema")));
}

function typeNode(type) {
  const summary = [el("code", { textContent: type.routing_key }),
    el("span", { textContent: `v${type.version} · ${type.description}` })];
  return entry(type.type, summary, `${type.type} ${type.description}`, () => inside(type));
}

function render() {
  const services = [...new Set(types.map((type) => type.service))];
  show(services.map((name) => [name, name, types.filter((type) => type.service === name).map(typeNode)]));
}

async function start() {
  types = (await (await fetch("/v1/event-types")).json()).data;
  listen(render);
}

start();
