// The page of a solid, a surface, or both: draws with WebGL2, cuts and looks polygons up in float64. After page.js; data:
// see cpwl/plots/space.py.
const FOV = (35 * Math.PI) / 180, NEAR = 0.02, FAR = 40;
const MANY = 60000; // above so many triangles no antialiasing: without a graphics card it takes many times as long
const START = { turn: -0.9, rise: 0.45 };
const AXES = { "x₁": [1, 0, 0], "x₂": [0, 1, 0], "x₃": [0, 0, 1] };

let eye, cut, section, drawn, apartBefore = 1;

// ---- small vectors -------------------------------------------------------------------------------------------------
const plus = (a, b, s = 1) => [a[0] + s * b[0], a[1] + s * b[1], a[2] + s * b[2]];
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const unit = (a) => { const length = Math.hypot(...a) || 1; return a.map((x) => x / length); };
const relative = (values) => Float64Array.from(values, (value, i) => (value - head.center[i % 3]) / head.half);
const absolute = (place) => place.map((x, k) => head.center[k] + head.half * x);

// ---- polygons ------------------------------------------------------------------------------------------------------
// All that is drawn, in one list: sides of facets on the border, of those inside (once for each cell), then the surface.
function listPolygons() {
  const { facetStarts = [0], facetCorners, facetCells = [], facetUnits } = data, facets = facetStarts.length - 1;
  const order = { border: [], inner: [] };
  for (let f = 0; f < facets; f++)
    for (const side of [0, 1])
      if (facetCells[2 * f + side] >= 0) order[facetCells[2 * f + 1] < 0 ? "border" : "inner"].push([f, facetCells[2 * f + side]]);
  const solid = [...order.border, ...order.inner], shell = data.surfaceStarts ?? [0], polygons = solid.length + shell.length - 1;
  const size = solid.reduce((sum, [f]) => sum + facetStarts[f + 1] - facetStarts[f], 0) + (data.surfaceCorners?.length ?? 0);
  const result = { starts: new Int32Array(polygons + 1), corners: new Int32Array(size), parent: new Int32Array(polygons),
    cell: new Int32Array(polygons).fill(-1), facet: new Int32Array(polygons).fill(-1), border: order.border.length, solid: solid.length };
  let at = 0;
  solid.forEach(([f, cell], p) => {
    for (let i = facetStarts[f]; i < facetStarts[f + 1]; i++) result.corners[at++] = facetCorners[i];
    result.starts[p + 1] = at; result.cell[p] = cell; result.facet[p] = f; result.parent[p] = data.cellRegion[cell];
  });
  const first = (data.vertices?.length ?? 0) / 3;
  for (let s = 0; s + 1 < shell.length; s++) {
    for (let i = shell[s]; i < shell[s + 1]; i++) result.corners[at++] = first + data.surfaceCorners[i];
    result.starts[solid.length + s + 1] = at; result.parent[solid.length + s] = data.surfaceRegion[s];
  }
  return result;
}

function middlesOf() {
  const cells = data.cellRegion?.length ?? 0, sums = new Float64Array(3 * cells), counts = new Int32Array(cells);
  for (let p = 0; p < data.solid; p++)
    for (let i = data.starts[p]; i < data.starts[p + 1]; i++) {
      counts[data.cell[p]]++;
      for (let k = 0; k < 3; k++) sums[3 * data.cell[p] + k] += data.places[3 * data.corners[i] + k];
    }
  return sums.map((sum, i) => sum / counts[Math.floor(i / 3)]);
}

function prepare() {
  Object.assign(data, listPolygons());
  const [a, b] = [data.vertices ?? [], data.surfaceVertices ?? []], all = new Float64Array(a.length + b.length);
  all.set(a); all.set(b, a.length);
  data.first = a.length / 3;
  data.places = relative(all); // relative to the domain's middle, half its longest side is 1
  data.middles = middlesOf();
  data.bounds = bounds();
  data.units = Int32Array.from([...(data.facetUnits ?? []), ...(data.surfaceUnits ?? [])]); // counted by setUpLayers
}

// The middle of all that is drawn, and how far its corners are from there.
function bounds() {
  const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
  data.places.forEach((x, i) => { low[i % 3] = Math.min(low[i % 3], x); high[i % 3] = Math.max(high[i % 3], x); });
  if (!data.places.length) return { middle: [0, 0, 0], radius: 1 };
  return { middle: low.map((x, k) => (x + high[k]) / 2), radius: Math.hypot(...low.map((x, k) => high[k] - x)) / 2 };
}

