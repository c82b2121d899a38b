// The simulation server's monitor page: the machine, its curves, and each instance.
import { showCertificate } from "./certificate.js";
import { Chart } from "./chart.js";
import { showConnection } from "./connection_line.js";
import { showFacts } from "./facts.js";
import { count, duration, percent } from "./format.js";
import { InstanceTable } from "./instance_table.js";
import { Live } from "./live.js";
import { Points } from "./points.js";
import { Tiles } from "./tiles.js";

const STATES = {
  available: "Has places",
  full: "Full",
  busy: "Too busy for more",
  drained: "Drained",
  ending: "Ending",
};
const TONES = { available: "good", full: "wait", busy: "wait", drained: "wait", ending: "wait" };

/** What is seen of the time: its points, its length, and the step of what is counted, in seconds. */
const MINUTES = { points: new Points(600), length: 600, step: 10 };
const DAY = { points: new Points(1440), length: 86400, step: 900 };

const element = (id) => document.getElementById(id);
const tiles = new Tiles(element("tiles"));
const table = new InstanceTable(element("instances"));
const curve = (name, title) => ({ name, title });
const charts = [
  new Chart({ title: "Processor", unit: "percent", filled: true, curves: [curve("cpu", "Processor"), curve("load", "Load")] }),
  new Chart({
    title: "Memory and disk space",
    unit: "percent",
    curves: [curve("memory", "Memory"), curve("swap", "Swap"), curve("disk", "Disk")],
  }),
  new Chart({ title: "Graphics cards", unit: "percent", curves: [curve("gpu_compute", "Compute"), curve("gpu_memory", "Memory")] }),
  new Chart({ title: "Instances", unit: "count", filled: true, curves: [curve("busy", "Running"), curve("idle", "Idle"), curve("waiting", "Queue")] }),
  new Chart({ title: "Starts and failures", unit: "count", bars: true, curves: [curve("starts", "Started"), curve("failures", "Failed")] }),
  new Chart({ title: "Network", unit: "rate", filled: true, curves: [curve("received", "In"), curve("sent", "Out")] }),
  new Chart({ title: "Disk", unit: "rate", filled: true, curves: [curve("disk_read", "Read"), curve("disk_written", "Written")] }),
];
const counted = charts[4];
element("charts").append(...charts.map((chart) => chart.element));

let data = null;
let ahead = 0;
let shown = MINUTES;
let isDue = false;

function now() {
  return Date.now() / 1000 + ahead;
}

function take(all, patch) {
  data = all;
  if (patch === null) {
    ahead = all.time - Date.now() / 1000;
    const { names, seconds, minutes } = all.curves;
    MINUTES.points.begin(names, seconds);
    DAY.points.begin(names, minutes);
    delete all.curves;
  }
  if (patch?.second) {
    MINUTES.points.add(patch.second);
  }
  if (patch?.minute) {
    DAY.points.add(patch.minute);
  }
  if (!isDue) {
    isDue = true;
    // In a page that nobody sees nothing is drawn.
    requestAnimationFrame(draw);
  }
}

function draw() {
  isDue = false;
  const { server, certificate, sandbox, instances } = data;
  element("name").textContent = server.name;
  document.title = `${server.name} – Simulation server`;
  element("about").textContent = `${server.simulator} · webots-cloud ${server.version} · up for ${duration(now() - server.began)}`;
  element("sandbox").hidden = sandbox.warning === undefined;
  element("sandbox").textContent = sandbox.warning ?? "";
  element("sandbox").dataset.tone = "bad";
  showCertificate(element("certificate"), certificate);
  showTiles();
  table.show(instances, now());
  element("nothing").hidden = Object.keys(instances).length > 0;
  showFacts(element("facts"), data, now(), MINUTES.points.last("disk"));
  drawCharts();
}

function showTiles() {
  const { totals, server } = data;
  const last = (name) => MINUTES.points.last(name);
  tiles.show("Load", percent(totals.load), { more: STATES[server.state], tone: TONES[server.state], share: totals.load });
  tiles.show("Instances", count(totals.instances), {
    more: `of ${count(totals.capacity)}, ${count(totals.idle)} idle`,
    share: (100 * totals.instances) / totals.capacity,
  });
  tiles.show("Queue", count(totals.waiting), { tone: totals.waiting ? "wait" : "" });
  tiles.show("Processor", percent(last("cpu")), { share: last("cpu") ?? 0 });
  tiles.show("Memory", percent(last("memory")), { share: last("memory") ?? 0 });
  const failed = Object.values(totals.failed).reduce((sum, number) => sum + number, 0);
  tiles.show("Started", count(totals.started), { more: `of ${count(totals.asked)} asked for` });
  tiles.show("Failed", count(failed), { tone: failed ? "bad" : "" });
}

function drawCharts() {
  charts[2].element.hidden = data.gpus?.length === 0;
  const range = [now() - shown.length, now()];
  for (const chart of charts) {
    const columns = chart === counted ? shown.points.stepped(chart.names, shown.step) : shown.points.columns(chart.names);
    chart.show(columns, range);
  }
}

function choose(time) {
  shown = time;
  element("minutes").setAttribute("aria-pressed", String(time === MINUTES));
  element("day").setAttribute("aria-pressed", String(time === DAY));
  history.replaceState(null, "", time === DAY ? "#day" : "#");
  if (data !== null) {
    drawCharts();
  }
}

element("minutes").addEventListener("click", () => choose(MINUTES));
element("day").addEventListener("click", () => choose(DAY));
if (location.hash === "#day") {
  choose(DAY);
}
new Live(take, (state, words) => showConnection(element("connection"), state, words));
