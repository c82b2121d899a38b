// The session server's monitor page: all simulation servers, as they are now.
import { showCertificate } from "./certificate.js";
import { showConnection } from "./connection_line.js";
import { count, duration, percent } from "./format.js";
import { Live } from "./live.js";
import { addToCurve } from "./server_history.js";
import { ServerList } from "./server_list.js";
import { direction, orderOf } from "./server_order.js";
import { Tiles } from "./tiles.js";
import { Wishes } from "./wishes.js";

/** More servers than this are a table, unless the visitor wants it otherwise. */
const MOST_CARDS = 48;
const ORDER_SECONDS = 2;
const CLOCK_SECONDS = 10;

const element = (id) => document.getElementById(id);
const tiles = new Tiles(element("tiles"));
const list = new ServerList(element("servers"), () => now(), sortBy);
const wishes = new Wishes(element("tools"), ["search", "state", "sort", "view"], order);

let data = null;
let ahead = 0;
let changed = new Set();
let isDue = false;
let ordered = 0;

/** The time by the server's clock, in seconds since the epoch. */
function now() {
  return Date.now() / 1000 + ahead;
}

function take(all, patch) {
  data = all;
  if (patch === null) {
    ahead = all.time - Date.now() / 1000;
    changed = new Set(Object.keys(all.servers));
    ordered = 0;
  }
  for (const [name, { load, asked }] of Object.entries(patch?.servers ?? {})) {
    changed.add(name);
    const server = data.servers[name];
    if ((load !== undefined && load !== null) || (asked !== undefined && server.load !== undefined)) {
      server.curve ??= { step: 10, end: Math.floor(server.asked / 10) * 10 - 10, loads: [] };
      addToCurve(server.curve, server.asked, server.load);
    }
  }
  if (!isDue) {
    isDue = true;
    // In a page that nobody sees nothing is drawn.
    requestAnimationFrame(draw);
  }
}

function draw() {
  isDue = false;
  showTotals();
  if (performance.now() - ordered >= ORDER_SECONDS * 1000 || ordered === 0) {
    order();
  }
  list.refresh(changed);
  changed = new Set();
}

function showTotals() {
  const { totals, server, certificate } = data;
  const answering = totals.available + totals.full;
  const silent = totals.failed;
  document.title = silent ? `${silent} not responding – Simulation servers` : "Simulation servers";
  const text = `${server.name} · webots-cloud ${server.version} · up for ${duration(now() - server.began)}`;
  element("about").textContent = text;
  showCertificate(element("certificate"), certificate);
  tiles.show("Available", count(totals.available), {
    more: `of ${count(totals.servers)}`,
    tone: totals.available ? "good" : "bad",
  });
  tiles.show("Not responding", count(silent), { tone: silent ? "bad" : "", more: totals.unknown ? `${count(totals.unknown)} not asked yet` : "" });
  tiles.show("Full", count(totals.full), { tone: totals.full ? "wait" : "" });
  tiles.show("Mean load", percent(totals.load), { more: answering ? "" : "no server answers", share: totals.load ?? 0 });
  tiles.show("Instances", count(totals.instances), {
    more: totals.capacity === undefined ? "" : `of ${count(totals.capacity)}`,
    share: totals.capacity ? (100 * totals.instances) / totals.capacity : undefined,
  });
  tiles.show("Queue", count(totals.waiting), { tone: totals.waiting ? "wait" : "" });
  tiles.show("Sent since start", count(totals.sent), { more: `${count(totals.watchers)} pages open` });
}

/** Choose which servers are shown, and in which order. */
function order() {
  if (data === null) {
    return;
  }
  ordered = performance.now();
  const { search, state, sort, view, isReversed } = wishes.all;
  const all = Object.keys(data.servers);
  const isTable = view ? view === "table" : all.length > MOST_CARDS;
  const key = sort || (isTable ? "state" : "given");
  const names = orderOf(data.servers, { search, state, key, isReversed }, now());
  const every = `${count(all.length)} ${all.length === 1 ? "server" : "servers"}`;
  const found = names.length === all.length ? every : `${count(names.length)} of ${every}`;
  if (element("found").textContent !== found) {
    element("found").textContent = found;
  }
  wishes.suggest("sort", key);
  list.show(names, data.servers, isTable, { key, order: direction(key, isReversed) });
}

function sortBy(key) {
  wishes.sortBy(key);
}

new Live(take, (state, words) => showConnection(element("connection"), state, words));
setInterval(() => data !== null && !document.hidden && list.refresh(), CLOCK_SECONDS * 1000);
