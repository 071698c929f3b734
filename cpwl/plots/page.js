// What the pages of planes and of space share: data, colours, controls. Data: see cpwl/plots/page_parts.py.
"use strict";
const $ = (id) => document.getElementById(id);
const TYPES = { f8: Float64Array, f4: Float32Array, i4: Int32Array, u2: Uint16Array, u1: Uint8Array };
const RAMP = ["#ffffd9", "#edf8b1", "#c7e9b4", "#7fcdbb", "#41b6c4", "#1d91c0", "#225ea8", "#253494", "#081d58"];
const MASK = 1024; // texels in a row of the table of units
const SLOW = 60, REST = 250; // milliseconds
const SHOWN_UNITS = 512; // of a layer's pattern
const THUMB = 44; // pixels: images beside their marks
const thumbs = new Map();

const head = JSON.parse($("head").textContent);
let data, gl, fill, lines, hovered = null, pinned = null, waiting = false, slow = false, resting = 0;

// ---- data ----------------------------------------------------------------------------------------------------------
async function unpack() {
  const bytes = await (await fetch("data:;base64," + $("data").textContent.trim())).blob();
  const plain = await new Response(bytes.stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
  const found = Object.fromEntries(Object.entries(head.arrays).map(([name, entry]) => [name, decoded(plain, entry)]));
  found.sites ??= found.vertices;
  found.maps ??= mapsOf(found);
  found.patterns = patternsOf(found);
  return found;
}

// Of an array first all first bytes, then all second ones, and so on; maybe differences from the entry before.
function decoded(plain, [type, offset, count, differences]) {
  const Type = TYPES[type], size = Type.BYTES_PER_ELEMENT, from = new Uint8Array(plain, offset, count * size);
  const to = new Uint8Array(count * size), values = new Type(to.buffer);
  for (let k = 0; k < size; k++) for (let i = 0, at = k; i < count; i++, at += size) to[at] = from[k * count + i];
  if (differences) for (let i = 1; i < count; i++) values[i] += values[i - 1];
  return values;
}

// The patterns, row by row: each is that of the region above it in a tree, but for the units that have changed.
function patternsOf({ above, changes, changed, changedTo, root }) {
  const width = head.rowBytes, rows = new Uint8Array(width * head.regions), known = new Uint8Array(head.regions), path = [];
  for (let region = 0; region < head.regions; region++) {
    for (let r = region; r >= 0 && !known[r]; r = above[r]) path.push(r);
    while (path.length) {
      const r = path.pop(), at = r * width;
      if (above[r] < 0) rows.set(root, at); else rows.copyWithin(at, above[r] * width, (above[r] + 1) * width);
      for (let i = changes[r]; i < changes[r + 1]; i++) {
        if (head.bits === 1) rows[at + (changed[i] >> 3)] ^= 1 << (changed[i] & 7);
        else { rows[at + 2 * changed[i]] = changedTo[i] & 255; rows[at + 2 * changed[i] + 1] = changedTo[i] >> 8; }
      }
      known[r] = 1;
    }
  }
  return rows;
}

// Of each output the entries of A, then b.
function mapAt(region, place) {
  const { maps } = data, wide = head.dim + 1, start = region * head.outputs * wide;
  return Array.from({ length: head.outputs }, (_, k) => {
    const i = start + wide * k;
    return place.reduce((sum, x, j) => sum + maps[i + j] * x, maps[i + head.dim]);
  });
}

function slope(region) {
  const wide = head.dim + 1, width = head.outputs * wide, maps = data.maps.subarray(region * width, (region + 1) * width);
  return Math.sqrt(maps.reduce((sum, value, i) => sum + (i % wide < head.dim ? value * value : 0), 0));
}

function unitPiece(region, unit) {
  const column = data.column[unit];
  if (column < 0) return data.constant[unit];
  const bit = column * head.bits, byte = data.patterns[region * head.rowBytes + (bit >> 3)];
  return head.bits === 1 ? (byte >> (bit & 7)) & 1 : byte | (data.patterns[region * head.rowBytes + (bit >> 3) + 1] << 8);
}

function program([vertex, fragment]) {
  const made = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text); gl.compileShader(shader); gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made) || "no shaders");
  return made;
}

