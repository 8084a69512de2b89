"use strict";
// Renders /openapi.json, with the codes of errors from /docs/errors.json.

const TEXTS = {
  en: { search: "Search operations", other: "Français", skip: "Skip to the operations", contents: "Resources",
    email: "E-mail", password: "Password", signIn: "Sign in", signedIn: "Signed in as ", failed: "Sign-in failed: ",
    parameters: "Parameters", body: "Body", answer: "Answer", send: "Send", required: "required", permission: "Permission",
    example: "Example", sent: "Request of the example", answered: "Answer of the example", problems: "Errors",
    general: "As with any operation", outcome: "What came back", guide: "Overview" },
  fr: { search: "Chercher une opération", other: "English", skip: "Aller aux opérations", contents: "Ressources",
    email: "Adresse électronique", password: "Mot de passe", signIn: "Se connecter", signedIn: "Connecté : ",
    failed: "Échec de la connexion : ", parameters: "Paramètres", body: "Corps", answer: "Réponse", send: "Envoyer",
    required: "obligatoire", permission: "Permission", example: "Exemple", sent: "Demande de l'exemple",
    answered: "Réponse de l'exemple", problems: "Erreurs", general: "Comme pour toute opération",
    outcome: "Ce qui est revenu", guide: "Présentation" },
};

let token = null;
let api = null;
let catalogue = null;

function resolve(schema) {
  return schema && schema.$ref ? api.components.schemas[schema.$ref.split("/").pop()] : schema || {};
}

function typeName(schema) {
  if (schema.enum) return schema.enum.join(" | ");
  const type = [schema.type || (schema.$ref ? "object" : "any")].flat().filter((one) => one !== "null").join(" | ");
  if (type === "array") return typeName(resolve(schema.items)) + "[]";
  return schema.format ? `${type} (${schema.format})` : type;
}

function skeleton(schema, depth = 0) {
  schema = resolve(schema);
  if (schema.allOf) schema = resolve(schema.allOf[0]);
  if (schema.enum) return schema.enum[0];
  const type = [schema.type].flat()[0];
  if (type === "object" || schema.properties) {
    const wanted = Object.entries(schema.properties || {}).filter(([name]) => depth < 4 && (schema.required || []).includes(name));
    return Object.fromEntries(wanted.map(([name, inner]) => [name, skeleton(inner, depth + 1)]));
  }
  if (type === "array") return depth < 4 ? [skeleton(schema.items, depth + 1)] : [];
  if (type === "integer") return 1;
  if (type === "boolean") return false;
  const now = new Date().toISOString();
  return { decimal: "1.00", date: now.slice(0, 10), "date-time": now, uuid: crypto.randomUUID() }[schema.format] || "";
}

// The Markdown of the guides as nodes: headings, paragraphs, lists, tables; code, bold and links inside.
const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([^)]+)\)/g;

function inline(text) {
  const found = [];
  let last = 0;
  for (const match of text.matchAll(INLINE)) {
    found.push(text.slice(last, match.index));
    const [whole, code, bold, label, href] = match;
    found.push(code ? el("code", { textContent: code }) : bold ? el("strong", { textContent: bold }) : el("a", { href, textContent: label }));
    last = match.index + whole.length;
  }
  return [...found, text.slice(last)];
}

const cells = (line) => line.split("|").slice(1, -1).map((cell) => cell.trim());

function table(lines) {
  const rows = [lines[0], ...lines.slice(2)].map(cells);
  return el("table", {}, el("tbody", {}, ...rows.map((row, place) =>
    el("tr", {}, ...row.map((cell) => el(place ? "td" : "th", {}, ...inline(cell)))))));
}

function list(tag, block, mark) {
  const items = block.split(mark).filter(Boolean).map((item) => item.replace(/\n +/g, " ").trim());
  return el(tag, {}, ...items.map((item) => el("li", {}, ...inline(item))));
}

function paragraph(block) {
  if (block.startsWith("- ")) return list("ul", block, /^- /m);
  if (/^[0-9]+\. /.test(block)) return list("ol", block, /^[0-9]+\. /m);
  if (block.startsWith("|")) return table(block.split("\n"));
  return el("p", {}, ...inline(block.replace(/\n/g, " ")));
}

// [[heading, nodes], …]; what stands before the first heading has none.
function chapters(text) {
  return `\n${text}`.split(/\n## /).map((chapter, place) => {
    const [heading, ...rest] = place ? chapter.split("\n") : ["", chapter];
    return [heading, rest.join("\n").trim().split(/\n{2,}/).map(paragraph)];
  });
}

