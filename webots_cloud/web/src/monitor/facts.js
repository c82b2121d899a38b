// What a simulation server's machine is, as a list of facts.
import { make } from "../elements.js";
import { bytes, count, duration, moment } from "./format.js";

/**
 * @param {HTMLElement} element gets the list.
 * @param {object} data all there is to know of the server.
 * @param {number} now seconds since the epoch.
 * @param {number|undefined} disk how full the disk is, in percent.
 */
export function showFacts(element, { machine, server, sandbox, totals, gpus = [] }, now, disk) {
  const cards = gpus.map(({ name, memoryTotal, trouble }) =>
    [name || "unknown model", memoryTotal ? bytes(memoryTotal) : "", trouble ?? ""].filter(Boolean).join(", "),
  );
  const facts = [
    ["Simulator", server.simulator],
    ["webots-cloud", `${server.version}, running since ${moment(server.began)} (${duration(now - server.began)})`],
    ["System", `${machine.system}, started ${moment(machine.booted)}`],
    ["Processor", `${machine.processor}, ${count(machine.processors)} processors`],
    ["Memory", `${bytes(machine.memory)}, swap ${machine.swap ? bytes(machine.swap) : "none"}`],
    ["Disk of instances", `${bytes(machine.disk)}${disk === undefined ? "" : `, ${Math.round(disk)} % full`}`],
    ["Graphics cards", cards.join("; ") || "none"],
    ["Sandbox", `${sandbox.kind}, network ${sandbox.network}, gate ${sandbox.gate}`],
    ["Since its start", summary(totals)],
  ];
  for (const [index, [title, text]] of facts.entries()) {
    const fact = element.children[index] ?? element.appendChild(make("div", {}, make("dt", {}, title), make("dd")));
    if (fact.lastChild.textContent !== text) {
      fact.lastChild.textContent = text;
    }
  }
}

function summary({ asked, started, failed, refused }) {
  const reasons = (counts) =>
    Object.entries(counts)
      .map(([reason, number]) => `${count(number)} ${reason}`)
      .join(", ");
  return [
    `${count(asked)} asked for`,
    `${count(started)} started`,
    Object.keys(failed).length ? `failed: ${reasons(failed)}` : "none failed",
    Object.keys(refused).length ? `refused: ${reasons(refused)}` : "none refused",
  ].join("; ");
}