function attribute(made, name, values, size, { divisor = 0, stride = 0, offset = 0, buffer = gl.createBuffer() } = {}) {
  const place = gl.getAttribLocation(made, name);
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  if (values) gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
  gl.enableVertexAttribArray(place);
  if (name === "unit") gl.vertexAttribIPointer(place, size, gl.UNSIGNED_INT, stride, offset);
  else gl.vertexAttribPointer(place, size, gl.FLOAT, false, stride, offset);
  gl.vertexAttribDivisor(place, divisor);
  return buffer;
}

function texture(width, height, pixels, made = gl.createTexture()) {
  gl.bindTexture(gl.TEXTURE_2D, made);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, side, gl.NEAREST);
  return made;
}

// ---- colours -------------------------------------------------------------------------------------------------------
const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const short = (value) => (value === 0 ? "0" : Number(value.toPrecision(5)).toString());

function ramp(t) {
  const place = Math.min(t, 0.999999) * (RAMP.length - 1), i = Math.floor(place), a = rgb(RAMP[i]), b = rgb(RAMP[i + 1]);
  return a.map((value, k) => value + (place - i) * (b[k] - value));
}

function hue(t) {
  return [0, 2, 4].map((shift) => {
    const wave = Math.abs(((6 * t + shift) % 6) - 3) - 1;
    return 255 * (0.55 + 0.4 * Math.max(0, Math.min(1, wave)));
  });
}

const light = (k) => rgb(head.palette[k % head.palette.length]).map((value) => 64 + 0.75 * value);

function table(colorOf) {
  const pixels = new Uint8Array(1024);
  for (let i = 0; i < 256; i++) pixels.set([...colorOf(i).map(Math.round), 255], 4 * i);
  return pixels;
}

function numeric(corner, { log = false, floor = -Infinity } = {}) {
  const scaled = (value) => (log ? Math.log(Math.max(value, floor)) : value);
  let low = Infinity, high = -Infinity;
  eachCorner((i, p) => { const value = scaled(corner(i, p)); low = Math.min(low, value); high = Math.max(high, value); });
  const span = high > low ? high - low : 1, back = log ? Math.exp : (value) => value, place = (value) => (scaled(value) - low) / span;
  return { shade: (i, p) => place(corner(i, p)), place, colors: (i) => ramp((log ? 255 - i : i) / 255),
    ends: [back(low), back(high)] };
}

function eachCorner(use) {
  for (let p = 0; p < data.parent.length; p++)
    for (let i = data.starts[p]; i < data.starts[p + 1]; i++) use(i, p);
}

function recolor() {
  const { shade, colors, ends, classes } = coloring($("color").value), shades = new Float32Array(data.corners.length);
  eachCorner((i, p) => { shades[i] = shade(i, p); });
  gl.bindBuffer(gl.ARRAY_BUFFER, fill.shades);
  gl.bufferData(gl.ARRAY_BUFFER, shades, gl.STATIC_DRAW);
  const pixels = table(colors);
  texture(256, 1, pixels, fill.ramp);
  $("scale").hidden = !ends;
  if (ends) {
    $("ramp").getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(pixels), 256, 1), 0, 0);
    [$("low").textContent, $("high").textContent] = ends.map(short);
  }
  $("legend").replaceChildren(...(classes ?? []).map((k, i) => labelled(swatch(colors(i % 256)), `class ${k}`)));
  redraw();
}

// ---- controls ------------------------------------------------------------------------------------------------------
function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const labelled = (...parts) => element("label", {}, ...parts);

function swatch(color) {
  const made = element("span", { className: "swatch" });
  made.style.background = `rgb(${color.map(Math.round).join()})`;
  return made;
}

// "3, 7-9" as a test of numbers; null when it is no such list; everything when empty.
function listed(text) {
  const parts = text.split(",").map((part) => part.trim()).filter(Boolean);
  const ranges = parts.map((part) => part.match(/^(\d+)(?:\s*-\s*(\d+))?$/));
  if (ranges.includes(null)) return null;
  return (n) => !ranges.length || ranges.some(([, a, b]) => n >= Number(a) && n <= Number(b ?? a));
}

function setUpLayers() {
  const counts = new Map();
  data.units.forEach((unit) => counts.set(unit, (counts.get(unit) ?? 0) + 1));
  head.layers.forEach((layer) => {
    const box = element("input", { type: "checkbox", checked: true, onchange: maskUnits });
    const [first, last] = layer.units;
    let edges = 0;
    for (let unit = first; unit < last; unit++) edges += counts.get(unit) ?? 0;
    const row = labelled(box, swatch(rgb(layer.color)), `${layer.name} (${edges})`);
    row.className = "layer";
    layer.box = box;
    if (layer.selectable) {
      layer.text = element("input", { type: "text", placeholder: "units 3, 7-9", oninput: maskUnits });
      row.append(layer.text);
    }
    if (layer.selectable || edges) $("layers").append(row);
  });
}