const home = () => ({ ...START, at: data.bounds.middle, away: (1.12 * data.bounds.radius * (1 + pulled())) / Math.sin(FOV / 2) });

// ---- WebGL ---------------------------------------------------------------------------------------------------------
const MOVED = `uniform mat4 camera; uniform float explode; uniform vec4 cut; uniform bool cells; out float beyond;
vec3 moved(vec3 place, vec3 middle) {
  beyond = dot(cut.xyz, cells && explode > 0.0 ? middle : place) - cut.w;
  vec3 at = cells ? place + explode * middle : place;
  gl_Position = camera * vec4(at, 1);
  return at;
}`;
const FACE = [`#version 300 es
in vec3 place, middle; in float shade; out float t; out vec3 at;
${MOVED}
void main() { t = shade; at = moved(place, middle); }`, `#version 300 es
precision highp float; precision highp int;
in float t, beyond; in vec3 at; uniform sampler2D ramp; uniform vec3 eye; uniform int look; uniform bool open, flat_; out vec4 color;
void main() {
  if (beyond > 0.0) discard;
  vec3 n = normalize(cross(dFdx(at), dFdy(at))), to = normalize(eye - at);
  if (dot(n, to) < 0.0) n = -n;
  vec3 outward = gl_FrontFacing ? n : -n;
  vec3 paint = look == 1 ? 0.6 + 0.36 * outward : texelFetch(ramp, ivec2(clamp(int(t * 256.0), 0, 255), 0), 0).rgb;
  float lit = flat_ ? 1.0 : 0.38 + 0.5 * max(dot(n, to), 0.0) + 0.18 * max(dot(n, normalize(vec3(0.3, -0.4, 0.9))), 0.0);
  if (open && !gl_FrontFacing) paint = mix(paint, vec3(0.42, 0.36, 0.36), 0.72);
  color = vec4(paint * lit, 1);
}`];
const WIRE = [`#version 300 es
in vec3 place, middle; in uint unit; uniform sampler2D units; uniform int row; uniform float alpha; out vec4 tint;
${MOVED}
void main() {
  vec4 look = texelFetch(units, ivec2(int(unit) % row, int(unit) / row), 0);
  tint = vec4(look.rgb, 1) * alpha;
  moved(place, middle);
  if (look.a == 0.0) gl_Position = vec4(2, 2, 2, 1);
}`, `#version 300 es
precision highp float; in float beyond; in vec4 tint; out vec4 color;
void main() { if (beyond > 0.0) discard; color = tint; }`];

function fan(from, to, result) {
  for (let p = from; p < to; p++)
    for (let i = data.starts[p] + 1; i + 1 < data.starts[p + 1]; i++) result.push(data.starts[p], i, i + 1);
  return result.length;
}

function setUpFaces() {
  const made = program(FACE), array = gl.createVertexArray(), size = data.corners.length;
  const places = new Float32Array(3 * size), middles = new Float32Array(3 * size), index = [];
  for (let p = 0; p < data.parent.length; p++)
    for (let i = data.starts[p]; i < data.starts[p + 1]; i++)
      for (let k = 0; k < 3; k++) {
        places[3 * i + k] = data.places[3 * data.corners[i] + k];
        if (data.cell[p] >= 0) middles[3 * i + k] = data.middles[3 * data.cell[p] + k];
      }
  gl.bindVertexArray(array);
  attribute(made, "place", places, 3); attribute(made, "middle", middles, 3);
  const shades = attribute(made, "shade", new Float32Array(size), 1);
  const ends = [fan(0, data.border, index), fan(data.border, data.solid, index), fan(data.solid, data.parent.length, index)];
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, Uint32Array.from(index), gl.STATIC_DRAW);
  return { made, array, shades, ends, ramp: texture(256, 1, new Uint8Array(1024)) };
}

// Lines from pairs of corners, with their units.
function setUpWires(places, units, middles = new Float32Array(places.length)) {
  const array = gl.createVertexArray();
  gl.bindVertexArray(array);
  const buffers = { place: attribute(lines.made, "place", Float32Array.from(places), 3) };
  attribute(lines.made, "middle", middles, 3);
  attribute(lines.made, "unit", Uint32Array.from({ length: places.length / 3 }, (_, i) => units[i >> 1]), 1);
  return { array, count: places.length / 3, buffers };
}

