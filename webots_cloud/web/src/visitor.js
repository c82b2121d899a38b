// Who looks at the simulation, as the page tells it before `open`: sent to the simulation server, which passes it on to
// the website host (docs/protocol.md sections 2 and 6).

/** The page may set each of these; they are sent as strings. */
export const visitor = {
  User1Id: "",
  User1Name: "",
  User1Authentication: "",
  User2Id: "",
  User2Name: "",
  CustomData: "",
};

/**
 * The `init` message of generation A: nine strings (docs/protocol.md section 2).
 *
 * @param {Location|{protocol: string, host: string}} page where the page came from: the website host.
 * @param {{project: string, world: string}} target what to run.
 * @returns {string} the JSON text to send.
 */
export function initMessage(page, target, who = visitor) {
  const host = `${page.protocol}//${page.host.replace(/^www\./, "")}`;
  const fields = [
    host,
    target.project,
    target.world,
    who.User1Id,
    who.User1Name,
    who.User1Authentication,
    who.User2Id,
    who.User2Name,
    who.CustomData,
  ];
  return JSON.stringify({ init: fields.map((field) => String(field ?? "")) });
}

/**
 * The `start` message of generation B.
 *
 * @param {{github: string}} target the world's URL.
 * @param {string} mode how the scene is to be sent.
 */
export function startMessage(target, mode) {
  return JSON.stringify({ start: { url: target.github, mode } });
}

/** In whose name a simulation runs, for people; empty: in nobody's. */
export function nameOf(who = visitor) {
  return [
    [who.User1Name, who.User1Id],
    [who.User2Name, who.User2Id],
  ]
    .map(([name, id]) => String(name || id || "").slice(0, 200))
    .filter((name) => name && name !== "0")
    .join(" and ");
}
