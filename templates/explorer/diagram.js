/*
 * The diagram: draws tables and lines as SVG, moves and zooms it, and lets the arrow keys go from table to table.
 */
"use strict";

const ROW = 20;
const HEAD = 34;
const MARK = 18; // from one mark to the next
const MANY_TABLES = 40; // from here on the diagram begins with the columns of keys only
const NAME_FONT = "600 14px system-ui, sans-serif";
const COLUMN_FONT = "600 12px system-ui, sans-serif";
const TYPE_FONT = "11px ui-monospace, monospace";
const FAR_SIZE = 24; // by which names that stand alone are measured
const FAR_FONT = `600 ${FAR_SIZE}px system-ui, sans-serif`;
const FAR = 0.42; // the scale below which columns cannot be read, and names stand alone
const NARROW = 700; // the width below which the panel lies over the diagram
const [SMALLEST, LARGEST] = [0.02, 2.5];

const diagram = document.getElementById("diagram");
const world = document.getElementById("world");
const lines = document.getElementById("lines");
const nodes = document.getElementById("nodes");
const detail = document.getElementById("detail");

const ruler = document.createElement("canvas").getContext("2d");
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** What is drawn: each table's box by its key, and the size of the whole. */
let drawn = { boxes: new Map(), width: 0, height: 0 };

const panzoom = Panzoom(world, {
  canvas: true,
  cursor: "grab",
  minScale: SMALLEST,
  maxScale: LARGEST,
  step: 0.2,
  overflow: "hidden",
  duration: 220,
});

/* Drawing. */

/** Lay the diagram out and draw it anew; `detail` says which columns tables show. */
function drawDiagram() {
  const start = performance.now();
  const shown = [...tables, ...externalTables.values()];
  const boxes = shown.map(measured);
  const { positions, width, height } = layOut(boxes, edges, Math.max(0.6, diagram.clientWidth / diagram.clientHeight));
  for (const box of boxes) Object.assign(box, positions.get(box.table.key));
  drawn = { boxes: new Map(boxes.map((box) => [box.table.key, box])), width, height };
  // Where Tab and the screen reader go is the order of the list of tables.
  nodes.replaceChildren(...boxes.map(node));
  lines.replaceChildren(...edges.map(line));
  document.documentElement.dataset.layout = Math.round(performance.now() - start);
}

/** The rows of a table in the diagram. */
function rowsOf(table) {
  if (detail.value === "none") return [];
  const foreign = new Set(table.foreign_keys.flatMap((key) => key.columns));
  const rows = table.columns.map((column) => ({
    column,
    type: shortType(column) + (column.nullable ? "?" : ""),
    marks: [column.primary_key && "PK", foreign.has(column.name) && "FK"].filter(Boolean),
  }));
  return detail.value === "keys" ? rows.filter((row) => row.marks.length) : rows;
}

function measured(table) {
  const rows = rowsOf(table);
  const title = textWidth(table.name, NAME_FONT);
  const widest = rows.map(({ column, type, marks }) => textWidth(column.name, COLUMN_FONT) + typeWidth(type) + 26 + nameX(marks));
  const width = Math.ceil(Math.min(340, Math.max(150, title + 32, ...widest)));
  return { table, rows, width, height: HEAD + rows.length * ROW + (rows.length ? 6 : 0) };
}

/** Where the name of a column begins: after room for one mark, or for two. */
function nameX(marks) {
  return marks.length > 1 ? 36 + MARK : 36;
}

function typeWidth(type) {
  return Math.min(textWidth(type, TYPE_FONT), 120);
}

const widths = new Map();

function textWidth(text, font) {
  const key = `${font} ${text}`;
  if (!widths.has(key)) {
    ruler.font = font;
    widths.set(key, ruler.measureText(text).width);
  }
  return widths.get(key);
}

/** A text that ends in dots where it is wider than its room. */
function clipped(text, width, font) {
  if (textWidth(text, font) <= width) return text;
  let end = text.length;
  while (end > 1 && textWidth(`${text.slice(0, end)}…`, font) > width) end -= 1;
  return `${text.slice(0, end)}…`;
}