// The outlines of cells: on the border once, inside for each cell; grey, since the edges of facets are no units'.
function outlines() {
  const plain = head.layers.at(-1).units[1] + 1, ends = [], middles = [];
  const add = (from, to) => {
    for (let p = from; p < to; p++)
      for (let i = data.starts[p]; i < data.starts[p + 1]; i++) {
        const j = i + 1 < data.starts[p + 1] ? i + 1 : data.starts[p];
        for (const c of [i, j]) for (let k = 0; k < 3; k++) {
          ends.push(data.places[3 * data.corners[c] + k]);
          middles.push(data.middles[3 * data.cell[p] + k]);
        }
      }
    return ends.length / 3;
  };
  const border = add(0, data.border), all = add(data.border, data.solid);
  return { ...setUpWires(ends, new Uint32Array(ends.length / 6).fill(plain), Float32Array.from(middles)), border, all };
}

function surfaceEdges() {
  const ends = new Float64Array(3 * data.surfaceEdges.length);
  data.surfaceEdges.forEach((v, i) => { for (let k = 0; k < 3; k++) ends[3 * i + k] = data.places[3 * (data.first + v) + k]; });
  return setUpWires(ends, data.surfaceUnits);
}

function setUpSection() {
  const array = gl.createVertexArray(), { made } = fill;
  gl.bindVertexArray(array);
  const place = attribute(made, "place", new Float32Array(3), 3), shade = attribute(made, "shade", new Float32Array(1), 1);
  attribute(made, "middle", new Float32Array(3), 3);
  gl.disableVertexAttribArray(gl.getAttribLocation(made, "middle"));
  const wires = gl.createVertexArray();
  gl.bindVertexArray(wires);
  const ends = attribute(lines.made, "place", new Float32Array(3), 3), units = attribute(lines.made, "unit", new Uint32Array(1), 1);
  return { array, place, shade, wires, ends, units, triangles: new Float64Array(0), cells: new Int32Array(0), count: 0, edges: 0 };
}

// ---- the cut plane, and the planar partition on it ---------------------------------------------------------------------
// Where the plane cuts facets there are segments; those of a cell are the sides of a convex polygon.
function slice() {
  section.count = section.edges = 0;
  if (!cut.on) return;
  const [normal, offset] = [cut.normal, cut.offset], { places, facetStarts = [0], facetCorners, facetCells, facetUnits } = data;
  const above = (v) => normal[0] * places[3 * v] + normal[1] * places[3 * v + 1] + normal[2] * places[3 * v + 2] - offset;
  const ends = [], units = [], cells = [];
  const collect = (starts, corners, shift, use) => {
    for (let f = 0; f + 1 < starts.length; f++) {
      const found = [];
      let v = shift + corners[starts[f + 1] - 1], here = above(v);
      for (let i = starts[f]; i < starts[f + 1]; i++) {
        const w = shift + corners[i], there = above(w);
        if ((here < 0) !== (there < 0)) { const t = here / (here - there); for (let k = 0; k < 3; k++) found.push(places[3 * v + k] + t * (places[3 * w + k] - places[3 * v + k])); }
        v = w; here = there;
      }
      if (found.length === 6) use(f, found);
    }
  };
  collect(facetStarts, facetCorners, 0, (f, found) => { ends.push(...found); units.push(facetUnits[f]); cells.push(facetCells[2 * f], facetCells[2 * f + 1]); });
  const red = head.layers.at(-1).units[1], solid = units.length;
  if (data.surfaceStarts && shows("show-surface")) collect(data.surfaceStarts, data.surfaceCorners, data.first, (f, found) => { ends.push(...found); units.push(red); });
  paintSection(ends, units, cells, solid);
}

function paintSection(ends, units, cells, solid) {
  if (!drawn) return;
  const count = data.cellRegion?.length ?? 0, sums = new Float64Array(3 * count), sizes = new Int32Array(count);
  const sided = (use) => { for (let s = 0; s < solid; s++) for (const side of [0, 1]) if (cells[2 * s + side] >= 0) use(s, cells[2 * s + side]); };
  sided((s, cell) => { sizes[cell] += 2; for (let k = 0; k < 3; k++) sums[3 * cell + k] += ends[6 * s + k] + ends[6 * s + 3 + k]; });
  const triangles = [], owners = [], shades = [];
  sided((s, cell) => {
    const middle = [0, 1, 2].map((k) => sums[3 * cell + k] / sizes[cell]), from = ends.slice(6 * s, 6 * s + 3), to = ends.slice(6 * s + 3, 6 * s + 6);
    triangles.push(...middle, ...from, ...to);
    owners.push(cell);
    for (const place of [middle, from, to]) shades.push(drawn.at(data.cellRegion[cell], cell, absolute(place)));
  });
  Object.assign(section, { triangles: Float64Array.from(triangles), owners, count: shades.length, edges: 2 * units.length });
  const load = (buffer, values) => { gl.bindBuffer(gl.ARRAY_BUFFER, buffer); gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW); };
  load(section.place, Float32Array.from(triangles)); load(section.shade, Float32Array.from(shades));
  load(section.ends, Float32Array.from(ends)); load(section.units, Uint32Array.from({ length: 2 * units.length }, (_, i) => units[i >> 1]));
}

