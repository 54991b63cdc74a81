/*
 * Starts the page: the list of tables, addresses, the theme, buttons and keys.
 */
"use strict";

const root = document.documentElement;
const tableList = document.getElementById("table-list");
const filter = document.getElementById("filter");
const sidebar = document.getElementById("sidebar");
const keys = document.getElementById("keys");

/* The list of tables. */

function fillTableList() {
  const items = tables.map((table) => {
    const missing = table.missing_indexes.some((each) => each.foreign_key);
    const warning = missing && h("span", { class: "dot", role: "img", "aria-label": "a foreign key has no index", title: "A foreign key has no index" });
    return h("li", {}, h("a", { href: addressOf(table), "data-key": table.key }, h("span", {}, table.name), warning, h("span", { class: "of" }, table.table)));
  });
  tableList.replaceChildren(...items);
}

function filterTableList() {
  const word = filter.value.trim().toLowerCase();
  for (const item of tableList.children) item.hidden = !item.textContent.toLowerCase().includes(word);
}

function markInTableList(table) {
  for (const link of tableList.querySelectorAll("a")) {
    if (link.dataset.key === table?.key) {
      link.setAttribute("aria-current", "page");
      link.scrollIntoView({ block: "nearest" });
    } else link.removeAttribute("aria-current");
  }
}

/* Addresses. */

/** Go to an address; to the present one again, to bring its element back into view. */
function goTo(href) {
  if (location.hash === href) followAddress();
  else location.hash = href;
}

function followAddress() {
  const { view, table, element } = parseAddress(location.hash);
  const wasOpen = !panel.hidden;
  const wasShown = panel.dataset.shown;
  if (view === "table") showDetails(table, element);
  else if (view === "overview") showOverview();
  else hideDetails();
  closeSidebar();
  chooseTable(table ?? null);
  markInTableList(table);
  document.title = table ? `${table.name} · ${root.dataset.title}` : root.dataset.title;
  if (table && (!wasOpen || wasShown !== table.key)) showTable(table, wasOpen);
  if (view !== "none" && !element && wasShown !== panel.dataset.shown) {
    document.getElementById("panel-title").focus({ preventScroll: true });
  }
}

/** Close the panel; the focus goes back to the table in the diagram. */
function closePanel() {
  const table = tableByKey.get(panel.dataset.shown);
  history.pushState(null, "", location.pathname + location.search);
  followAddress();
  if (table) focusTable(table);
  else document.getElementById("overview").focus();
}

/* The list of tables on narrow screens. */

function toggleSidebar() {
  const isOpen = sidebar.classList.toggle("open");
  document.getElementById("menu").setAttribute("aria-expanded", String(isOpen));
  if (isOpen) filter.focus();
}

function closeSidebar() {
  sidebar.classList.remove("open");
  document.getElementById("menu").setAttribute("aria-expanded", "false");
}

/* The theme: the system's, until it is chosen. */

const themeButton = document.getElementById("theme");
const systemDark = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : systemDark.matches;
}

function labelTheme() {
  themeButton.setAttribute("aria-label", isDark() ? "Use the light theme" : "Use the dark theme");
  themeButton.title = themeButton.getAttribute("aria-label");
}

function toggleTheme() {
  root.dataset.theme = isDark() ? "light" : "dark";
  try {
    localStorage.setItem("ctrlgen-theme", root.dataset.theme);
  } catch {
    // a page from a file may not store anything
  }
  labelTheme();
}

function restoreTheme() {
  try {
    const stored = localStorage.getItem("ctrlgen-theme");
    if (["light", "dark"].includes(stored)) root.dataset.theme = stored;
  } catch {
    // as above
  }
  labelTheme();
}

/* Keys. */

const SHORTCUTS = {
  "/": () => searchBox.focus(),
  "+": () => zoomBy(1.3),
  "=": () => zoomBy(1.3),
  "-": () => zoomBy(1 / 1.3),
  0: () => fitDiagram(),
  d: () => focusTable(chosenTable ?? tables[0]),
  "?": () => keys.showModal(),
};

document.addEventListener("keydown", (event) => {
  const isSearch = event.key === "k" && (event.ctrlKey || event.metaKey);
  if (isSearch) {
    event.preventDefault();
    searchBox.focus();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, dialog")) return;
  if (event.key === "Escape") {
    if (sidebar.classList.contains("open")) closeSidebar();
    else if (!panel.hidden) closePanel();
    return;
  }
  const action = SHORTCUTS[event.key];
  if (action && tables.length) {
    event.preventDefault();
    action();
  }
});

/* Start. */

document.getElementById("zoom-in").addEventListener("click", () => zoomBy(1.3));
document.getElementById("zoom-out").addEventListener("click", () => zoomBy(1 / 1.3));
document.getElementById("fit").addEventListener("click", () => fitDiagram());
document.getElementById("close").addEventListener("click", closePanel);
document.getElementById("menu").addEventListener("click", toggleSidebar);
document.getElementById("help").addEventListener("click", () => keys.showModal());
themeButton.addEventListener("click", toggleTheme);
systemDark.addEventListener("change", labelTheme);
filter.addEventListener("input", filterTableList);
detail.addEventListener("change", () => {
  drawDiagram();
  fitDiagram(false);
  emphasize(chosenTable);
});
// A link to where one is already brings its element back into view.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (link && link.getAttribute("href") === location.hash && !event.defaultPrevented) followAddress();
});
window.addEventListener("hashchange", followAddress);

function start() {
  restoreTheme();
  fillTableList();
  detail.value = tables.length > MANY_TABLES || diagram.clientWidth < NARROW ? "keys" : "all";
  drawDiagram();
  showStart();
  followAddress();
  root.dataset.ready = "";
}

setTimeout(start); // after panzoom, which goes to its own start in a timer
