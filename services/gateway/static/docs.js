"use strict";
// Renders /openapi.json. No markup is ever built from text: every value goes in through textContent.

const TEXTS = {
  en: { search: "Search operations", email: "E-mail", password: "Password", signIn: "Sign in", signedIn: "Signed in as ",
    failed: "Sign-in failed: ", parameters: "Parameters", body: "Body", answer: "Answer", send: "Send",
    required: "required", permission: "Permission", other: "Français", problems: "Problems" },
  fr: { search: "Chercher une opération", email: "Adresse électronique", password: "Mot de passe", signIn: "Se connecter",
    signedIn: "Connecté : ", failed: "Échec de la connexion : ", parameters: "Paramètres", body: "Corps", answer: "Réponse",
    send: "Envoyer", required: "obligatoire", permission: "Permission", other: "English", problems: "Problèmes",
  },
};

let language = navigator.language.startsWith("fr") ? "fr" : "en";
let token = null;
let api = null;

const $ = (selector) => document.querySelector(selector);
const t = (name) => TEXTS[language][name];

function el(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children.filter((child) => child !== null));
  return node;
}

function resolve(schema) {
  return schema && schema.$ref ? api.components.schemas[schema.$ref.split("/").pop()] : schema || {};
}

function typeName(schema) {
  if (schema.enum) return schema.enum.join(" | ");
  const type = [schema.type || (schema.$ref ? "object" : "any")].flat().filter((one) => one !== "null").join(" | ");
  if (type === "array") return typeName(resolve(schema.items)) + "[]";
  return schema.format ? `${type} (${schema.format})` : type;
}

function example(schema, depth = 0) {
  schema = resolve(schema);
  if (schema.allOf) schema = resolve(schema.allOf[0]);
  if (schema.enum) return schema.enum[0];
  const type = [schema.type].flat()[0];
  if (type === "object" || schema.properties) {
    const wanted = Object.entries(schema.properties || {}).filter(([name]) => depth < 4 && (schema.required || []).includes(name));
    return Object.fromEntries(wanted.map(([name, inner]) => [name, example(inner, depth + 1)]));
  }
  if (type === "array") return depth < 4 ? [example(schema.items, depth + 1)] : [];
  if (type === "integer") return 1;
  if (type === "boolean") return false;
  const now = new Date().toISOString();
  return { decimal: "1.00", date: now.slice(0, 10), "date-time": now, uuid: crypto.randomUUID() }[schema.format] || "";
}

function parameterRow(parameter) {
  const input = el("input", { name: parameter.name, placeholder: parameter.description || "" });
  input.dataset.place = parameter.in;
  if (parameter.name === "Idempotency-Key") input.value = crypto.randomUUID();
  input.setAttribute("aria-label", parameter.name);
  return el("tr", {},
    el("td", {}, el("code", { textContent: parameter.name })),
    el("td", { textContent: typeName(parameter.schema) + (parameter.required ? ", " + t("required") : "") }),
    el("td", {}, input));
}

function request(path, method, inside) {
  const headers = { "Accept-Language": language };
  const query = new URLSearchParams();
  for (const input of inside.querySelectorAll("input")) {
    if (!input.value) continue;
    if (input.dataset.place === "path") path = path.replace(`{${input.name}}`, encodeURIComponent(input.value));
    else if (input.dataset.place === "query") query.append(input.name, input.value);
    else headers[input.name] = input.value;
  }
  if (token) headers.Authorization = "Bearer " + token;
  const body = inside.querySelector("textarea")?.value;
  if (body) headers["Content-Type"] = method === "patch" ? "application/merge-patch+json" : "application/json";
  const address = path + (query.size ? "?" + query : "");
  return fetch(address, { method: method.toUpperCase(), headers, body: body || undefined });
}

async function send(path, method, inside, output) {
  output.hidden = false;
  output.textContent = "…";
  try {
    const answer = await request(path, method, inside);
    const text = await answer.text();
    const kept = ["etag", "location", "x-event-id", "retry-after", "x-request-id"];
    const head = kept.filter((name) => answer.headers.has(name)).map((name) => `${name}: ${answer.headers.get(name)}\n`).join("");
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: shown as it came */ }
    output.textContent = `${answer.status} ${answer.statusText}\n${head}\n${shown}`;
  } catch (error) {
    output.textContent = String(error);
  }
}

