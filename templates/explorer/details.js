/*
 * The panel beside the diagram: everything about a table, or what there is to know of all of them.
 */
"use strict";

const panel = document.getElementById("panel");
const panelTitle = document.getElementById("panel-title");
const panelContent = document.getElementById("panel-content");

/** Show a table, and open and bring into view the part of it that an address names. */
function showDetails(table, element) {
  if (panel.dataset.shown !== table.key) {
    panelTitle.textContent = table.name;
    panelContent.replaceChildren(...tableDetails(table));
    panelContent.scrollTop = 0;
  }
  panel.dataset.shown = table.key;
  panel.hidden = false;
  if (element) revealElement(element);
}

function hideDetails() {
  panel.hidden = true;
  delete panel.dataset.shown;
  panelContent.replaceChildren();
}

/** Open what an address names, bring it into view, and put the focus there. */
function revealElement(id) {
  const element = document.getElementById(id);
  if (!element) return;
  for (const marked of panelContent.querySelectorAll(".target")) marked.classList.remove("target");
  element.classList.add("target");
  if (element instanceof HTMLDetailsElement) element.open = true;
  (element.querySelector("summary") ?? element).focus({ preventScroll: true });
  element.scrollIntoView({ block: "start", behavior: calm.matches ? "auto" : "smooth" });
}

/* A table. */

const RELATIONSHIP_KINDS = new Set(["load", "add", "remove", "set"]);

function tableDetails(table) {
  const backed = table.methods.filter((method) => indexBehind(table, method));
  const loaders = table.methods.filter((method) => RELATIONSHIP_KINDS.has(method.kind));
  const others = table.methods.filter((method) => !backed.includes(method) && !loaders.includes(method));
  return [
    h(
      "p",
      { class: "facts" },
      h("span", {}, "table ", h("code", {}, qualifiedName(table))),
      h("span", {}, h("code", {}, `db.${table.attribute}`)),
      h("span", {}, h("code", {}, table.controller)),
      h("span", {}, h("code", {}, table.location)),
    ),
    table.doc && h("p", { class: "doc" }, prose(table.doc)),
    table.comment && h("p", { class: "doc" }, table.comment),
    missingForeignKeys(table),
    section("Columns", table.columns.length, columnTable(table)),
    section("Keys and indexes", table.indexes.length, ...table.indexes.map((index) => indexCard(table, index))),
    section("Relationships", table.relationships.length, relationshipList(table)),
    section("Foreign keys", table.foreign_keys.length, foreignKeyList(table)),
    section("Referred to by", referrersOf(table).length, referrerList(table)),
    section("Methods by key or index", backed.length, ...backed.map((method) => methodCard(table, method))),
    section("Methods of relationships", loaders.length, ...loaders.map((method) => methodCard(table, method))),
    section("Methods on any rows", others.length, ...others.map((method) => methodCard(table, method))),
    section("Not emitted, and why", table.absent.length, absentList(table)),
    section("Indexes that would give a finder", optionalIndexes(table).length, ...optionalIndexes(table).map(missingIndex)),
  ].filter(Boolean);
}

/** A part of the panel with its heading and the number of what it holds; one that has nothing is left out. */
function section(title, count, ...content) {
  if (!count) return null;
  const id = `section-${title.toLowerCase().replace(/\W+/g, "-")}`;
  const heading = h("h3", { id }, title, " ", count !== true && h("span", { class: "count" }, String(count)));
  return h("section", { "aria-labelledby": id }, heading, ...content);
}

function columnTable(table) {
  const heads = ["Column", "Type", "Keys"].map((name) => h("th", { scope: "col" }, name));
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "group", "aria-label": "Columns" },
    h("table", {}, h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...table.columns.map((each) => columnRow(table, each)))),
  );
}

function columnRow(table, column) {
  const indexes = table.indexes
    .map((index) => ({ index, number: index.parts.findIndex((part) => isColumn(part, column.name)) }))
    .filter(({ number }) => number >= 0);
  const keys = table.foreign_keys.filter((key) => key.columns.includes(column.name));
  return h(
    "tr",
    { id: elementId(table, "columns", column.name), tabindex: -1 },
    h(
      "th",
      { scope: "row" },
      h("span", { class: "column-name" }, column.name),
      column.column !== column.name && h("span", { class: "note" }, `in the database ${column.column}`),
      column.comment && h("span", { class: "note" }, column.comment),
    ),
    h("td", {}, h("code", {}, column.type), h("span", { class: "note", title: column.sql_type }, shortType(column), ...defaultOf(column))),
    h(
      "td",
      { class: "chips" },
      ...indexes.map(({ index, number }) =>
        h("a", { class: "chip", href: indexAddress(table, index) }, shortOrigin(index) + (number ? `, column ${number + 1}` : "")),
      ),
      ...keys.map((key) => referenceTo(targetOf(key), "chip")),
    ),
  );
}