// ---- drawing -------------------------------------------------------------------------------------------------------
const pulled = () => Number($("explode")?.value ?? 0);
const cutsSurface = () => !head.solid || shows("cut-surface");
const shows = (id) => $(id)?.checked ?? false;

function use(made, cells, whole = false) {
  gl.useProgram(made);
  const place = (name) => gl.getUniformLocation(made, name);
  gl.uniformMatrix4fv(place("camera"), false, camera());
  gl.uniform1f(place("explode"), pulled());
  gl.uniform1i(place("cells"), cells ? 1 : 0);
  gl.uniform4f(place("cut"), ...(cut.on && !whole && (cells || cutsSurface()) ? [...cut.normal, cut.offset] : [0, 0, 0, 1]));
  gl.uniform3f(place("eye"), ...position());
  gl.uniform1i(place("look"), $("color").value === "gradient" ? 1 : 0);
  gl.uniform1i(place("flat_"), shows("shading") ? 0 : 1);
  gl.uniform1i(place("row"), MASK);
  return place;
}

function faces(cells, from, to) {
  const place = use(fill.made, cells);
  gl.uniform1i(place("open"), cells || data.pairs ? 0 : 1); // both sides of a decision boundary are alike
  gl.bindTexture(gl.TEXTURE_2D, fill.ramp);
  gl.bindVertexArray(fill.array);
  gl.drawElements(gl.TRIANGLES, to - from, gl.UNSIGNED_INT, 4 * from);
}

function wires(cells, { array }, count, alpha, whole = false) {
  gl.uniform1f(use(lines.made, cells, whole)("alpha"), alpha);
  gl.bindTexture(gl.TEXTURE_2D, lines.units);
  gl.bindVertexArray(array);
  gl.drawArrays(gl.LINES, 0, count);
}

function drawSection() {
  if (!cut.on || pulled() > 0 || !section.edges) return;
  if (section.count && shows("show-solid")) {
    const place = use(fill.made, false, true);
    gl.uniform1i(place("open"), 0); gl.uniform1i(place("flat_"), 1); gl.uniform1i(place("look"), 0);
    gl.bindTexture(gl.TEXTURE_2D, fill.ramp);
    gl.bindVertexArray(section.array);
    gl.drawArrays(gl.TRIANGLES, 0, section.count);
  }
  gl.disable(gl.POLYGON_OFFSET_FILL);
  wires(false, { array: section.wires }, section.edges, 1, true);
}

function draw({ edges = true } = {}) {
  waiting = false;
  gl.viewport(0, 0, gl.canvas.width, gl.canvas.height);
  gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
  gl.enable(gl.POLYGON_OFFSET_FILL); gl.polygonOffset(1, 1);
  const [border, all, last] = fill.ends, apart = pulled() > 0;
  if (shows("show-solid")) faces(true, 0, apart ? all : border);
  if (shows("show-surface")) faces(false, all, last);
  drawSection();
  gl.disable(gl.POLYGON_OFFSET_FILL);
  if (shows("show-frame")) wires(false, lines.frame, lines.frame.count, 0.5, true);
  if (edges && shows("show-solid") && shows("show-outlines")) wires(true, lines.cells, apart ? lines.cells.all : lines.cells.border, 0.45);
  if (edges && shows("show-surface") && shows("show-edges")) wires(false, lines.edges, lines.edges.count, density());
  drawShapes();
}

// Edges that lie closer than pixels would cover the colours.
function density() {
  const pixels = Math.min(gl.canvas.width, gl.canvas.height) / eye.away / Math.sqrt(data.surfaceEdges.length + 1);
  return Math.max(0.12, Math.min(0.85, pixels / 2.5));
}

// ---- the camera ----------------------------------------------------------------------------------------------------
function axes() {
  const { turn, rise } = eye, back = [Math.cos(rise) * Math.cos(turn), Math.cos(rise) * Math.sin(turn), Math.sin(rise)];
  const right = [-Math.sin(turn), Math.cos(turn), 0];
  return { back, right, up: cross(back, right) };
}