function node(box, position) {
  const { table, rows, width, height, x, y } = box;
  const farSize = Math.min(28, Math.max(16, ((width - 16) * FAR_SIZE) / textWidth(table.name, FAR_FONT)));
  const content = [
    svg("rect", { class: "ground", width, height, rx: 8 }),
    svg("path", { class: "head", d: headPath(width, rows.length ? HEAD : height, rows.length > 0) }),
    svg("text", { class: "name", x: 12, y: 22 }, clipped(table.name, width - 24, NAME_FONT)),
    svg(
      "text",
      { class: "far-name", x: width / 2, y: height / 2, "font-size": Math.round(farSize) },
      clipped(table.name, ((width - 8) * FAR_SIZE) / farSize, FAR_FONT),
    ),
    ...rows.map((row, number) => drawnRow(row, width, HEAD + 3 + number * ROW)),
    svg("rect", { class: "outline", width, height, rx: 8 }),
    svg("title", {}, `${table.name}, table ${table.table}`),
  ];
  const place = { transform: `translate(${x} ${y})`, "data-table": table.key };
  if (table.external) {
    return svg("g", { ...place, class: "table external", role: "img", "aria-label": describe(table) }, ...content);
  }
  const link = { class: "table", href: addressOf(table), tabindex: position === 0 ? 0 : -1, "aria-label": describe(table) };
  return svg("a", { ...place, ...link }, ...content);
}

/** The head's outline: round above, and below too where no rows follow. */
function headPath(width, height, hasRows) {
  const below = hasRows ? `V${height}H0` : `V${height - 8}a8 8 0 0 1 -8 8H8a8 8 0 0 1 -8 -8`;
  return `M0 8a8 8 0 0 1 8 -8H${width - 8}a8 8 0 0 1 8 8${below}Z`;
}

function drawnRow({ column, type, marks }, width, y) {
  const typeRoom = typeWidth(type);
  const nameRoom = width - typeRoom - 22 - nameX(marks);
  return svg(
    "g",
    { class: `row${marks.length ? " key" : ""}`, transform: `translate(0 ${y})` },
    ...marks.map((mark, number) => svg("text", { class: `mark ${mark.toLowerCase()}`, x: 12 + MARK * number, y: 14 }, mark)),
    svg("text", { class: "column", x: nameX(marks), y: 14 }, clipped(column.name, nameRoom, COLUMN_FONT)),
    svg(
      "text",
      { class: "type", x: width - 12, y: 14 },
      clipped(type, typeRoom + 1, TYPE_FONT),
    ),
  );
}

/** What a screen reader says of a table in the diagram. */
function describe(table) {
  if (table.external) return `${table.name}, a table without a model here`;
  const targets = [...new Set(edgesOf(table).filter((edge) => edge.from === table).map((edge) => edge.to.name))];
  const sources = [...new Set(referrersOf(table).map((edge) => edge.from.name))];
  return [
    `${table.name}: ${plural(table.columns.length, "column")}, ${plural(table.methods.length, "method")}`,
    targets.length && `refers to ${targets.join(", ")}`,
    sources.length && `referred to by ${sources.join(", ")}`,
  ]
    .filter(Boolean)
    .join("; ");
}

/* Lines: from the column of the foreign key to the table that it refers to. */

function line(edge, number) {
  const [from, to] = [drawn.boxes.get(edge.from.key), drawn.boxes.get(edge.to.key)];
  const [startY, endY] = [rowY(from, edge.foreignKey?.columns), rowY(to, edge.foreignKey?.target_columns)];
  const [startSide, endSide] = sides(from, to);
  const start = { x: startSide > 0 ? from.x + from.width : from.x, y: startY, side: startSide };
  const end = { x: endSide > 0 ? to.x + to.width : to.x, y: endY, side: endSide };
  const d = way(start, end, passages(from, to, start, end, number));
  const many = !edge.foreignKey || !edge.foreignKey.unique;
  return svg(
    "g",
    { class: `line${edge.foreignKey ? "" : " linked"}`, "data-from": edge.from.key, "data-to": edge.to.key },
    svg("path", { class: "wide", d }, svg("title", {}, edge.label)),
    svg("path", { class: "thin", d }),
    many ? crowsFoot(start) : bar(start),
    !edge.foreignKey ? crowsFoot(end) : edge.foreignKey.nullable ? ring(end) : bar(end),
  );
}

