/*
 * The data of the page, which is what `ctrlgen explain --format json` prints, and ways to look things up in it.
 */
"use strict";

const explanation = JSON.parse(document.getElementById("explanation").textContent);

/** The tables, each with a `key` (its attribute of `db`), by which addresses and elements name it. */
const tables = explanation.models.map((model) => ({ ...model, key: model.attribute, external: false }));

const tableByKey = new Map(tables.map((table) => [table.key, table]));
const tableByModel = new Map(tables.map((table) => [`${table.module}.${table.name}`, table]));

/** Tables that foreign keys lead to and that no explained model stands for: drawn without columns. */
const externalTables = new Map();

/** What connects two tables: a foreign key, or a table of links that no model stands for. */
const edges = [...tables.flatMap(foreignKeyEdges), ...linkEdges()];

const edgesByTable = new Map();
for (const edge of edges) {
  for (const end of new Set([edge.from, edge.to])) {
    if (!edgesByTable.has(end.key)) edgesByTable.set(end.key, []);
    edgesByTable.get(end.key).push(edge);
  }
}

function edgesOf(table) {
  return edgesByTable.get(table.key) ?? [];
}

/** The foreign keys of other tables that lead to this one. */
function referrersOf(table) {
  return edgesOf(table).filter((edge) => edge.foreignKey && edge.to === table);
}

function foreignKeyEdges(table) {
  return table.foreign_keys.map((foreignKey) => ({
    from: table,
    to: targetOf(foreignKey),
    foreignKey,
    label: foreignKeyLabel(table, foreignKey),
  }));
}

function targetOf(foreignKey) {
  return tableByModel.get(foreignKey.target) ?? externalTable(foreignKey.table);
}

function externalTable(name) {
  if (!externalTables.has(name)) {
    const nothing = { columns: [], indexes: [], foreign_keys: [], relationships: [], methods: [] };
    externalTables.set(name, { ...nothing, key: `external:${name}`, name, table: name, external: true });
  }
  return externalTables.get(name);
}

function foreignKeyLabel(table, foreignKey) {
  const target = targetOf(foreignKey).name;
  const action = foreignKey.on_delete ? `, on delete ${foreignKey.on_delete.toLowerCase()}` : "";
  return `${table.name}.${foreignKey.columns.join(", ")} → ${target}.${foreignKey.target_columns.join(", ")}${action}`;
}

/** Many-to-many relationships through a table without a model; both sides of one are a single edge. */
function linkEdges() {
  const mapped = new Set(tables.map(qualifiedName));
  const links = new Map();
  for (const table of tables) {
    for (const relationship of table.relationships) {
      const target = tableByModel.get(relationship.target);
      if (!target || !relationship.through || mapped.has(relationship.through)) continue;
      const identity = JSON.stringify([relationship.through, ...[table.key, target.key].sort()]);
      const label = `${table.name} ↔ ${target.name}, through ${relationship.through}`;
      if (!links.has(identity)) links.set(identity, { from: table, to: target, foreignKey: null, label });
    }
  }
  return [...links.values()];
}

/** The index that backs a method; the index is what knows of it. */
function indexBehind(table, method) {
  return table.indexes.find((index) => index.backs.includes(method.name));
}

/** A table's name, with its schema if it has one. */
function qualifiedName(table) {
  return table.schema ? `${table.schema}.${table.table}` : table.table;
}

/** What an index is called: many have no name. */
function indexTitle(index) {
  return index.name ?? `${index.origin} (${index.parts.join(", ")})`;
}

/** The foreign keys without an index, over all tables: `{table, missing}`. */
const unindexedForeignKeys = tables.flatMap((table) =>
  table.missing_indexes.filter((missing) => missing.foreign_key).map((missing) => ({ table, missing })),
);

const methodCount = tables.reduce((count, table) => count + table.methods.length, 0);

/* Addresses: `#/user`, `#/user/methods/get_by_id`, `#/user/indexes/ix_users_name`. */

function addressOf(table, kind, name) {
  return `#/${[table.key, kind, name].filter((part) => part !== undefined).map(encodeURIComponent).join("/")}`;
}

function indexAddress(table, index) {
  return addressOf(table, "indexes", index.name ?? String(table.indexes.indexOf(index)));
}

function columnAddress(table, column) {
  return addressOf(table, "columns", column);
}

/** What an address stands for: `{view, table, element}`, where `element` is the id of what to show in the panel. */
function parseAddress(hash) {
  const [key, kind, name] = hash.replace(/^#\/?/, "").split("/").map(decoded);
  if (key === "overview" && kind === "all") return { view: "overview" };
  const table = tableByKey.get(key);
  if (!table) return { view: "none" };
  return { view: "table", table, element: kind && name !== undefined ? elementId(table, kind, name) : undefined };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The id of a method, column or index in the panel; an index may be named by its number. */
function elementId(table, kind, name) {
  if (kind !== "indexes") return `${kind}:${name}`;
  const position = table.indexes.findIndex((index) => index.name === name);
  return `indexes:${position >= 0 ? position : name}`;
}

/* Words for types, short enough for the diagram. */

const SHORT_TYPES = new Map([
  ["TIMESTAMP WITH TIME ZONE", "timestamptz"],
  ["TIMESTAMP WITHOUT TIME ZONE", "timestamp"],
  ["TIME WITH TIME ZONE", "timetz"],
  ["TIME WITHOUT TIME ZONE", "time"],
  ["DOUBLE PRECISION", "float8"],
  ["CHARACTER VARYING", "varchar"],
]);

function shortType(column) {
  return SHORT_TYPES.get(column.sql_type) ?? (column.sql_type.toLowerCase() || column.type);
}