/** Whether a part of an index is a column, perhaps with an operator class and an order, and no expression. */
function isColumn(part, name) {
  return part === name || (part.startsWith(`${name} `) && /^[\w ]+$/.test(part));
}

/** What a new row gets where it does not give the value. */
function defaultOf(column) {
  if (column.presence === "required") return [", required"];
  if (column.presence === "computed") return [", computed"];
  if (column.default === null || column.default === "None") return [];
  return [", default ", h("code", {}, column.default)];
}

function shortOrigin(index) {
  const words = { "primary key": "primary key", "unique constraint": "unique", "unique index": "unique", index: "index" };
  return `${words[index.origin]}${index.where ? ", partial" : ""}`;
}

/** A link to a table; one without a model has nothing to show. */
function referenceTo(table, style = "") {
  return table.external ? h("span", { class: style }, table.name) : h("a", { class: style, href: addressOf(table) }, table.name);
}

function indexCard(table, index) {
  const facts = [index.origin, index.method !== "btree" && index.method, index.nulls_not_distinct && "NULLs are equal"];
  return h(
    "div",
    { class: "card", id: `indexes:${table.indexes.indexOf(index)}`, tabindex: -1 },
    h("p", { class: "card-title" }, h("code", {}, indexTitle(index)), h("span", { class: "note" }, facts.filter(Boolean).join(", "))),
    h("p", {}, h("code", {}, `(${index.parts.join(", ")})`), index.where && [" where ", h("code", {}, index.where)]),
    index.include.length > 0 && h("p", {}, "includes ", h("code", {}, index.include.join(", "))),
    h("p", { class: "note" }, index.location),
    index.backs.length
      ? h(
          "p",
          { class: "chips" },
          h("span", { class: "note" }, "backs"),
          ...index.backs.map((name) => h("a", { class: "chip", href: addressOf(table, "methods", name) }, h("code", {}, name))),
        )
      : h("p", { class: "note" }, "backs no method by itself"),
  );
}

function relationshipList(table) {
  return h("ul", { class: "plain" }, ...table.relationships.map((each) => h("li", {}, relationshipText(table, each))));
}

function relationshipText(table, relationship) {
  const target = tableByModel.get(relationship.target);
  const name = relationship.target.split(".").at(-1);
  return [
    h("code", {}, relationship.name),
    ` → ${relationship.many ? "many " : relationship.optional ? "one or no " : "one "}`,
    target ? referenceTo(target) : name,
    relationship.through && [" through ", h("code", {}, relationship.through)],
    relationship.loader && [", loaded by ", methodLink(table, relationship.loader)],
  ]
    .flat()
    .filter(Boolean);
}

function methodLink(table, name) {
  return h("a", { href: addressOf(table, "methods", name) }, h("code", {}, name));
}

function foreignKeyList(table) {
  const items = table.foreign_keys.map((key) =>
    h(
      "li",
      {},
      h("code", {}, key.columns.join(", ")),
      " → ",
      referenceTo(targetOf(key)),
      h("code", {}, ` (${key.target_columns.join(", ")})`),
      key.on_delete && h("span", { class: "note" }, `on delete ${key.on_delete.toLowerCase()}`),
      !key.indexed && h("span", { class: "warning" }, "no index"),
    ),
  );
  return h("ul", { class: "plain" }, ...items);
}

function referrerList(table) {
  const items = referrersOf(table).map(({ from, foreignKey }) =>
    h("li", {}, referenceTo(from), h("code", {}, ` (${foreignKey.columns.join(", ")})`)),
  );
  return h("ul", { class: "plain" }, ...items);
}

/* Methods. */

function methodCard(table, method) {
  const index = indexBehind(table, method);
  return h(
    "details",
    { class: "method", id: elementId(table, "methods", method.name) },
    h(
      "summary",
      {},
      h("code", { class: "method-name" }, method.name),
      method.scans && h("span", { class: "warning" }, "scans"),
      method.problem && h("span", { class: "warning" }, "unknown"),
    ),
    h("pre", { class: "signature", tabindex: 0, "aria-label": "Signature" }, brokenSignature(method.signature)),
    method.doc && h("p", {}, prose(method.doc)),
    h("p", { class: "note" }, prose(method.summary)),
    method.problem && h("p", { class: "warning" }, method.problem),
    ...method.statements.map((statement) => statementBlock(statement, table)),
    index &&
      h("p", { class: "backing" }, "Backed by ", h("a", { href: indexAddress(table, index) }, h("code", {}, indexTitle(index)))),
  );
}

/** A signature with a parameter on each line, if it is long. */
function brokenSignature(signature) {
  if (signature.length <= 64) return signature;
  const open = signature.indexOf("(");
  const close = signature.lastIndexOf(") -> ");
  const parameters = splitOutside(signature.slice(open + 1, close));
  if (!parameters.length) return signature;
  return `${signature.slice(0, open)}(\n${parameters.map((each) => `    ${each},\n`).join("")}${signature.slice(close)}`;
}

