// The map beside the list. What it shows is counted by the server for the part that is looked at;
// the list below says the same without it.
const DELAY_OF_MOVE = 150; // milliseconds after a move before asking
const CLOSER = 2; // zooms that a click on a cluster brings
const COUNTIES_FROM = 8; // zoom
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
const touch = matchMedia("(pointer: coarse)").matches;

let options, texts, map, asking, timer, near, level, shown = new Map(), searched = "";

const byId = (id) => document.getElementById(id);
const readOptions = () => JSON.parse(byId("carte-options").textContent);
const say = (text) => { byId("carte-etat").textContent = text; };
const boxOf = (all) => [all.getWest(), all.getSouth(), all.getEast(), all.getNorth()]
  .map((degrees) => degrees.toFixed(5)).join(",");
const under = (address, more) =>
  `${address}${address.includes("?") ? "&" : "?"}${new URLSearchParams(more)}`;

async function read(address, how) {
  const answer = await fetch(address, how);
  if (!answer.ok) throw new Error(answer.status);
  return answer.json();
}

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(text);
  return made;
}

// --- Ground ---

function ground() {
  if (options.tiles) {
    const credit = element("span", options.credits).innerHTML;
    L.tileLayer(options.tiles, {
      attribution: credit, maxZoom: options.zooms[1], referrerPolicy: "strict-origin",
    }).addTo(map);
  }
  const layers = {};
  let drawn;
  const wanted = () => map.getZoom() < COUNTIES_FROM ? options.regions : options.counties;
  const redraw = async () => {
    const address = wanted();
    map.getContainer().classList.toggle("far", address === options.regions);
    const layer = await (layers[address] ??= borders(address));
    if (!layer || layer === drawn || address !== wanted()) return;
    drawn?.remove();
    drawn = layer.addTo(map);
  };
  map.on("zoomend", redraw);
  redraw();
}

async function borders(address) {
  try {
    const className = options.tiles ? "border" : "land";
    return L.geoJSON(await read(address), {
      className, interactive: false, pane: "ground", attribution: texts.ground,
    });
  } catch {
    return null; // offline: the clusters are worth more than their ground
  }
}

function around() {
  near?.remove();
  const { near: at } = options;
  near = at && L.layerGroup([
    L.circle(at, { radius: at.metres, className: "near", interactive: false }),
    L.circleMarker(at, { radius: 4, className: "near dot", interactive: false }),
  ]).addTo(map);
}

function put(at, className, html, size, more) {
  const iconSize = size ? [size, size] : null;
  const icon = L.divIcon({ className, html, iconSize });
  return L.marker(at, { icon, interactive: false, keyboard: false, ...more });
}

// Names of cities where they hide no cluster and no other name: tiles would have their own.
function write(places, cells) {
  const taken = cells.map((cell) => {
    const { x, y } = map.latLngToContainerPoint(cell), half = sizeOf(cell) / 2;
    return [x - half, y - half, x + half, y + half];
  });
  map.places.clearLayers();
  const all = [options.near, ...places.filter(({ name }) => name !== options.near?.name)];
  for (const one of all.filter(Boolean)) {
    const { x, y } = map.latLngToContainerPoint(one), half = one.name.length * 3.6 + 4;
    for (const by of [0, 14, -14, 28, -28, 42, -42]) {
      const [left, top, right, bottom] = [x - half, y + by - 8, x + half, y + by + 8];
      if (taken.some(([l, t, r, b]) => l < right && r > left && t < bottom && b > top)) continue;
      taken.push([left, top, right, bottom]);
      const at = map.containerPointToLatLng([x, y + by]);
      const style = one === options.near ? "place here" : "place";
      map.places.addLayer(put(at, style, element("span", one.name), 0, { pane: "places" }));
      break;
    }
  }
}

// --- What is found ---

async function ask() {
  asking?.abort();
  const own = asking = new AbortController();
  const address = under(options.cells, { boite: boxOf(map.getBounds()), zoom: map.getZoom() });
  try {
    draw(await read(address, { signal: own.signal }));
  } catch (error) {
    if (own.signal.aborted) return;
    say(texts.failed + " ");
    const again = element("button", texts.again, { type: "button", class: "link" });
    again.addEventListener("click", ask);
    byId("carte-etat").append(again);
  }
}

function draw({ cells, places, total, about, level: drawn }) {
  level = drawn;
  const container = map.getContainer();
  const focused = container.contains(document.activeElement);
  const next = new Map();
  for (const cell of cells) {
    const key = [map.getZoom(), cell.lat, cell.lng, cell.n, cell.url].join();
    next.set(key, shown.get(key) || marker(cell));
    shown.delete(key);
  }
  for (const old of shown.values()) old.remove();
  shown = next;
  // In reading order, north to south, whatever was there before.
  for (const one of shown.values()) map.hasLayer(one) || one.addTo(map);
  if (!options.tiles) write(places, cells);
  // The button that was pressed may be gone: the focus stays on the map.
  if (focused && !container.contains(document.activeElement)) container.focus();
  say(total ? `${texts.shown} ${texts.about[Number(about)]}${count(total)}` : texts.none);
}

const count = (n) => n < 10000
  ? n.toLocaleString("fr-CA") : n.toLocaleString("fr-CA", { notation: "compact" });

