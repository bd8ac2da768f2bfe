/*
 * Draws a graph that the server describes as Mermaid text, from top to bottom: layers by the longest way from the
 * beginnings, edges that pass a layer led between its nodes, and each node as close to its neighbours as there is room.
 * It knows of Mermaid what EventGraph writes.
 */

/** The namespace of SVG, from a drawing that is on the page: its name reads like an address of somebody else. */
const SVG = document.querySelector('svg').namespaceURI;
const KINDS = { '(["': 'event', '["': 'participant', '{{"': 'deadline' };
const CHARACTER = 6.6;
const HEIGHT = 38;
const RISE = 24;
const GAP = 14;
const LANE = 6;
const SWEEPS = 12;

/** The nodes by their ids and the edges, from lines such as `e0(["flight.landed"])` and `e0 --> p0`. */
export function parse(mermaid) {
  const nodes = new Map();
  const edges = [];
  for (const line of mermaid.split('\n')) {
    const node = line.match(/^ {2}(\w+)(\(\["|\["|\{\{")(.*?)"[\])}]+$/);
    const edge = line.match(/^ {2}(\w+) (-->|-\.->|-\. fails \.->) (\w+)$/);
    const marks = line.match(/^ {2}class ([\w,]+) (\w+)$/);
    if (node) nodes.set(node[1], { id: node[1], kind: KINDS[node[2]], label: unescaped(node[3]), mark: '' });
    if (edge) edges.push({ from: edge[1], to: edge[3], dotted: edge[2] !== '-->' });
    if (marks) for (const id of marks[1].split(',')) nodes.get(id).mark = marks[2];
  }
  return { nodes, edges };
}

const unescaped = (label) => label.replaceAll('#quot;', '"').replaceAll('#35;', '#');

/**
 * Draws it into an <svg>.
 *
 * @returns the nodes by their labels, each with its group `root` and its text `says`
 */
export function draw(svg, { nodes, edges }) {
  const placed = place(nodes, edges);
  svg.setAttribute('viewBox', `0 0 ${placed.width} ${placed.height}`);
  svg.replaceChildren(
    ...placed.ways.flatMap(drawEdge),
    ...[...nodes.values()].map(drawNode));
  return new Map([...nodes.values()].map((node) => [node.label, node]));
}

// == where everything is ==

function place(nodes, edges) {
  const ways = directed(nodes, edges).map((edge) => ({ ...edge, points: [] }));
  rank(nodes, ways);
  const layers = [];
  const put = (box) => (layers[box.rank] ??= []).push(box);
  for (const node of nodes.values()) {
    Object.assign(node, { width: Math.max(84, node.label.length * CHARACTER + 24), near: [] });
    put(node);
  }
  for (const way of ways) {
    let from = nodes.get(way.from);
    for (let between = from.rank + 1; between < nodes.get(way.to).rank; between++) {
      const bend = { rank: between, width: LANE, near: [] };
      put(bend);
      join(from, bend, way);
      from = bend;
    }
    join(from, nodes.get(way.to), way);
  }
  order(layers);
  return { ways, ...spread(layers) };
}

function join(from, to, way) {
  from.near.push(to);
  to.near.push(from);
  if (way.points.length === 0) way.points.push(from);
  way.points.push(to);
}

/** Downward: an edge back to where one has come from, and a deadline's to what it awaits, is turned round. */
function directed(nodes, edges) {
  const awaiting = new Set();
  const turned = edges.map((edge) => {
    const again = nodes.get(edge.to).kind === 'deadline' && awaiting.has(edge.to);
    if (nodes.get(edge.to).kind === 'deadline') awaiting.add(edge.to);
    return again ? { ...edge, from: edge.to, to: edge.from, back: true } : { ...edge, back: false };
  });
  const open = new Set();
  const done = new Set();
  const visit = (id) => {
    open.add(id);
    for (const edge of turned.filter(({ from }) => from === id)) {
      if (open.has(edge.to)) Object.assign(edge, { from: edge.to, to: id, back: !edge.back });
      else if (!done.has(edge.to)) visit(edge.to);
    }
    open.delete(id);
    done.add(id);
  };
  for (const id of nodes.keys()) if (!done.has(id)) visit(id);
  return turned;
}

function rank(nodes, edges) {
  for (const node of nodes.values()) node.rank = 0;
  for (let round = 0; round < nodes.size; round++) {
    for (const { from, to } of edges) nodes.get(to).rank = Math.max(nodes.get(to).rank, nodes.get(from).rank + 1);
  }
}

/** Boxes of a layer in the order of the middle of their neighbours, from above and from below in turn. */
function order(layers) {
  const number = () => layers.forEach((layer) => layer.forEach((box, index) => { box.at = index / Math.max(1, layer.length - 1); }));
  number();
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const down = sweep % 2 === 0;
    for (const layer of down ? layers : [...layers].reverse()) {
      for (const box of layer) {
        const side = box.near.filter((other) => (down ? other.rank < box.rank : other.rank > box.rank));
        box.wish = side.length === 0 ? box.at : mean(side.map(({ at }) => at));
      }
      layer.sort((one, other) => one.wish - other.wish);
      layer.forEach((box, index) => { box.at = index / Math.max(1, layer.length - 1); });
    }
  }
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Each box as near to the middle of its neighbours as those beside it leave room, then all into the picture. */
function spread(layers) {
  for (const layer of layers) layer.forEach((box) => { box.x = 0; });
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const layer of sweep % 2 === 0 ? layers : [...layers].reverse()) {
      const wishes = layer.map((box) => (box.near.length === 0 ? box.x : mean(box.near.map(({ x }) => x))));
      const right = [];
      const left = [];
      layer.forEach((box, i) => { right[i] = i === 0 ? wishes[i] : Math.max(wishes[i], right[i - 1] + apart(layer[i - 1], box)); });
      for (let i = layer.length - 1; i >= 0; i--) {
        left[i] = i === layer.length - 1 ? wishes[i] : Math.min(wishes[i], left[i + 1] - apart(layer[i], layer[i + 1]));
      }
      layer.forEach((box, i) => { box.x = (right[i] + left[i]) / 2; });
    }
  }
  const boxes = layers.flat();
  const from = Math.min(...boxes.map(({ x, width }) => x - width / 2)) - GAP;
  const to = Math.max(...boxes.map(({ x, width }) => x + width / 2)) + GAP;
  for (const box of boxes) {
    box.x -= from;
    box.y = GAP + box.rank * (HEIGHT + RISE);
  }
  return { width: Math.ceil(to - from), height: layers.length * (HEIGHT + RISE) - RISE + 2 * GAP };
}