function parameterRow(parameter) {
  const input = el("input", { name: parameter.name, placeholder: String(parameter.schema?.default ?? "") });
  input.dataset.place = parameter.in;
  if (parameter.name === "Idempotency-Key") input.value = crypto.randomUUID();
  input.setAttribute("aria-label", parameter.name);
  return el("tr", {},
    el("td", {}, el("code", { textContent: parameter.name })),
    el("td", { textContent: typeName(parameter.schema) + (parameter.required ? ", " + t("required") : "") }),
    el("td", {}, input, parameter.description ? el("div", { className: "note" }, ...inline(parameter.description)) : null));
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

function successOf(operation) {
  return Object.entries(operation.responses).filter(([status]) => status < "300").pop();
}

// The request as it went over the wire in the recorded run, and what came back.
function exampleOf(path, method, operation) {
  const given = (operation.parameters || []).filter((parameter) => "example" in parameter);
  const value = (parameter) => encodeURIComponent(parameter.example);
  const query = given.filter((one) => one.in === "query").map((one) => `${one.name}=${value(one)}`).join("&");
  for (const one of given.filter((parameter) => parameter.in === "path")) path = path.replace(`{${one.name}}`, value(one));
  const sent = Object.values(operation.requestBody?.content || {}).find((content) => "example" in content);
  const [status, success] = successOf(operation);
  const answered = Object.values(success.content || {}).find((content) => "example" in content);
  if (!given.length && !sent && !answered) return [];
  const written = (content) => content ? "\n\n" + JSON.stringify(content.example, null, 2) : "";
  const line = `${method.toUpperCase()} ${path}${query ? "?" + query : ""}`;
  return [el("h3", { textContent: t("example") }), box(line + written(sent), t("sent")), box(status + written(answered), t("answered"))];
}

// By status: the codes that this operation has of its own, then those of every operation with that status.
function problemTable(operation) {
  const rows = Object.keys(operation.responses).filter((status) => status >= "400").map((status) => {
    const cases = catalogue.problems.flatMap((problem) => problem.cases.map((told) => ({ code: problem.code, ...told })))
      .filter((told) => String(told.status) === status);
    const own = cases.filter((told) => told.operations.includes(operation.operationId));
    const general = cases.filter((told) => ["any", "unreadable"].includes(told.where) && !own.some((mine) => mine.code === told.code));
    return el("tr", {},
      el("td", { textContent: `${status} ${catalogue.titles[status][language]}` }),
      el("td", {}, ...codeLinks(own), general.length && own.length ? el("br") : null,
        general.length ? el("span", { className: "note" }, t("general") + ": ", ...codeLinks(general)) : null));
  });
  return el("table", { className: "problems" }, el("tbody", {}, ...rows));
}

function codeLinks(cases) {
  const unique = new Map(cases.map((told) => [told.code, told]));
  return [...unique.values()].flatMap((told, place) => [place ? ", " : "",
    el("a", { href: "/docs/errors#" + told.code, title: told[language] }, el("code", { textContent: told.code }))]);
}

function inside(path, method, operation) {
  const node = el("div", { className: "inside" });
  const parameters = operation.parameters || [];
  node.append(el("p", { className: "note", textContent: `${t("permission")}: ${operation["x-permission"]}` }));
  if (operation.description) node.append(el("p", {}, ...inline(operation.description)));
  node.append(...exampleOf(path, method, operation));
  if (parameters.length) {
    node.append(el("h3", { textContent: t("parameters") }), el("table", {}, el("tbody", {}, ...parameters.map(parameterRow))));
  }
  const content = operation.requestBody && Object.values(operation.requestBody.content)[0];
  if (content) {
    const text = el("textarea", { value: JSON.stringify(skeleton(content.schema), null, 2), spellcheck: false });
    text.setAttribute("aria-label", t("body"));
    node.append(el("h3", { textContent: t("body") }), text, fieldTable(resolve(content.schema)));
  }
  const [, success] = successOf(operation);
  if (success.content) {
    node.append(el("h3", { textContent: t("answer") }), fieldTable(resolve(Object.values(success.content)[0].schema)));
  }
  node.append(el("h3", { textContent: t("problems") }), problemTable(operation));
  const output = box("", t("outcome"));
  output.hidden = true;
  output.setAttribute("role", "status");
  const go = el("button", { type: "button", className: "go", textContent: t("send") });
  go.addEventListener("click", () => send(path, method, node, output));
  node.append(go, output);
  return node;
}

function fieldTable(schema) {
  const rows = Object.entries(schema.properties || {}).map(([name, inner]) => el("tr", {},
    el("td", {}, el("code", { textContent: name })),
    el("td", { textContent: typeName(inner.allOf ? resolve(inner.allOf[0]) : inner) + ((schema.required || []).includes(name) ? ", " + t("required") : "") }),
    el("td", { className: "note" }, ...inline(inner.description || ""), inner.maxLength ? ` (≤ ${inner.maxLength})` : "")));
  return el("table", {}, el("tbody", {}, ...rows));
}

function operationNode(path, method, operation) {
  const summary = [el("span", { className: `method ${method}`, textContent: method.toUpperCase() }),
    el("code", { textContent: path }), el("span", { textContent: operation.summary })];
  const text = `${path} ${operation.summary} ${operation.operationId}`;
  return entry(operation.operationId, summary, text, () => inside(path, method, operation));
}

function render() {
  for (const name of ["email", "password"]) {
    $(`[name=${name}]`).placeholder = t(name);
    $(`[name=${name}]`).setAttribute("aria-label", t(name));
  }
  $("#sign-in button").textContent = t("signIn");
  const nodes = new Map(api.tags.map((tag) => [tag.name, []]));
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      nodes.get(operation.tags[0]).push(operationNode(path, method, operation));
    }
  }
  const introductions = new Map(api.tags.map((tag) => [tag.name, tag.description]));
  const guides = chapters(api.info.description).map(([heading, told], place) => [`guide-${place}`, heading || t("guide"), told]);
  const groups = api["x-tagGroups"].flatMap((group) => [
    [`group-${group.name}`, group.name, [el("p", { textContent: group.description })]],
    ...group.tags.map((tag) => [tag, tag, [el("p", { textContent: introductions.get(tag) }), ...nodes.get(tag)]]),
  ]);
  show([...guides, ...groups]);
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

// The documents in a language are asked for once.
const documents = {};

async function load() {
  documents[language] ??= Promise.all(["/openapi.json", "/docs/errors.json"].map(async (address) =>
    (await fetch(address, { headers: { "Accept-Language": language } })).json()));
  [api, catalogue] = await documents[language];
  render();
}

$("#sign-in").addEventListener("submit", signIn);
listen(load);