/** Split at commas outside of brackets and quotes. */
function splitOutside(text) {
  const parts = [""];
  let [depth, quote] = [0, ""];
  for (const character of text) {
    if (quote) quote = character === quote ? "" : quote;
    else if ("'\"".includes(character)) quote = character;
    else if ("([{".includes(character)) depth += 1;
    else if (")]}".includes(character)) depth -= 1;
    if (character === "," && depth === 0 && !quote) parts.push("");
    else parts[parts.length - 1] += character;
  }
  return parts.map((part) => part.trim()).filter(Boolean);
}

const CLAUSE = / (?=(?:(?<!DELETE )FROM|WHERE|SET|VALUES|ON CONFLICT|RETURNING|ORDER BY|LIMIT)\b)/;
const KEYWORD = /\b([A-Z]{2,}(?: [A-Z]{2,})*)\b/;

/** A statement with a clause on each line; the columns that all of a table's select or return are folded. */
function statementBlock(statement, table) {
  const clauses = statement.sql.split(/\s+/).join(" ").split(CLAUSE);
  const content = clauses.map((clause, number) => [number ? "\n  " : "", foldedColumns(clause, table)]);
  const used = statement.parameters.map((name, number) => `$${number + 1} ${name}`).join(", ");
  return h(
    "figure",
    {},
    h("pre", { class: "sql", tabindex: 0, "aria-label": "SQL" }, content.flat(2)),
    used && h("figcaption", { class: "note" }, used),
  );
}

function foldedColumns(clause, table) {
  const position = table.columns.length > 2 ? clause.indexOf(table.select_list) : -1;
  if (position < 0) return highlighted(clause);
  const label = `${table.columns.length} columns`;
  const button = h("button", { class: "folded", "aria-label": `Show the ${label}` }, `‹${label}›`);
  button.addEventListener("click", () => button.replaceWith(table.select_list));
  return [
    ...highlighted(clause.slice(0, position)),
    button,
    ...highlighted(clause.slice(position + table.select_list.length)),
  ];
}

function highlighted(sql) {
  return sql.split(KEYWORD).map((part, number) => (number % 2 ? h("b", {}, part) : part));
}

/* What is missing. */

function absentList(table) {
  const items = table.absent.map(({ name, reason }) => [
    h("dt", { id: elementId(table, "absent", name), tabindex: -1 }, h("code", {}, name)),
    h("dd", {}, prose(reason)),
  ]);
  return h("dl", { class: "absent" }, ...items.flat());
}

function missingForeignKeys(table) {
  const missing = table.missing_indexes.filter((each) => each.foreign_key);
  if (!missing.length) return null;
  const title = missing.length === 1 ? "A foreign key has no index" : `${missing.length} foreign keys have no index`;
  return h("div", { class: "callout", role: "note" }, h("p", {}, title, ". In ", h("code", {}, "__table_args__"), ":"), ...missing.map(missingIndex));
}

function optionalIndexes(table) {
  return table.missing_indexes.filter((each) => !each.foreign_key);
}

function missingIndex({ finder, source }) {
  const button = h("button", { class: "copy", "aria-label": `Copy the index for ${finder}` }, "Copy");
  button.addEventListener("click", () => copy(source, button));
  return h("div", { class: "missing" }, h("p", { class: "note" }, "for ", h("code", {}, finder)), h("div", { class: "copied" }, h("code", {}, source), button));
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed";
  }
  setTimeout(() => (button.textContent = "Copy"), 1500);
}

/* All tables. */

function showOverview() {
  const external = [...externalTables.values()];
  panelTitle.textContent = "Overview";
  panelContent.replaceChildren(
    ...[
      h("p", {}, `${plural(tables.length, "table")}, ${plural(edges.length, "connection")}, ${plural(methodCount, "method")}.`),
      explanation.incomplete && h("div", { class: "callout", role: "note" }, h("p", {}, explanation.incomplete)),
      section("Foreign keys without an index", unindexedForeignKeys.length, ...unindexedForeignKeys.map(unindexed)),
      section("Tables without a model here", external.length, h("ul", { class: "plain" }, ...external.map((each) => h("li", {}, each.name)))),
      section("Reading the diagram", true, legend()),
    ].filter(Boolean),
  );
  panelContent.scrollTop = 0;
  panel.dataset.shown = "overview";
  panel.hidden = false;
}

function unindexed({ table, missing }) {
  return h("div", {}, h("p", {}, referenceTo(table), " ", h("span", { class: "note" }, table.location)), missingIndex(missing));
}

function legend() {
  const marks = [
    ["PK, FK", "a column of the primary key, of a foreign key"],
    ["type?", "the column may be NULL"],
    ["crow's foot", "many rows refer to one"],
    ["bar", "exactly one row"],
    ["ring", "one row or none: the foreign key may be NULL"],
    ["dashed line", "many to many, through a table without a model"],
    ["dashed box", "a table without a model here"],
  ];
  return h("dl", { class: "legend" }, ...marks.flatMap(([mark, meaning]) => [h("dt", {}, mark), h("dd", {}, meaning)]));
}