/** The height at which a line meets a table: that of the column, or of the head. */
function rowY(box, columns) {
  const number = columns ? box.rows.findIndex(({ column }) => column.name === columns[0]) : -1;
  return box.y + (number < 0 ? HEAD / 2 : HEAD + 3 + number * ROW + ROW / 2);
}

/** On which side a line leaves one table and reaches the other: 1 is right, -1 left. */
function sides(from, to) {
  if (to.x >= from.x + from.width) return [1, -1];
  if (from.x >= to.x + to.width) return [-1, 1];
  return [1, 1];
}

/** A line that leaves and arrives level, and crosses the columns between level too. */
function way(start, end, between) {
  let d = `M${start.x} ${start.y}`;
  let here = start;
  for (const { left, right, y } of between) {
    const [near, far] = start.side > 0 ? [left, right] : [right, left];
    d += `${curve(here, { x: near, y, side: -start.side })}H${far}`;
    here = { x: far, y, side: start.side };
  }
  return d + curve(here, end);
}

function curve(start, end) {
  const reach = start.side === end.side ? 56 : Math.max(28, Math.min(160, Math.abs(end.x - start.x) / 2));
  return `C${start.x + start.side * reach} ${start.y} ${end.x + end.side * reach} ${end.y} ${end.x} ${end.y}`;
}

function crowsFoot({ x, y, side }) {
  return svg("path", { class: "end", d: `M${x} ${y - 6}L${x + side * 11} ${y}L${x} ${y + 6}` });
}

function bar({ x, y, side }) {
  return svg("path", { class: "end", d: `M${x + side * 7} ${y - 6}v12` });
}

function ring({ x, y, side }) {
  return svg("circle", { class: "end", cx: x + side * 8, cy: y, r: 4 });
}

/* Moving. */

/** Show the whole diagram, or where that would be too small on a narrow screen, the table with the most lines. */
function showStart() {
  const smallest = Math.min(diagram.clientWidth / drawn.width, diagram.clientHeight / drawn.height);
  if (diagram.clientWidth >= NARROW || smallest > FAR || !tables.length) return fitDiagram(false);
  const centre = tables.reduce((one, other) => (edgesOf(other).length > edgesOf(one).length ? other : one));
  const box = drawn.boxes.get(centre.key);
  moveTo({ ...box, scale: 0.6 }, 1, false);
}

/** Show the whole diagram. */
function fitDiagram(animate = true) {
  moveTo({ x: 0, y: 0, width: drawn.width, height: drawn.height }, 1, animate);
}

/** Bring a table into view, by default large enough to be read. */
function showTable(table, animate = true, scale = Math.max(0.9, panzoom.getScale())) {
  moveTo({ ...drawn.boxes.get(table.key), scale }, 1, animate);
}

/** Move so that a rectangle of the diagram stands in the middle; without a scale it fills the window. */
function moveTo({ x, y, width, height, scale }, largest, animate) {
  const [roomX, roomY] = [diagram.clientWidth, diagram.clientHeight];
  const fitting = Math.min((roomX - 48) / width, (roomY - 48) / height, largest);
  const chosen = Math.min(LARGEST, Math.max(SMALLEST, scale ?? fitting));
  const options = { animate: animate && !calm.matches, force: true };
  panzoom.zoom(chosen, options);
  panzoom.pan(roomX / 2 / chosen - x - width / 2, roomY / 2 / chosen - y - height / 2, options);
}