const apart = (one, other) => (one.width + other.width) / 2 + GAP;

// == what it looks like ==

function make(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function drawEdge({ points, dotted, back }) {
  const [first] = points;
  let path = `M${first.x} ${first.y + HEIGHT}`;
  points.slice(1).forEach((point, index) => {
    const before = points[index];
    const middle = before.y + HEIGHT + RISE / 2;
    path += `C${before.x} ${middle} ${point.x} ${middle} ${point.x} ${point.y}`;
    if (index < points.length - 2) path += `V${point.y + HEIGHT}`;
  });
  const end = back ? { x: first.x, y: first.y + HEIGHT, up: 1 } : { ...points[points.length - 1], up: -1 };
  const head = `M${end.x} ${end.y}l-4 ${7 * end.up}h8z`;
  return [make('path', { class: 'edge', d: path, 'data-dotted': dotted }), make('path', { class: 'head', d: head })];
}

function drawNode(node) {
  const { kind, label, x, y, width } = node;
  const left = x - width / 2;
  const shape = kind === 'deadline'
    ? make('path', { d: `M${left} ${y + HEIGHT / 2}l10 ${-HEIGHT / 2}h${width - 20}l10 ${HEIGHT / 2}l-10 ${HEIGHT / 2}h${20 - width}z` })
    : make('rect', { x: left, y, width, height: HEIGHT, rx: kind === 'event' ? HEIGHT / 2 : 4 });
  node.says = make('tspan', { x, dy: '1.25em', class: 'says' });
  node.root = make('g', { class: 'node', 'data-kind': kind, 'data-mark': node.mark }, shape,
    make('text', { x, y: y + HEIGHT / 2 - 3 }, make('tspan', { class: 'label' }, label), node.says));
  return node.root;
}
