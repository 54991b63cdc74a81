/*
 * The search: tables, columns, methods and indexes by any part of their names, the best first.
 */
"use strict";

const searchBox = document.getElementById("search");
const searchResults = document.getElementById("results");
const searchStatus = document.getElementById("search-status");
const MOST_RESULTS = 50;
const KINDS = ["table", "column", "method", "index", "not emitted"];

/** All that can be found: `{kind, name, table, href, text}`. */
const entries = tables.flatMap((table) => [
  { kind: "table", name: table.name, table, href: addressOf(table), text: `${table.name} ${table.table} ${table.attribute}` },
  ...table.columns.map(({ name, column }) => entry("column", name, table, columnAddress(table, name), column)),
  ...table.methods.map(({ name }) => entry("method", name, table, addressOf(table, "methods", name))),
  ...table.indexes.map((index) => entry("index", indexTitle(index), table, indexAddress(table, index))),
  ...table.absent.map(({ name }) => entry("not emitted", name, table, addressOf(table, "absent", name))),
]);

function entry(kind, name, table, href, more = "") {
  return { kind, name, table, href, text: `${table.name}.${name} ${table.table}.${name} ${table.attribute}.${name} ${more}` };
}

for (const each of entries) each.text = each.text.toLowerCase();

/** Return the entries with every word of the query in them: exact names first, then beginnings, tables before others. */
function find(query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const matching = entries.filter(({ text }) => words.every((word) => text.includes(word)));
  return matching
    .map((each) => ({ each, rank: rank(each, words) }))
    .sort((one, other) => one.rank - other.rank || one.each.name.length - other.each.name.length)
    .map(({ each }) => each);
}

function rank({ kind, name }, words) {
  const lower = name.toLowerCase();
  const query = words.join(" ");
  const match = lower === query ? 0 : lower.startsWith(query) ? 1 : words.every((word) => lower.includes(word)) ? 2 : 3;
  return match * 10 + KINDS.indexOf(kind);
}

let selected = -1;

function showResults() {
  const found = find(searchBox.value);
  searchResults.replaceChildren(...found.slice(0, MOST_RESULTS).map(result));
  const isOpen = Boolean(searchBox.value.trim());
  searchResults.hidden = !isOpen || !found.length;
  searchBox.setAttribute("aria-expanded", String(!searchResults.hidden));
  searchStatus.textContent = !isOpen ? "" : found.length ? plural(found.length, "result") : "Nothing found";
  searchStatus.classList.toggle("none", isOpen && !found.length);
  select(found.length ? 0 : -1);
}

function result({ kind, name, table, href }, number) {
  const option = h(
    "li",
    { role: "option", id: `result-${number}`, "data-href": href, "aria-selected": "false" },
    h("span", { class: `kind kind-${kind.replace(" ", "-")}` }, kind),
    h("span", { class: "found" }, name),
    kind !== "table" && h("span", { class: "of" }, table.name),
  );
  option.addEventListener("click", () => open(option));
  return option;
}

function select(number) {
  const options = searchResults.children;
  options[selected]?.setAttribute("aria-selected", "false");
  selected = number;
  if (options[number]) {
    options[number].setAttribute("aria-selected", "true");
    options[number].scrollIntoView({ block: "nearest" });
    searchBox.setAttribute("aria-activedescendant", options[number].id);
  } else {
    searchBox.removeAttribute("aria-activedescendant");
  }
}

function open(option) {
  closeResults();
  searchBox.value = "";
  goTo(option.dataset.href);
}

function closeResults() {
  searchResults.hidden = true;
  searchBox.setAttribute("aria-expanded", "false");
  searchBox.removeAttribute("aria-activedescendant");
  searchStatus.textContent = "";
  searchStatus.classList.remove("none");
}

searchBox.addEventListener("input", showResults);
searchBox.addEventListener("focus", showResults);
searchBox.addEventListener("blur", () => setTimeout(closeResults, 150)); // a click on a result comes first
searchBox.addEventListener("keydown", (event) => {
  const count = searchResults.children.length;
  if (event.key === "ArrowDown" && count) select((selected + 1) % count);
  else if (event.key === "ArrowUp" && count) select((selected - 1 + count) % count);
  else if (event.key === "Enter" && searchResults.children[selected]) open(searchResults.children[selected]);
  else if (event.key === "Escape") {
    searchBox.value = "";
    closeResults();
    searchBox.blur();
  } else return;
  event.preventDefault();
  event.stopPropagation();
});