const sizeOf = ({ n }) => n < 2 ? 28 : n < 10 ? 32 : n < 100 ? 37 : 42; // pixels

function marker(cell) {
  const alone = Boolean(cell.url);
  const list = cell.stacked || map.getZoom() >= map.getMaxZoom();
  const name = alone ? `${cell.name}, ${cell.city}`
    : `${cell.label}, ${list ? texts.open : texts.zoom}`;
  const button = element("button", alone ? "" : count(cell.n), {
    type: "button", class: alone ? "pin" : "cluster", "aria-label": name, title: name,
  });
  if (alone) button.dataset.url = cell.url;
  L.DomEvent.disableClickPropagation(button);
  button.addEventListener("click", () => {
    if (alone) popup(cell, [entry(cell)], button);
    else if (list) openList(cell, button);
    else map.setView(cell, Math.min(map.getZoom() + CLOSER, map.getMaxZoom()));
  });
  return put(cell, "spot", button, sizeOf(cell), { zIndexOffset: alone ? 0 : 100 });
}

function entry({ url, name, city }) {
  const line = element("p", element("a", name, { href: url }));
  line.append(element("span", city));
  return line;
}

// Enterprises of one position, or too close to be told apart: by name.
async function openList(cell, button) {
  let box = L.latLng(cell.stacked || cell).toBounds(4); // metres
  if (!cell.stacked) {
    const side = map.options.crs.scale(map.getZoom()) / 2 ** level; // of a cell, in pixels
    const corner = map.project(box.getCenter()).divideBy(side).floor().multiplyBy(side);
    box = L.latLngBounds(map.unproject(corner), map.unproject(corner.add([side, side])));
  }
  const boite = boxOf(box);
  popup(cell, [element("p", texts.wait)], button);
  try {
    const { results, total } = await read(under(options.records, { boite, taille: 20 }));
    const lines = results.map(entry);
    if (total > results.length) {
      lines.push(element("p", element("a", texts.all, { href: under(options.list, { boite }) })));
    }
    popup(cell, lines, button);
  } catch {
    popup(cell, [element("p", texts.failed)], button);
  }
}

function popup(cell, lines, button) {
  const content = document.createElement("div");
  content.append(...lines);
  const opened = L.popup({ maxHeight: 220, offset: [0, -6] })
    .setLatLng(cell).setContent(content);
  opened.on("remove", () => {
    const inside = opened.getElement()?.contains(document.activeElement);
    const back = button.isConnected ? button : map.getContainer();
    if (inside || document.activeElement === document.body) back.focus();
  });
  opened.openOn(map);
  const close = opened.getElement().querySelector(".leaflet-popup-close-button");
  close.setAttribute("aria-label", texts.close);
  (content.querySelector("a") || close).focus({ preventScroll: true });
}

// --- The map itself ---

function open() {
  options = readOptions();
  texts = options.texts;
  const [minZoom, maxZoom] = options.zooms;
  map = L.map("carte", {
    minZoom, maxZoom, zoomControl: false, attributionControl: false, maxBoundsViscosity: 1,
    maxBounds: [[40, -95], [66, -45]], scrollWheelZoom: false,
    // One finger scrolls the page; two move the map.
    dragging: !touch, zoomAnimation: !still, fadeAnimation: !still, inertia: !still,
  });
  L.control.zoom({ zoomInTitle: texts.in, zoomOutTitle: texts.out }).addTo(map);
  L.control.attribution({ prefix: false }).addTo(map);
  for (const name of ["ground", "places"]) map.createPane(name).setAttribute("aria-hidden", "true");
  map.places = L.layerGroup().addTo(map);
  fit();
  ground();
  around();
  ask();
  map.on("moveend", () => {
    byId("carte-ici").hidden = false;
    clearTimeout(timer);
    timer = setTimeout(ask, DELAY_OF_MOVE);
  });
  const container = map.getContainer();
  container.addEventListener("pointerdown", () => map.scrollWheelZoom.enable());
  container.addEventListener("mouseleave", () => map.scrollWheelZoom.disable());
  container.addEventListener("keydown", ({ key }) => key === "Escape" && map.closePopup());
}

function fit() {
  const [west, south, east, north] = options.view;
  map.fitBounds([[south, west], [north, east]], { animate: false });
}

// After a filter or a page of the list: other results, the same map.
function follow() {
  if (!byId("carte-options")) return;
  options = readOptions();
  if (options.box !== searched || !options.box) fit();
  byId("carte-ici").hidden = true;
  around();
  clearTimeout(timer);
  ask();
}

document.addEventListener("click", ({ target }) => {
  if (target.id !== "carte-ici") return;
  searched = boxOf(map.getBounds());
  document.querySelector("#recherche [name=boite]").value = searched;
});

// A card points at its enterprise, where it stands alone.
for (const name of ["mouseover", "focusin", "mouseout", "focusout"]) {
  document.addEventListener(name, ({ target }) => {
    const url = target.closest(".cards li")?.querySelector("h2 a").pathname;
    if (url) document.querySelector(`.pin[data-url="${url}"]`)
      ?.classList.toggle("pointed", /over|in$/.test(name));
  });
}

if (window.L) {
  open();
  document.addEventListener("htmx:afterSettle", follow);
} else {
  say(readOptions().texts.failed);
}