function inside(path, method, operation) {
  const node = el("div", { className: "inside" });
  const parameters = operation.parameters || [];
  node.append(el("p", { className: "note", textContent: `${t("permission")}: ${operation["x-permission"]}` }));
  if (parameters.length) {
    node.append(el("h3", { textContent: t("parameters") }), el("table", {}, el("tbody", {}, ...parameters.map(parameterRow))));
  }
  const content = operation.requestBody && Object.values(operation.requestBody.content)[0];
  if (content) {
    const text = el("textarea", { value: JSON.stringify(example(content.schema), null, 2), spellcheck: false });
    text.setAttribute("aria-label", t("body"));
    node.append(el("h3", { textContent: t("body") }), text, fieldTable(resolve(content.schema)));
  }
  const codes = Object.keys(operation.responses);
  const success = operation.responses[codes.find((code) => code.startsWith("2"))];
  if (success.content) {
    node.append(el("h3", { textContent: t("answer") }), fieldTable(resolve(Object.values(success.content)[0].schema)));
  }
  const failures = codes.filter((code) => code >= "400").map((code) => `${code} ${api.components.responses[code].description}`);
  node.append(el("p", { className: "note", textContent: `${t("problems")}: ${failures.join(" · ")}` }));
  const output = el("pre", { hidden: true });
  const go = el("button", { type: "button", className: "go", textContent: t("send") });
  go.addEventListener("click", () => send(path, method, node, output));
  node.append(go, output);
  return node;
}

function fieldTable(schema) {
  const rows = Object.entries(schema.properties || {}).map(([name, inner]) => el("tr", {},
    el("td", {}, el("code", { textContent: name })),
    el("td", { textContent: typeName(inner.allOf ? resolve(inner.allOf[0]) : inner) + ((schema.required || []).includes(name) ? ", " + t("required") : "") }),
    el("td", { className: "note", textContent: inner.maxLength ? "≤ " + inner.maxLength : "" })));
  return el("table", {}, el("tbody", {}, ...rows));
}

function operationNode(path, method, operation) {
  const node = el("details", { className: "operation" }, el("summary", {},
    el("span", { className: `method ${method}`, textContent: method.toUpperCase() }),
    el("code", { textContent: path }), el("span", { textContent: operation.summary })));
  node.dataset.text = `${path} ${operation.summary} ${operation.operationId}`.toLowerCase();
  node.addEventListener("toggle", () => {
    if (node.open && node.children.length === 1) node.append(inside(path, method, operation));
  });
  return node;
}

function render() {
  document.documentElement.lang = language;
  $("#search").placeholder = t("search");
  $("#search").setAttribute("aria-label", t("search"));
  for (const name of ["email", "password"]) {
    $(`[name=${name}]`).placeholder = t(name);
    $(`[name=${name}]`).setAttribute("aria-label", t(name));
  }
  $("#sign-in button").textContent = t("signIn");
  $("#language").textContent = t("other");
  const groups = new Map(api.tags.map((tag) => [tag.name, []]));
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      groups.get(operation.tags[0]).push(operationNode(path, method, operation));
    }
  }
  $("nav").replaceChildren(...[...groups.keys()].map((tag) => el("a", { href: "#" + tag, textContent: tag })));
  $("main").replaceChildren(...[...groups].map(([tag, nodes]) =>
    el("section", {}, el("h2", { id: tag, textContent: tag }), ...nodes)));
  filter();
}

function filter() {
  const wanted = $("#search").value.toLowerCase().split(" ").filter(Boolean);
  for (const section of document.querySelectorAll("section")) {
    for (const node of section.querySelectorAll("details")) {
      node.hidden = !wanted.every((word) => node.dataset.text.includes(word));
    }
    section.hidden = !section.querySelector("details:not([hidden])");
  }
}

async function signIn(event) {
  event.preventDefault();
  const body = JSON.stringify(Object.fromEntries(new FormData(event.target)));
  const headers = { "Content-Type": "application/json", "Accept-Language": language };
  const answer = await fetch("/v1/auth/token", { method: "POST", headers, body });
  const content = await answer.json();
  $("#who").hidden = false;
  if (!answer.ok) {
    $("#who").textContent = t("failed") + content.detail;
    return;
  }
  token = content.access_token; // kept in memory only: gone with the page
  $("#who").textContent = t("signedIn") + event.target.email.value;
  event.target.hidden = true;
}

async function start() {
  api = await (await fetch("/openapi.json")).json();
  $("#search").addEventListener("input", filter);
  $("#sign-in").addEventListener("submit", signIn);
  $("#language").addEventListener("click", () => { language = language === "en" ? "fr" : "en"; render(); });
  render();
}

start();