const position = () => plus(eye.at, axes().back, eye.away);

function camera() {
  const { back, right, up } = axes(), from = position(), f = 1 / Math.tan(FOV / 2), { width, height } = gl.canvas;
  const sx = f * Math.min(1, height / width), sy = f * Math.min(1, width / height), near = NEAR * eye.away, far = FAR + eye.away;
  const z = (near + far) / (near - far), w = (2 * near * far) / (near - far);
  const rows = [right.map((x) => sx * x), up.map((x) => sy * x), back.map((x) => z * x), back.map((x) => -x)];
  const shift = [-sx * dot(right, from), -sy * dot(up, from), -z * dot(back, from) + w, dot(back, from)];
  return new Float32Array([0, 1, 2].flatMap((k) => rows.map((row) => row[k])).concat(shift));
}

// A place, relative to the domain, in pixels of the page.
function toPage(at) {
  const m = camera(), { clientWidth, clientHeight } = $("stage"), clip = [0, 1, 3].map((r) => m[r] * at[0] + m[4 + r] * at[1] + m[8 + r] * at[2] + m[12 + r]);
  return [((clip[0] / clip[2] + 1) * clientWidth) / 2, ((1 - clip[1] / clip[2]) * clientHeight) / 2];
}

function ray(px, py) {
  const { back, right, up } = axes(), { clientWidth, clientHeight } = $("stage"), wide = Math.tan(FOV / 2);
  const short = Math.min(clientWidth, clientHeight), x = ((2 * px - clientWidth) / short) * wide, y = ((clientHeight - 2 * py) / short) * wide;
  return { from: position(), along: unit(plus(plus(plus([0, 0, 0], back, -1), right, x), up, y)) };
}

// ---- what is under the mouse: the nearest triangle along the ray, in float64 ---------------------------------------------
function hit(from, along, a, b, c) {
  const e = plus(b, a, -1), f = plus(c, a, -1), h = cross(along, f), det = dot(e, h);
  if (det === 0) return Infinity;
  const s = plus(from, a, -1), u = dot(s, h) / det, q = cross(s, e), v = dot(along, q) / det;
  return u >= 0 && v >= 0 && u + v <= 1 ? dot(f, q) / det : Infinity;
}

function pick(px, py) {
  const { from, along } = ray(px, py), apart = pulled(), best = { t: Infinity, polygon: -1, cell: -1 };
  const hidden = (place) => cut.on && dot(cut.normal, place) > cut.offset;
  const search = (first, last, spread, whole = false) => {
    for (let p = first; p < last; p++) {
      const cell = data.cell[p], middle = spread && cell >= 0 ? [0, 1, 2].map((k) => data.middles[3 * cell + k]) : null;
      if (middle && hidden(middle)) continue;
      const corner = (i) => { const v = 3 * data.corners[i], at = [data.places[v], data.places[v + 1], data.places[v + 2]]; return middle ? plus(at, middle, spread) : at; };
      const a = corner(data.starts[p]);
      for (let i = data.starts[p] + 1, b = corner(i); i + 1 < data.starts[p + 1]; i++) {
        const c = corner(i + 1), t = hit(from, along, a, b, c);
        b = c;
        if (t > 0 && t < best.t && (whole || middle || !hidden(plus(from, along, t)))) Object.assign(best, { t, polygon: p, cell, moved: middle ? middle.map((x) => spread * x) : [0, 0, 0] });
      }
    }
  };
  if (shows("show-solid")) search(0, apart > 0 ? data.solid : data.border, apart);
  if (shows("show-surface")) search(data.solid, data.parent.length, 0, !cutsSurface());
  if (cut.on && !apart && section.count && shows("show-solid")) {
    const { triangles, owners } = section, corner = (i) => [triangles[i], triangles[i + 1], triangles[i + 2]];
    owners?.forEach((cell, s) => {
      const t = hit(from, along, corner(9 * s), corner(9 * s + 3), corner(9 * s + 6));
      if (t > 0 && t <= best.t * (1 + 1e-9)) Object.assign(best, { t, polygon: -1, cell, moved: [0, 0, 0] });
    });
  }
  if (best.t === Infinity) return { region: -1, place: null };
  const place = absolute(plus(plus(from, along, best.t), best.moved, -1));
  return { ...best, place, region: best.polygon < 0 ? data.cellRegion[best.cell] : data.parent[best.polygon] };
}

// Marks lie on top of all, also of what covers them; pulled apart they go with their cells.
function point(px, py) {
  const mark = nearestMark(px, py, shownAt);
  return mark ? { mark, place: mark.place, region: mark.region } : pick(px, py);
}

