// The page of a plane: draws with WebGL2, looks regions up in float64. After page.js; data: see cpwl/plots/page.py.
const MAX_ZOOM = 1e4; // beyond that float32 corners on the graphics card are off by more than a pixel
const SMOOTH = 20000; // above so many regions no antialiasing: without a graphics card it takes six times as long

let grid, view;

// The affine maps, from values at three corners of a polygon of each region: the first, the farthest from it, and the
// farthest from their line. Linear parts that need more digits than that gives are in the page.
function mapsOf({ vertices: v, values, corners, starts, holder, given, givenSlopes }) {
  const m = head.outputs, maps = new Float64Array(3 * m * head.regions);
  for (let region = 0, next = 0; region < head.regions; region++) {
    const from = starts[holder[region]], to = starts[holder[region] + 1], a = corners[from];
    const farthest = (far) => {
      let best = from, most = -1;
      for (let i = from; i < to; i++) { const d = far(v[2 * corners[i]] - v[2 * a], v[2 * corners[i] + 1] - v[2 * a + 1]); if (d > most) { most = d; best = i; } }
      return corners[best];
    };
    const b = farthest(Math.hypot), bx = v[2 * b] - v[2 * a], by = v[2 * b + 1] - v[2 * a + 1];
    const c = farthest((x, y) => Math.abs(bx * y - by * x)), cx = v[2 * c] - v[2 * a], cy = v[2 * c + 1] - v[2 * a + 1];
    const det = bx * cy - by * cx;
    for (let k = 0, at = 3 * m * region; k < m; k++, at += 3) {
      const f = values[m * a + k], p = values[m * b + k] - f, q = values[m * c + k] - f;
      const known = given[next] === region ? 2 * (m * next + k) : -1;
      maps[at] = known < 0 ? (p * cy - q * by) / det : givenSlopes[known];
      maps[at + 1] = known < 0 ? (q * bx - p * cx) / det : givenSlopes[known + 1];
      maps[at + 2] = f - maps[at] * v[2 * a] - maps[at + 1] * v[2 * a + 1];
    }
    if (given[next] === region) next++;
  }
  return maps;
}

// ---- which polygon holds a point: a grid of candidates, then the signs of its sides ---------------------------------
class Grid {
  constructor() {
    const [left, low, right, high] = head.box;
    this.n = Math.max(1, Math.min(1024, Math.ceil(Math.sqrt(data.parent.length))));
    this.left = left; this.low = low; this.dx = (right - left) / this.n; this.dy = (high - low) / this.n;
    const counts = new Int32Array(this.n * this.n + 1);
    this.visit((cell) => counts[cell + 1]++);
    for (let i = 0; i < this.n * this.n; i++) counts[i + 1] += counts[i];
    this.starts = counts;
    this.items = new Int32Array(counts[this.n * this.n]);
    const next = counts.slice();
    this.visit((cell, polygon) => { this.items[next[cell]++] = polygon; });
  }

  column(x) { return this.clamp((x - this.left) / this.dx); }
  row(y) { return this.clamp((y - this.low) / this.dy); }
  clamp(place) { return Math.max(0, Math.min(this.n - 1, Math.floor(place))); }

  visit(use) {
    const from = new Float64Array(this.n), to = new Float64Array(this.n);
    for (let p = 0; p < data.parent.length; p++) {
      const [first, last] = this.extents(p, from, to);
      for (let r = first; r <= last; r++) {
        const pad = 1e-6 * this.dx; // only adds candidates
        for (let c = this.column(from[r] - pad), end = this.column(to[r] + pad); c <= end; c++) use(r * this.n + c, p);
      }
    }
  }

  // The range of x of polygon p within each row of the grid that it meets.
  extents(p, from, to) {
    const { corners, starts, vertices } = data, pad = 1e-6 * this.dy;
    let first = this.n, last = -1;
    const row = (y) => this.row(y);
    for (let i = starts[p]; i < starts[p + 1]; i++) {
      const y = vertices[2 * corners[i] + 1];
      first = Math.min(first, row(y - pad)); last = Math.max(last, row(y + pad));
    }
    from.fill(Infinity, first, last + 1); to.fill(-Infinity, first, last + 1);
    for (let i = starts[p]; i < starts[p + 1]; i++) {
      const a = 2 * corners[i], b = 2 * corners[i + 1 < starts[p + 1] ? i + 1 : starts[p]];
      this.side(vertices[a], vertices[a + 1], vertices[b], vertices[b + 1], pad, from, to);
    }
    return [first, last];
  }