/** Whether a table can be seen whole where the diagram stands now. */
function isInView(table) {
  const box = nodeOf(table).getBoundingClientRect();
  const room = diagram.getBoundingClientRect();
  return box.left >= room.left && box.right <= room.right && box.top >= room.top && box.bottom <= room.bottom;
}

function nodeOf(table) {
  return nodes.querySelector(`[data-table="${CSS.escape(table.key)}"]`);
}

/* Standing out: the chosen table, or the one under the pointer or the focus, and all that it is connected with. */

let chosenTable = null;

function chooseTable(table) {
  chosenTable = table;
  emphasize(table);
}

function emphasize(table) {
  const near = new Set(table ? edgesOf(table).flatMap((edge) => [edge.from.key, edge.to.key]) : []);
  world.classList.toggle("emphasized", Boolean(table));
  for (const element of nodes.children) {
    const key = element.dataset.table;
    element.classList.toggle("chosen", key === table?.key);
    element.classList.toggle("near", near.has(key));
    if (key === chosenTable?.key) element.setAttribute("aria-current", "true");
    else element.removeAttribute("aria-current");
  }
  for (const element of lines.children) {
    element.classList.toggle("near", Boolean(table) && [element.dataset.from, element.dataset.to].includes(table.key));
  }
}

/* Keys: one table of the diagram can be reached by Tab; the arrows go on to the next in their direction. */

const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function focusTable(table) {
  for (const element of nodes.querySelectorAll("a")) element.setAttribute("tabindex", -1);
  const element = nodeOf(table);
  element.setAttribute("tabindex", 0);
  element.focus({ preventScroll: true });
}

function tableTowards(table, [dx, dy]) {
  const here = centre(drawn.boxes.get(table.key));
  let [nearest, shortest] = [null, Infinity];
  for (const box of drawn.boxes.values()) {
    const there = centre(box);
    const along = (there.x - here.x) * dx + (there.y - here.y) * dy;
    const across = Math.abs((there.x - here.x) * dy) + Math.abs((there.y - here.y) * dx);
    const distance = along + across * 2;
    if (!box.table.external && box.table !== table && along > 1 && distance < shortest) {
      [nearest, shortest] = [box.table, distance];
    }
  }
  return nearest;
}

function centre({ x, y, width, height }) {
  return { x: x + width / 2, y: y + height / 2 };
}

/* Events. */

function zoomBy(step) {
  const point = diagram.getBoundingClientRect();
  const middle = { clientX: point.left + point.width / 2, clientY: point.top + point.height / 2 };
  panzoom.zoomToPoint(panzoom.getScale() * step, middle, { animate: !calm.matches });
}

diagram.addEventListener("wheel", panzoom.zoomWithWheel, { passive: false });
world.addEventListener("panzoomchange", ({ detail: { scale } }) => world.classList.toggle("far", scale < FAR));

// A drag that ends on a table is not a click on it.
let pressed = { x: 0, y: 0 };
diagram.addEventListener("pointerdown", ({ clientX, clientY }) => (pressed = { x: clientX, y: clientY }), true);
diagram.addEventListener(
  "click",
  (event) => {
    const moved = Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y);
    if (event.detail > 0 && moved > 5) event.preventDefault();
  },
  true,
);

nodes.addEventListener("pointerover", (event) => emphasize(tableByKey.get(tableKey(event)) ?? chosenTable));
nodes.addEventListener("pointerleave", () => emphasize(chosenTable));
nodes.addEventListener("focusin", (event) => {
  const table = tableByKey.get(tableKey(event));
  if (table && !isInView(table)) showTable(table, true, panzoom.getScale());
  emphasize(table ?? chosenTable);
});
nodes.addEventListener("focusout", () => emphasize(chosenTable));
nodes.addEventListener("keydown", (event) => {
  const direction = DIRECTIONS[event.key];
  const table = tableByKey.get(tableKey(event));
  if (!direction || !table || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  const next = tableTowards(table, direction);
  if (next) focusTable(next);
});

function tableKey(event) {
  return event.target.closest("[data-table]")?.dataset.table;
}