function shownAt(place, { region }) {
  const at = [...relative(place)], apart = pulled(), cell = apart > 0 && region >= 0 ? cellAt(region, place) : -1;
  return toPage(cell < 0 ? at : plus(at, [...data.middles.subarray(3 * cell, 3 * cell + 3)], apart));
}

// The cell of a region that has a place: that of the largest output there, if cells are cut by it.
function cellAt(region, place) {
  const values = data.winners ? mapAt(region, place) : [], winner = values.indexOf(Math.max(...values));
  return data.cellRegion.findIndex((r, c) => r === region && (winner < 0 || data.winners[c] === winner));
}

function drawShapes() {
  const pen = $("shapes").getContext("2d");
  pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  pen.clearRect(0, 0, $("shapes").width, $("shapes").height);
  const shown = pinned ?? hovered;
  if (shown && shown.region >= 0) {
    pen.beginPath();
    for (const [a, b] of sidesOf(shown)) { pen.moveTo(...toPage(a)); pen.lineTo(...toPage(b)); }
    pen.strokeStyle = "#ff8c00"; pen.lineWidth = 2; pen.stroke();
  }
  drawMarks(pen, shownAt);
}

// The sides of the polygon that is shown, or of the cell of a mark, as pairs of places.
function sidesOf({ polygon, cell, mark }) {
  if (mark) {
    const own = cellAt(mark.region, mark.place), all = [];
    for (let p = 0; p < data.solid; p++) if (data.cell[p] === own) all.push(...sidesOf({ polygon: p, cell: own }));
    return all;
  }
  const apart = pulled(), found = [];
  if (polygon < 0) {
    section.owners.forEach((owner, s) => { if (owner === cell) { const t = section.triangles; found.push([[...t.slice(9 * s + 3, 9 * s + 6)], [...t.slice(9 * s + 6, 9 * s + 9)]]); } });
    return found;
  }
  const shift = cell >= 0 ? [0, 1, 2].map((k) => apart * data.middles[3 * cell + k]) : [0, 0, 0];
  const corner = (i) => plus([0, 1, 2].map((k) => data.places[3 * data.corners[i] + k]), shift);
  for (let i = data.starts[polygon]; i < data.starts[polygon + 1]; i++)
    found.push([corner(i), corner(i + 1 < data.starts[polygon + 1] ? i + 1 : data.starts[polygon])]);
  return found;
}

// ---- colours -------------------------------------------------------------------------------------------------------
function coloring(choice) {
  const { parent, corners, cell, vertices = [], surfaceVertices = [] } = data;
  const place = (i) => { const v = 3 * corners[i], own = v < vertices.length ? vertices : surfaceVertices, at = v < vertices.length ? v : v - vertices.length; return [own[at], own[at + 1], own[at + 2]]; };
  const by = (value, options) => { const made = numeric((i, p) => value(parent[p], cell[p], place(i)), options); return { ...made, at: (...where) => made.place(value(...where)) }; };
  const kinds = (value, colors, more) => ({ shade: (i, p) => value(parent[p], cell[p], null, p), at: value, colors, ...more });
  if (choice === "volume") return by((region) => data.areas[region], { log: true, floor: head.smallArea });
  if (choice === "pattern") return kinds((region) => data.hues[region] / 65536, (i) => hue(i / 256));
  if (choice === "layer") return byLayer(kinds);
  if (choice === "component") return kinds((region, c, at, p) => ((p >= data.solid ? data.component[p - data.solid] : 0) % 256 + 0.5) / 256, light);
  if (choice === "class") return byClass(kinds);
  if (choice.startsWith("output")) { const k = Number(choice.slice(6)); return by((region, c, at) => mapAt(region, at)[k]); }
  const slopes = Float64Array.from({ length: head.regions }, (_, region) => slope(region));
  return by((region) => slopes[region]);
}

function byClass(kinds) {
  const { winners, pairs, pairKind } = data;
  if (!winners) { // a surface alone: its pairs of classes
    const names = [];
    pairKind.forEach((kind, s) => { names[kind] = `${pairs[2 * s]} | ${pairs[2 * s + 1]}`; });
    return kinds((region, c, at, p) => ((pairKind[p - data.solid] % 256) + 0.5) / 256, light, { classes: names });
  }
  const classes = [...new Set(winners)].sort((a, b) => a - b), place = new Map(classes.map((k, i) => [k, i % 256]));
  return kinds((region, c) => (c < 0 ? 0 : (place.get(winners[c]) + 0.5) / 256), (i) => light(classes[i] ?? 0), { classes });
}

