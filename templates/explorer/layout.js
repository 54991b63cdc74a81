/*
 * Where each table stands. dagre decides which tables share a column and in which order; columns that are too tall for
 * the window are folded, and parts of the schema that nothing connects are packed beside each other.
 */
"use strict";

const GAP = 28; // between tables of a column
const COLUMN_GAP = 96; // between columns: room for the lines
const PART_GAP = 72; // between parts that nothing connects

/**
 * Return the position of each table and the size of the whole.
 *
 * @param {{table: object, width: number, height: number}[]} boxes
 * @param {{from: object, to: object}[]} edges
 * @param {number} aspect the window's width by its height
 */
function layOut(boxes, edges, aspect) {
  const parts = connectedParts(boxes, edges).map((part) => layOutPart(part, edges, aspect));
  return pack(parts, aspect);
}

function connectedParts(boxes, edges) {
  const neighbours = new Map(boxes.map((box) => [box.table.key, []]));
  for (const { from, to } of edges) {
    neighbours.get(from.key).push(to.key);
    neighbours.get(to.key).push(from.key);
  }
  const boxByKey = new Map(boxes.map((box) => [box.table.key, box]));
  const seen = new Set();
  const parts = [];
  for (const start of boxByKey.keys()) {
    if (seen.has(start)) continue;
    const part = [];
    const waiting = [start];
    seen.add(start);
    while (waiting.length) {
      const key = waiting.pop();
      part.push(boxByKey.get(key));
      for (const next of neighbours.get(key)) {
        if (!seen.has(next)) {
          seen.add(next);
          waiting.push(next);
        }
      }
    }
    parts.push(part);
  }
  return parts;
}

/** Return the part as `{width, height, places}`, a place being `{box, x, y, column}` from its upper left corner. */
function layOutPart(part, edges, aspect) {
  if (part.length === 1) {
    const [box] = part;
    return { width: box.width, height: box.height, places: [{ box, x: 0, y: 0, column: 0 }] };
  }
  const drawing = layOutWithDagre(part, edges);
  const area = drawing.places.reduce((sum, { box }) => sum + (box.width + COLUMN_GAP) * (box.height + GAP), 0);
  const tallest = Math.max(...part.map((box) => box.height));
  const height = Math.max(tallest, Math.sqrt(area / aspect));
  return drawing.height > height * 1.35 ? foldColumns(drawing, height) : drawing;
}

function layOutWithDagre(part, edges) {
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: GAP, edgesep: 8, ranksep: COLUMN_GAP, ranker: "tight-tree" });
  for (const box of part) graph.setNode(box.table.key, { width: box.width, height: box.height });
  edges.forEach(({ from, to }, number) => {
    if (from !== to && graph.hasNode(from.key)) graph.setEdge(to.key, from.key, {}, String(number));
  });
  dagre.layout(graph);
  const places = part.map((box) => {
    const { x, y } = graph.node(box.table.key);
    return { box, x: x - box.width / 2, y: y - box.height / 2, column: Math.round(x) };
  });
  return { ...sizeOf(places), places };
}

/** Put the tables of each column into as many columns as the height asks for, in the order that dagre found. */
function foldColumns({ places }, height) {
  const columns = new Map();
  for (const place of places) {
    if (!columns.has(place.column)) columns.set(place.column, []);
    columns.get(place.column).push(place);
  }
  const folded = [];
  let [x, number] = [0, 0];
  for (const column of [...columns.keys()].sort((one, other) => one - other)) {
    for (const group of groupsOfHeight(columns.get(column).sort((one, other) => one.y - other.y), height)) {
      const total = group.reduce((sum, { box }) => sum + box.height + GAP, -GAP);
      let y = (height - total) / 2;
      for (const { box } of group) {
        folded.push({ box, x, y, column: number });
        y += box.height + GAP;
      }
      number += 1;
      x += Math.max(...group.map(({ box }) => box.width)) + COLUMN_GAP;
    }
  }
  const top = Math.min(...folded.map((place) => place.y));
  const moved = folded.map((place) => ({ ...place, y: place.y - top }));
  return { ...sizeOf(moved), places: moved };
}

/** Split a column into groups of about the same height, none much taller than asked for. */
function groupsOfHeight(places, height) {
  const total = places.reduce((sum, { box }) => sum + box.height + GAP, 0);
  const wanted = total / Math.ceil(total / height);
  const groups = [[]];
  let filled = 0;
  for (const place of places) {
    if (filled > 0 && filled + place.box.height / 2 > wanted) {
      groups.push([]);
      filled = 0;
    }
    groups.at(-1).push(place);
    filled += place.box.height + GAP;
  }
  return groups;
}

function sizeOf(places) {
  return {
    width: Math.max(...places.map(({ box, x }) => x + box.width)),
    height: Math.max(...places.map(({ box, y }) => y + box.height)),
  };
}

/** Stand the parts in rows, the tallest first, about as wide as the window asks for. */
function pack(parts, aspect) {
  const area = parts.reduce((sum, part) => sum + (part.width + PART_GAP) * (part.height + PART_GAP), 0);
  const widest = Math.max(...parts.map((part) => part.width), 0);
  const limit = Math.max(widest, Math.sqrt(area * aspect));
  const positions = new Map();
  let [x, y, rowHeight, width] = [0, 0, 0, 0];
  for (const part of [...parts].sort((one, other) => other.height - one.height)) {
    if (x > 0 && x + part.width > limit) {
      x = 0;
      y += rowHeight + PART_GAP;
      rowHeight = 0;
    }
    const numbers = [...new Set(part.places.map(({ column }) => column))].sort((one, other) => one - other);
    const columns = numbers.map((number) => columnOf(part.places.filter(({ column }) => column === number), x));
    for (const place of part.places) {
      const position = { x: x + place.x, y: y + place.y, columns, column: numbers.indexOf(place.column) };
      positions.set(place.box.table.key, position);
      columns[position.column].spans.push([position.y, position.y + place.box.height]);
    }
    for (const column of columns) column.spans.sort(([one], [other]) => one - other);
    width = Math.max(width, x + part.width);
    rowHeight = Math.max(rowHeight, part.height);
    x += part.width + PART_GAP;
  }
  return { positions, width, height: y + rowHeight };
}

/** A column as lines see it that pass through: from where to where it reaches, and which heights are taken. */
function columnOf(places, x) {
  return {
    left: x + Math.min(...places.map((place) => place.x)),
    right: x + Math.max(...places.map((place) => place.x + place.box.width)),
    spans: [],
  };
}

/**
 * Return where a line goes through the columns between two tables: in the gap that is nearest to its way.
 *
 * @param {number} lane keeps lines apart that share a gap
 * @returns {{left: number, right: number, y: number}[]}
 */
function passages(from, to, start, end, lane) {
  if (from.columns !== to.columns) return [];
  const step = Math.sign(to.column - from.column);
  const between = [];
  for (let number = from.column + step; step && number !== to.column; number += step) {
    const column = from.columns[number];
    const middle = (column.left + column.right) / 2;
    const wanted = start.y + ((end.y - start.y) * (middle - start.x)) / (end.x - start.x || 1);
    between.push({ left: column.left, right: column.right, y: nearestGap(column.spans, wanted, lane) });
  }
  return between;
}

function nearestGap(spans, wanted, lane) {
  const inside = spans.find(([top, bottom]) => wanted > top - 6 && wanted < bottom + 6);
  if (!inside) return wanted;
  const shift = ((lane * 7) % 5) * 4 + 6;
  const [above, below] = [inside[0] - shift, inside[1] + shift];
  return wanted - above < below - wanted ? above : below;
}