  side(x0, y0, x1, y1, pad, from, to) {
    if (y0 > y1) [x0, y0, x1, y1] = [x1, y1, x0, y0];
    for (let r = this.row(y0 - pad), end = this.row(y1 + pad); r <= end; r++) {
      const low = Math.min(y1, Math.max(y0, this.low + r * this.dy - pad));
      const high = Math.max(y0, Math.min(y1, this.low + (r + 1) * this.dy + pad));
      const rise = y1 - y0, at = (y) => (rise > 0 ? x0 + ((y - y0) / rise) * (x1 - x0) : x0);
      const a = rise > 0 ? at(low) : x0, b = rise > 0 ? at(high) : x1;
      from[r] = Math.min(from[r], a, b); to[r] = Math.max(to[r], a, b);
    }
  }

  // The lowest region that holds the point, and all its polygons do so in float64; -1 if none.
  locate([x, y]) {
    const [left, low, right, high] = head.box;
    if (!(x >= left && x <= right && y >= low && y <= high)) return -1;
    const cell = this.row(y) * this.n + this.column(x);
    let found = -1;
    for (let i = this.starts[cell]; i < this.starts[cell + 1]; i++) {
      const region = data.parent[this.items[i]];
      if ((found < 0 || region < found) && contains(this.items[i], x, y)) found = region;
    }
    return found;
  }
}

function contains(p, x, y) {
  const { corners, starts, vertices } = data;
  let a = 2 * corners[starts[p + 1] - 1];
  for (let i = starts[p]; i < starts[p + 1]; i++) {
    const b = 2 * corners[i], x0 = vertices[a], y0 = vertices[a + 1];
    if ((vertices[b] - x0) * (y - y0) - (vertices[b + 1] - y0) * (x - x0) < 0) return false;
    a = b;
  }
  return true;
}

// ---- WebGL ---------------------------------------------------------------------------------------------------------
const FILL = [`#version 300 es
in vec2 place; in float shade; uniform vec2 middle, zoom; out float t;
void main() { t = shade; gl_Position = vec4((place - middle) * zoom, 0, 1); }`, `#version 300 es
precision highp float; in float t; uniform sampler2D ramp; out vec4 color;
void main() { color = texelFetch(ramp, ivec2(clamp(int(t * 256.0), 0, 255), 0), 0); }`];

const LINE = [`#version 300 es
in vec2 start, end; in uint unit; uniform vec2 middle, zoom, pixel; uniform float width, alpha;
uniform sampler2D units; uniform int row; out vec4 tint;
void main() {
  vec4 look = texelFetch(units, ivec2(int(unit) % row, int(unit) / row), 0);
  vec2 a = (start - middle) * zoom, b = (end - middle) * zoom, along = (b - a) / pixel;
  vec2 across = vec2(-along.y, along.x) / max(length(along), 1e-30) * width * 0.5 * pixel;
  vec2 at = (gl_VertexID & 1) == 0 ? a : b;
  tint = vec4(look.rgb, 1) * alpha;
  gl_Position = look.a > 0.0 ? vec4(at + (gl_VertexID < 2 ? across : -across), 0, 1) : vec4(2, 2, 2, 1);
}`, `#version 300 es
precision highp float; in vec4 tint; out vec4 color;
void main() { color = tint; }`];

// Edges one pixel wide: as instances of rectangles they would take 100 times as long without a graphics card.
const THIN = [`#version 300 es
in vec2 place; in uint unit; uniform vec2 middle, zoom; uniform float alpha;
uniform sampler2D units; uniform int row; out vec4 tint;
void main() {
  vec4 look = texelFetch(units, ivec2(int(unit) % row, int(unit) / row), 0);
  tint = vec4(look.rgb, 1) * alpha;
  gl_Position = look.a > 0.0 ? vec4((place - middle) * zoom, 0, 1) : vec4(2, 2, 2, 1);
}`, LINE[1]];

const relative = (points) => Float32Array.from(points, (value, i) => (value - head.center[i & 1]) / head.half);