// Facets by the layer of the unit that bends there; what has none is grey.
function byLayer(kinds) {
  const layerOf = new Map();
  head.layers.forEach(({ units: [first, last] }, k) => { for (let unit = first; unit < last; unit++) layerOf.set(unit, k); });
  const color = (k) => (k < head.layers.length - 2 ? rgb(head.layers[k].color).map((x) => 90 + 0.65 * x) : [225, 225, 225]);
  return kinds((region, c, at, p) => ((p === undefined || data.facet[p] < 0 ? 255 : layerOf.get(data.facetUnits[data.facet[p]]) ?? 255) + 0.5) / 256, color);
}

// After the colours of polygons those of the section.
const painted = () => {
  const flat = $("color").value === "gradient"; // which the shader computes
  drawn = coloring(flat ? "slope" : $("color").value);
  recolor();
  if (flat) $("scale").hidden = true;
  slice();
  redraw();
};

// ---- controls ------------------------------------------------------------------------------------------------------
function setUpColors() {
  const names = data.surfaceStarts && !head.solid ? { gradient: "gradient's direction" } : {};
  Object.assign(names, { slope: "slope (Frobenius norm)" }, head.solid && { volume: "volume", layer: "layer that bends" });
  if (data.winners || (data.pairs && !head.solid)) names.class = data.winners ? "class" : "classes on the two sides";
  names.pattern = "pattern (region)";
  if (!head.solid) names.component = "component";
  for (let k = 0; k < head.outputs; k++) names[`output${k}`] = `output ${k}`;
  $("color").append(...Object.entries(names).map(([value, text]) => element("option", { value, textContent: text })));
  $("color").value = head.color;
  $("color").onchange = painted;
}

const slider = (id, name, max, oninput, value = 0, min = 0) =>
  element("label", { className: "slider" }, name, element("input", { type: "range", id, min, max, step: (max - min) / 400, value, oninput }));
const toggle = (id, name, checked = true) => labelled(element("input", { type: "checkbox", id, checked, onchange: redraw }), name);

function setUpControls() {
  const choice = element("select", { id: "direction", onchange: moveCut });
  choice.append(...[...Object.keys(AXES), "towards you"].map((name) => element("option", { textContent: name })));
  const on = element("label", { className: "slider" }, labelled(element("input", { type: "checkbox", id: "cut", checked: head.solid, onchange: moveCut }), "cut"), choice);
  $("controls").append(element("h2", { textContent: "Cut, light" }), on, slider("offset", "where", 1.75, moveCut, 0, -1.75));
  if (head.solid) $("controls").append(slider("explode", "pull apart", 2, pullApart));
  $("controls").append(toggle("shading", "light and shade"));
  if (head.solid) $("marks").append(toggle("show-solid", `regions (${head.regions})`), toggle("show-outlines", "their outlines"));
  if (head.surface) $("marks").append(toggle("show-surface", `surface (${data.surfaceStarts.length - 1} polygons)`), toggle("show-edges", "its edges"));
  if (head.solid && head.surface) $("marks").append(toggle("cut-surface", "cut it as well", false));
  $("marks").append(toggle("show-frame", "frame of the domain"));
  $("help").textContent = "Drag: turn. Shift or right button: move. Wheel: zoom. Double click: all. Click: keep the region shown; click again: let go.";
}

function pullApart() {
  eye.away *= (1 + pulled()) / apartBefore;
  apartBefore = 1 + pulled();
  redraw();
}

function moveCut() {
  const name = $("direction").value;
  cut = { on: $("cut").checked, normal: AXES[name] ?? axes().back, offset: Number($("offset").value) };
  slice();
  redraw();
}

// ---- the region pointed at -------------------------------------------------------------------------------------------
function describe({ place, region, polygon, mark }) {
  $("which").textContent = region < 0 ? "No region" : `Region ${data.numbers[region]}${pinned ? " (kept)" : ""}`;
  const found = [], line = (text) => found.push(element("div", { textContent: text }));
  if (mark) line(nameOf(mark));
  if (region >= 0) {
    const values = mapAt(region, place);
    line(`u = (${place.map((x) => Number(x.toPrecision(7))).join(", ")})`);
    if (polygon >= data.solid && data.pairs) line(`between classes ${data.pairs[2 * (polygon - data.solid)]} and ${data.pairs[2 * (polygon - data.solid) + 1]}`);
    else if (head.outputs > 1) line(`class here ${values.indexOf(Math.max(...values))}`);
    line(`volume ${data.areas[region].toPrecision(6)}, slope ${short(slope(region))}`);
    if (data.ambiguous[region]) line("ambiguous: a decision was left open");
    found.push(rowsOf(region, place), element("h2", { textContent: "Pattern" }), ...patternOf(region));
  }
  $("info").replaceChildren(...found);
  if (head.image && place) drawImage(mark, place);
}