function maskUnits() {
  const total = head.layers.at(-1).units[1], height = Math.ceil((total + 2) / MASK), pixels = new Uint8Array(4 * MASK * height);
  head.layers.forEach(({ units: [first, last], box, text, color: shown }) => {
    const chosen = listed(text?.value ?? ""), color = rgb(shown);
    text?.setCustomValidity(chosen ? "" : "numbers and ranges, such as 3, 7-9");
    for (let unit = first; unit < last; unit++)
      pixels.set([...color, box.checked && chosen?.(unit - first) ? 255 : 0], 4 * unit);
  });
  pixels.set([224, 0, 16, 255, 68, 68, 68, 255], 4 * total); // the decision boundary, and what is no edge of a unit
  lines.units = texture(MASK, height, pixels, lines.units);
  redraw();
}

function rowsOf(region, place) {
  const values = mapAt(region, place), wide = head.dim + 1, at = region * head.outputs * wide, { maps } = data;
  const cells = (tag, texts) => element("tr", {}, ...texts.map((text) => element(tag, { textContent: text })));
  const rows = values.map((value, k) => cells("td", [k, short(value), ...Array.from({ length: wide }, (_, j) => short(maps[at + wide * k + j]))]));
  return element("table", {}, cells("th", ["output", "f(u)", ...["A₁", "A₂", "A₃"].slice(0, head.dim), "b"]), ...rows);
}

function patternOf(region) {
  return head.layers.filter((layer) => layer.selectable).flatMap(({ name, units: [first, last] }) => {
    const pieces = [];
    for (let unit = first; unit < Math.min(last, first + SHOWN_UNITS); unit++) pieces.push(unitPiece(region, unit));
    const text = pieces.join(Math.max(...pieces) > 9 ? " " : "") + (last - first > SHOWN_UNITS ? "…" : "");
    return [element("p", { textContent: `${name}, ${last - first} units` }), element("div", { className: "bits", textContent: text })];
  });
}

// ---- frames ---------------------------------------------------------------------------------------------------------
// Without a graphics card many edges take long: then they are left out until the picture has come to rest.
function redraw() {
  clearTimeout(resting);
  if (slow) resting = setTimeout(draw, REST);
  if (!waiting) { waiting = true; requestAnimationFrame(() => draw({ edges: !slow })); }
}

// Reading a pixel waits until all is drawn.
function finish() {
  gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
}

function frameTime() {
  finish();
  const begun = performance.now();
  draw();
  finish();
  return performance.now() - begun;
}

function resize() {
  const { clientWidth, clientHeight } = $("stage");
  for (const id of ["paint", "shapes"]) {
    $(id).width = Math.max(1, Math.round(clientWidth * devicePixelRatio));
    $(id).height = Math.max(1, Math.round(clientHeight * devicePixelRatio));
  }
  redraw();
}

// ---- the region pointed at ------------------------------------------------------------------------------------------
function hover(here) {
  hovered = point(...here);
  if (!pinned) describe(hovered);
  drawShapes();
}

function keep(found) {
  pinned = pinned || found.region < 0 ? null : found;
  describe(found);
  drawShapes();
}

// ---- marks: points, data (inputs, at the nearest places of the slice), samples of the boundary ---------------------------
function setUpMarks() {
  const kinds = ["points", "data", "samples"].filter((kind) => data[kind]);
  const toggle = (id, name, checked) => $("marks").append(labelled(element("input", { type: "checkbox", checked, id, onchange: redraw }), name));
  for (const kind of kinds) toggle(`show-${kind}`, `${kind} (${data[kind].length / head.dim})`, true);
  if (head.image && kinds.length) toggle("show-images", "images beside them", false);
  if (!$("marks").children.length) $("marks").append(element("p", { textContent: "nothing" }));
}

function* marks() {
  for (const kind of ["data", "points", "samples"]) {
    if (!data[kind] || !$(`show-${kind}`).checked) continue;
    for (let i = 0; head.dim * i < data[kind].length; i++) {
      const place = [...data[kind].subarray(head.dim * i, head.dim * (i + 1))];
      yield { kind, i, place, region: data[`${kind}Region`][i], label: kind === "points" ? head.labels[i] ?? "" : "" };
    }
  }
}

