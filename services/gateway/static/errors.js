"use strict";
// Renders /docs/errors.json: the problems by status, then the codes of wrong fields.

const TEXTS = {
  en: { search: "Search errors", other: "Français", skip: "Skip to the errors", contents: "Statuses",
    fields: "Codes within errors", members: "Further members", operations: "Operations that may answer so",
    any: "Any operation that answers with this status may say so.",
    job: "Ends a job: stands in its member failure or among its errors.",
    unreadable: "Said before it is known which operation is meant; the connection is closed.",
    field: "Stands in errors[].code, beside the pointer to the member or parameter that is meant.",
    service: "Said by" },
  fr: { search: "Chercher une erreur", other: "English", skip: "Aller aux erreurs", contents: "Statuts",
    fields: "Codes dans errors", members: "Autres membres", operations: "Opérations qui peuvent répondre ainsi",
    any: "Toute opération qui répond par ce statut peut le dire.",
    job: "Met fin à une tâche : figure dans son membre failure ou parmi ses erreurs.",
    unreadable: "Dit avant que l'on sache de quelle opération il s'agit ; la connexion est fermée.",
    field: "Figure dans errors[].code, à côté du pointeur vers le membre ou le paramètre concerné.",
    service: "Dit par" },
};

let catalogue = null;

const title = (status) => `${status} ${catalogue.titles[status][language]}`;

function operationLink(id) {
  return el("li", {}, el("a", { href: "/docs#" + id }, el("code", { textContent: id })));
}

function caseNode(told) {
  const members = [...new Set([...told.en.matchAll(/{(\w+)}/g)].map((found) => found[1]))];
  return el("div", {},
    el("p", {}, el("q", { textContent: told.en, lang: "en" })),
    el("p", {}, el("q", { textContent: told.fr, lang: "fr" })),
    el("p", { className: "note", textContent: `${title(told.status)} · ${told.family} · ${t("service")} ${told.service}` }),
    members.length ? el("p", { className: "note", textContent: `${t("members")}: ${members.join(", ")}` }) : null,
    told.operations.length
      ? el("div", {}, el("h3", { textContent: t("operations") }), el("ul", { className: "links" }, ...told.operations.map(operationLink)))
      : el("p", { textContent: t(told.where) }));
}

function inside(problem) {
  return el("div", { className: "inside" },
    el("p", { className: "note", textContent: `type: ${problem.type}` }), ...problem.cases.map(caseNode));
}

function problemNode(problem) {
  const summary = [el("code", { textContent: problem.code }), el("span", { textContent: problem.cases[0][language] })];
  const words = problem.cases.map((told) => `${told.en} ${told.fr} ${told.status} ${told.service}`).join(" ");
  return entry(problem.code, summary, `${problem.code} ${words}`, () => inside(problem));
}

function fieldNode(field) {
  const summary = [el("code", { textContent: field.code }), el("span", { textContent: field[language] })];
  return entry("field-" + field.code, summary, `${field.code} ${field.en} ${field.fr}`, () => el("div", { className: "inside" },
    el("p", {}, el("q", { textContent: field.en, lang: "en" })),
    el("p", {}, el("q", { textContent: field.fr, lang: "fr" })),
    el("p", { textContent: t("field") })));
}

function render() {
  const byStatus = new Map();
  for (const problem of catalogue.problems) {
    const status = problem.cases[0].status;
    byStatus.set(status, [...(byStatus.get(status) || []), problemNode(problem)]);
  }
  const sections = [...byStatus].sort(([one], [other]) => one - other)
    .map(([status, nodes]) => ["status-" + status, title(status), nodes]);
  show([...sections, ["fields", t("fields"), catalogue.fields.map(fieldNode)]]);
}

async function start() {
  catalogue = await (await fetch("/docs/errors.json")).json();
  listen(render);
}

start();