function triangles() {
  const { starts, corners } = data, count = corners.length - 2 * (starts.length - 1), result = new Uint32Array(3 * count);
  for (let p = 0, at = 0; p + 1 < starts.length; p++)
    for (let i = starts[p] + 1; i + 1 < starts[p + 1]; i++) { result[at++] = starts[p]; result[at++] = i; result[at++] = i + 1; }
  return result;
}

function setUpFill() {
  const made = program(FILL), array = gl.createVertexArray(), places = new Float64Array(2 * data.corners.length);
  data.corners.forEach((v, i) => { places[2 * i] = data.vertices[2 * v]; places[2 * i + 1] = data.vertices[2 * v + 1]; });
  gl.bindVertexArray(array);
  attribute(made, "place", relative(places), 2);
  const shades = attribute(made, "shade", new Float32Array(data.corners.length), 1), index = triangles();
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, index, gl.STATIC_DRAW);
  return { made, array, shades, count: index.length, ramp: texture(256, 1, new Uint8Array(1024)) };
}

function setUpLines(ends, units) {
  const array = gl.createVertexArray();
  gl.bindVertexArray(array);
  const buffer = attribute(lines.made, "start", relative(ends), 2, { divisor: 1, stride: 16 });
  attribute(lines.made, "end", null, 2, { divisor: 1, stride: 16, offset: 8, buffer });
  attribute(lines.made, "unit", Uint32Array.from(units), 1, { divisor: 1 });
  return { array, count: units.length };
}

function setUpEdges() {
  const made = program(THIN), array = gl.createVertexArray();
  gl.bindVertexArray(array);
  attribute(made, "place", relative(edgeEnds()), 2);
  attribute(made, "unit", Uint32Array.from(data.edges, (_, i) => data.units[i >> 1]), 1);
  return { made, array, count: data.edges.length };
}

function edgeEnds() {
  const ends = new Float64Array(2 * data.edges.length);
  data.edges.forEach((v, i) => { ends[2 * i] = data.sites[2 * v]; ends[2 * i + 1] = data.sites[2 * v + 1]; });
  return ends;
}

function camera(made) {
  gl.useProgram(made);
  gl.uniform2f(gl.getUniformLocation(made, "middle"), view.x, view.y);
  gl.uniform2f(gl.getUniformLocation(made, "zoom"), ...scales());
}

function useLines(made, array, alpha) {
  camera(made);
  gl.uniform1f(gl.getUniformLocation(made, "alpha"), alpha);
  gl.uniform1i(gl.getUniformLocation(made, "row"), MASK);
  gl.bindVertexArray(array);
}

function drawEdges({ made, array, count }) {
  const pixels = view.zoom * Math.min(gl.canvas.width, gl.canvas.height) / Math.sqrt(head.regions); // a region is so wide
  useLines(made, array, Math.max(0.06, Math.min(0.85, pixels / 16)));
  gl.drawArrays(gl.LINES, 0, count);
}

function drawBoundary({ array, count }) {
  const { made } = lines, uniform = (name) => gl.getUniformLocation(made, name), { width, height } = gl.canvas;
  useLines(made, array, 1);
  gl.uniform2f(uniform("pixel"), 2 / width, 2 / height);
  gl.uniform1f(uniform("width"), 2.5 * devicePixelRatio);
  gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, count);
}

function draw({ edges = true } = {}) {
  waiting = false;
  gl.viewport(0, 0, gl.canvas.width, gl.canvas.height);
  gl.clear(gl.COLOR_BUFFER_BIT);
  camera(fill.made);
  gl.bindTexture(gl.TEXTURE_2D, fill.ramp);
  gl.bindVertexArray(fill.array);
  gl.drawElements(gl.TRIANGLES, fill.count, gl.UNSIGNED_INT, 0);
  gl.bindTexture(gl.TEXTURE_2D, lines.units);
  if (edges) drawEdges(lines.edges);
  if (lines.boundary && $("show-boundary").checked) drawBoundary(lines.boundary);
  drawShapes();
}

// ---- the camera: places on the page, slice coordinates --------------------------------------------------------------
function scales() {
  const { width, height } = gl.canvas, short = Math.min(width, height);
  return [0.96 * view.zoom * short / width, 0.96 * view.zoom * short / height];
}