// The mark under the mouse; ``placed`` says where on the page a mark is.
function nearestMark(px, py, placed) {
  let best = null, closest = 8;
  for (const mark of marks()) {
    const [x, y] = placed(mark.place, mark), distance = Math.hypot(x - px, y - py);
    if (distance < closest) [best, closest] = [mark, distance];
  }
  return best;
}

function drawMarks(pen, placed) {
  pen.font = "600 13px system-ui, sans-serif";
  const { clientWidth, clientHeight } = $("stage");
  const inView = [...marks()].map((mark) => ({ ...mark, at: placed(mark.place, mark) }))
    .filter(({ at: [x, y] }) => x > -9 && y > -9 && x < clientWidth + 9 && y < clientHeight + 9);
  for (const mark of inView) drawMark(pen, mark);
  if ($("show-images")?.checked) drawThumbs(pen, inView);
}

function drawMark(pen, { kind, at: [x, y], label, i }) {
  pen.beginPath();
  pen.arc(x, y, kind === "points" ? 5 : kind === "data" ? 4 : 3, 0, 2 * Math.PI);
  pen.fillStyle = kind === "points" ? "#000" : kind === "data" ? `rgb(${light(head.data.kinds[i])})` : "#fff";
  pen.strokeStyle = kind === "points" ? "#fff" : kind === "data" ? "#000" : "#e00010";
  pen.lineWidth = 1.5; pen.fill(); pen.stroke();
  if (label) { pen.lineWidth = 3; pen.strokeStyle = "#fffc"; pen.strokeText(label, x + 8, y - 6); pen.fillStyle = "#000"; pen.fillText(label, x + 8, y - 6); }
}

// Images beside marks, from the first one on, those left out that would cover another one.
function drawThumbs(pen, all) {
  const taken = [], { width, height } = head.image, scale = THUMB / Math.max(width, height);
  const [w, h] = [width * scale, height * scale];
  pen.imageSmoothingEnabled = false;
  for (const mark of all) {
    const left = mark.at[0] + 7, top = mark.at[1] + 5;
    if (taken.some(([a, b]) => Math.abs(a - left) < w + 2 && Math.abs(b - top) < h + 2)) continue;
    taken.push([left, top]);
    pen.drawImage(thumbOf(mark), left, top, w, h);
    pen.strokeStyle = mark.kind === "samples" ? "#e00010" : "#000"; pen.lineWidth = 1; pen.strokeRect(left, top, w, h);
  }
}

function thumbOf(mark) {
  const key = `${mark.kind} ${mark.i}`;
  if (!thumbs.has(key)) {
    const { width, height } = head.image, made = element("canvas", { width, height });
    made.getContext("2d").putImageData(pictureOf(mark, mark.place), 0, 0);
    thumbs.set(key, made);
  }
  return thumbs.get(key);
}

function nameOf({ kind, i, label }) {
  if (kind !== "data") return `${kind === "points" ? "point" : "sample"} ${i}${label && `: ${label}`}`;
  return `data ${i}${head.data.names[i] && `: ${head.data.names[i]}`}, ${short(data.apart[i])} from the slice`;
}

function drawImage(mark, place) {
  const { height, width } = head.image, canvas = $("image");
  Object.assign(canvas, { width, height, hidden: false });
  canvas.getContext("2d").putImageData(pictureOf(mark, place), 0, 0);
}

// Of a data point its own image, elsewhere that of the place in the slice.
function pictureOf(mark, place) {
  const { channels, height, width, low, high } = head.image, { inputs, pictures } = data, size = height * width, wide = head.dim + 1;
  const picture = new ImageData(width, height), own = mark?.kind === "data" ? mark.i * channels * size : -1;
  const value = (at) => place.reduce((sum, x, k) => sum + inputs[at + 1 + k] * x, inputs[at]);
  for (let i = 0; i < size; i++)
    for (let c = 0; c < 4; c++) {
      const entry = i + (channels === 3 ? Math.min(c, 2) : 0) * size;
      picture.data[4 * i + c] = c === 3 ? 255 : own < 0 ? (255 * (value(wide * entry) - low)) / (high - low) : pictures[own + entry];
    }
  return picture;
}