// ---- the mouse -----------------------------------------------------------------------------------------------------
function setUpMouse() {
  const stage = $("stage"), held = new Map();
  let moved = 0, spread = 0, next = null;
  const at = (event) => { const box = stage.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  const apart = () => { const [a, b] = [...held.values()]; return Math.hypot(a[0] - b[0], a[1] - b[1]); };
  stage.oncontextmenu = (event) => event.preventDefault();
  stage.onpointerdown = (event) => { stage.setPointerCapture(event.pointerId); held.set(event.pointerId, at(event)); moved = 0; if (held.size === 2) spread = apart(); };
  stage.onpointermove = (event) => {
    const here = at(event), last = held.get(event.pointerId);
    if (!last) { if (!next) requestAnimationFrame(() => { hover(next); next = null; }); next = here; return; }
    const [dx, dy] = [here[0] - last[0], here[1] - last[1]];
    moved += Math.hypot(dx, dy);
    held.set(event.pointerId, here);
    if (held.size === 2) { const now = apart(); zoom(spread / Math.max(now, 1)); spread = now; }
    else if (event.shiftKey || event.buttons === 2) shift(dx, dy);
    else if (moved > 3) orbit(dx, dy);
  };
  stage.onpointerup = (event) => { held.delete(event.pointerId); if (moved <= 3 && event.button === 0) keep(point(...at(event))); };
  stage.onpointercancel = (event) => held.delete(event.pointerId);
  stage.ondblclick = () => { eye = home(); redraw(); };
  stage.addEventListener("wheel", (event) => { event.preventDefault(); zoom(Math.exp(event.deltaY / 600)); }, { passive: false });
}

function orbit(dx, dy) {
  eye.turn -= dx / 160;
  eye.rise = Math.max(-1.55, Math.min(1.55, eye.rise + dy / 160));
  if ($("direction").value === "towards you" && cut.on) moveCut(); else redraw();
}

function zoom(factor) {
  eye.away = Math.max(0.02, Math.min(40, eye.away * factor));
  redraw();
}

function shift(dx, dy) {
  const { right, up } = axes(), step = (2 * eye.away * Math.tan(FOV / 2)) / Math.min($("stage").clientWidth, $("stage").clientHeight);
  eye.at = plus(plus(eye.at, right, -dx * step), up, dy * step);
  redraw();
}

// ---- start ---------------------------------------------------------------------------------------------------------
async function start() {
  const size = head.arrays.facetCorners?.[2] ?? head.arrays.surfaceCorners[2];
  gl = $("paint").getContext("webgl2", { antialias: size < 3 * MANY });
  if (!gl) throw new Error("This browser offers no WebGL2: switch hardware acceleration on, or use another one.");
  data = await unpack();
  prepare();
  $("counts").textContent = head.counts;
  eye = home();
  cut = { on: false, normal: [1, 0, 0], offset: 0 };
  gl.clearColor(0.957, 0.957, 0.957, 1);
  gl.enable(gl.DEPTH_TEST);
  gl.enable(gl.BLEND); gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  gl.depthFunc(gl.LEQUAL);
  fill = setUpFaces();
  lines = { made: program(WIRE) };
  section = setUpSection();
  const plain = head.layers.at(-1).units[1] + 1;
  lines.frame = setUpWires(relative(data.frame), new Uint32Array(data.frame.length / 6).fill(plain));
  if (head.solid) lines.cells = outlines();
  if (head.surface) lines.edges = surfaceEdges();
  setUpColors(); setUpControls(); setUpMarks(); setUpLayers(); maskUnits(); moveCut(); painted(); setUpMouse();
  new ResizeObserver(resize).observe($("stage"));
  resize();
  draw();
  slow = frameTime() > SLOW;
  window.cpwl = { pick, toPage: (u) => toPage([...relative(u)]), point, marks: () => [...marks()].map((mark) => ({ ...mark, at: shownAt(mark.place, mark) })), draw, finish, frameTime, section: () => section, cut: () => cut, eye: () => eye, position };
}

start().catch((error) => { $("failure").textContent = error.message; console.error(error); });