function toSlice(px, py) {
  const box = gl.canvas.getBoundingClientRect(), [sx, sy] = scales();
  const x = view.x + ((2 * px) / box.width - 1) / sx, y = view.y + (1 - (2 * py) / box.height) / sy;
  return [head.center[0] + x * head.half, head.center[1] + y * head.half];
}

// Reading the page's layout once for many points.
function placer() {
  const box = gl.canvas.getBoundingClientRect(), [sx, sy] = scales(), { center, half } = head;
  return ([u, v]) => [((((u - center[0]) / half - view.x) * sx + 1) * box.width) / 2, ((1 - ((v - center[1]) / half - view.y) * sy) * box.height) / 2];
}

const toPage = (u) => placer()(u);

function zoomAt(px, py, factor) {
  const before = toSlice(px, py);
  view.zoom = Math.max(0.5, Math.min(MAX_ZOOM, view.zoom * factor));
  const after = toSlice(px, py);
  move(before[0] - after[0], before[1] - after[1]);
}

function move(du, dv) {
  view.x += du / head.half; view.y += dv / head.half;
  redraw();
}

function reset() {
  view = { x: 0, y: 0, zoom: 1 };
  redraw();
}

function coloring(choice) {
  const { parent, areas, hues, winners, corners, vertices } = data;
  if (choice === "area") return numeric((i, p) => areas[parent[p]], { log: true, floor: head.smallArea });
  if (choice === "pattern") return { shade: (i, p) => hues[parent[p]] / 65536, colors: (i) => hue(i / 256) };
  if (choice === "class") {
    const classes = [...new Set(winners)].sort((a, b) => a - b), place = new Map(classes.map((k, i) => [k, i % 256]));
    return { shade: (i, p) => (place.get(winners[p]) + 0.5) / 256, colors: (i) => light(classes[i] ?? 0), classes };
  }
  if (choice.startsWith("output")) {
    const k = Number(choice.slice(6)), { maps } = data;
    return numeric((i, p) => {
      const at = 3 * (parent[p] * head.outputs + k), v = 2 * corners[i];
      return maps[at] * vertices[v] + maps[at + 1] * vertices[v + 1] + maps[at + 2];
    });
  }
  const slopes = Float64Array.from({ length: head.regions }, (_, region) => slope(region));
  return numeric((i, p) => slopes[parent[p]]);
}

function setUpColors() {
  const names = { slope: "slope (Frobenius norm)", area: "area", class: "class", pattern: "pattern" };
  if (!data.winners) delete names.class;
  for (let k = 0; k < head.outputs; k++) names[`output${k}`] = `output ${k}`;
  $("color").append(...Object.entries(names).map(([value, text]) => element("option", { value, textContent: text })));
  $("color").value = head.color;
  $("color").onchange = recolor;
}

function setUpBoundary() {
  if (!data.boundary) return;
  const box = element("input", { type: "checkbox", checked: true, id: "show-boundary", onchange: redraw });
  $("marks").append(labelled(box, `decision boundary (${data.boundary.length / 4} segments)`));
}

// ---- points, the region pointed at ----------------------------------------------------------------------------------
function drawShapes() {
  const pen = $("shapes").getContext("2d");
  pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  pen.clearRect(0, 0, $("shapes").width, $("shapes").height);
  const shown = pinned ?? hovered;
  if (shown && shown.region >= 0) outline(pen, shown.region);
  drawMarks(pen, placer());
}

function outline(pen, region) {
  pen.beginPath();
  for (let p = data.first[region]; p < data.first[region + 1]; p++) {
    const polygon = data.order[p];
    for (let i = data.starts[polygon]; i < data.starts[polygon + 1]; i++) {
      const v = 2 * data.corners[i], [x, y] = toPage([data.vertices[v], data.vertices[v + 1]]);
      if (i === data.starts[polygon]) pen.moveTo(x, y); else pen.lineTo(x, y);
    }
    pen.closePath();
  }
  pen.fillStyle = "#ff8c0055"; pen.fill();
  pen.strokeStyle = "#ff8c00"; pen.lineWidth = 2; pen.stroke();
}

function point(px, py) {
  const mark = nearestMark(px, py, placer()), place = mark ? mark.place : toSlice(px, py);
  return { place, mark, region: mark ? mark.region : grid.locate(place) };
}

function describe({ place, mark, region }) {
  $("which").textContent = region < 0 ? "No region" : `Region ${region}${pinned ? " (kept)" : ""}`;
  const lines = [`u = (${place.map((x) => Number(x.toPrecision(8))).join(", ")})`];
  if (mark) lines.unshift(nameOf(mark));
  const found = lines.map((text) => element("div", { textContent: text }));
  if (region >= 0) {
    const values = mapAt(region, place), winner = values.indexOf(Math.max(...values));
    if (head.outputs > 1) found.push(element("div", { textContent: `class here ${winner}` }));
    found.push(element("div", { textContent: `area ${data.areas[region].toPrecision(6)}, slope ${short(slope(region))}` }));
    if (data.ambiguous[region]) found.push(element("div", { textContent: "ambiguous: a decision was left open" }));
    found.push(rowsOf(region, place), element("h2", { textContent: "Pattern" }), ...patternOf(region));
  }
  $("info").replaceChildren(...found);
  if (head.image) drawImage(mark, place);
}

// ---- the mouse, the keyboard -----------------------------------------------------------------------------------------
function setUpMouse() {
  const stage = $("stage"), held = new Map();
  let moved = 0, spread = 0;
  const apart = () => { const [a, b] = [...held.values()]; return Math.hypot(a[0] - b[0], a[1] - b[1]); };
  const at = (event) => { const box = stage.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  stage.onpointerdown = (event) => {
    stage.setPointerCapture(event.pointerId);
    held.set(event.pointerId, at(event));
    moved = 0;
    if (held.size === 2) spread = apart();
  };
  stage.onpointermove = (event) => {
    const here = at(event), last = held.get(event.pointerId);
    if (!last) return hover(here);
    moved += Math.hypot(here[0] - last[0], here[1] - last[1]);
    const from = toSlice(...last), to = toSlice(...here);
    held.set(event.pointerId, here);
    if (held.size === 2) { const now = apart(); zoomAt(...here, now / Math.max(spread, 1)); spread = now; }
    else if (moved > 3) move(from[0] - to[0], from[1] - to[1]);
  };
  stage.onpointerup = (event) => {
    held.delete(event.pointerId);
    if (moved <= 3) keep(point(...at(event)));
  };
  stage.onpointercancel = (event) => held.delete(event.pointerId);
  stage.ondblclick = reset;
  stage.addEventListener("wheel", (event) => { event.preventDefault(); zoomAt(...at(event), Math.exp(-event.deltaY / 400)); }, { passive: false });
}

// ---- start ---------------------------------------------------------------------------------------------------------
// The polygons of each region: order[first[r]] .. order[first[r + 1] - 1].
function group() {
  const { parent } = data;
  data.first = new Int32Array(head.regions + 1);
  parent.forEach((region) => data.first[region + 1]++);
  for (let r = 0; r < head.regions; r++) data.first[r + 1] += data.first[r];
  const next = data.first.slice();
  data.order = new Int32Array(parent.length);
  parent.forEach((region, p) => { data.order[next[region]++] = p; });
}

async function start() {
  gl = $("paint").getContext("webgl2", { antialias: head.regions < SMOOTH });
  if (!gl) throw new Error("This browser offers no WebGL2: switch hardware acceleration on, or use another one.");
  data = await unpack();
  group();
  grid = new Grid();
  $("counts").textContent = head.counts;
  view = { x: 0, y: 0, zoom: 1 };
  gl.clearColor(0.957, 0.957, 0.957, 1);
  gl.enable(gl.BLEND); gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  fill = setUpFill();
  lines = { made: program(LINE) };
  lines.edges = setUpEdges();
  const total = head.layers.at(-1).units[1];
  if (data.boundary) lines.boundary = setUpLines(data.boundary, new Uint32Array(data.boundary.length / 4).fill(total));
  $("help").textContent = "Drag: move. Wheel: zoom. Double click: all. Click: keep the region shown; click again: let go.";
  setUpColors(); setUpLayers(); setUpBoundary(); setUpMarks(); maskUnits(); recolor(); setUpMouse();
  new ResizeObserver(resize).observe($("stage"));
  resize();
  draw();
  slow = frameTime() > SLOW;
  window.cpwl = { locate: (u) => grid.locate(u), toPage, toSlice, draw, finish, zoom: () => view.zoom };
}

start().catch((error) => { $("failure").textContent = error.message; console.error(error); });
