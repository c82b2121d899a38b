// What can go wrong between a page and its simulation: a sentence for what happened and one for what to do about it.
import { Failure } from "../failure.js";

const NETWORK = "Check your network connection. If it works, tell those who run this website.";
const AGAIN = "Try again. If it happens once more, tell those who run this website.";
const LATER = "Try again in a few minutes.";
const OPERATOR = "Trying again will hardly help: tell those who run this website.";

const BAD_URL =
  "It should look like ws://HOST:PORT/PROJECT/worlds/WORLD.wbt, ws://HOST:PORT, https://HOST/session?url=… or FILE.x3d.";

export const failures = {
  notAnAddress: (url) => new Failure(`“${cut(url, 200)}” is not the address of a simulation.`, BAD_URL),
  unknownMode: (mode) =>
    new Failure(`The mode “${cut(mode, 50)}” is not supported.`, "The modes are x3d, w3d and mjpeg."),
  noWebGl: () =>
    new Failure(
      "This browser cannot show the simulation in 3D: it has no WebGL 2, or it is switched off.",
      "Switch hardware acceleration on in its settings, or use another browser.",
    ),
  sessionUnreachable: (place) => new Failure(`The session server ${place} cannot be reached.`, NETWORK),
  sessionRefused: (place) => new Failure(`The session server ${place} refused the request.`, OPERATOR),
  sessionOdd: (place) => new Failure(`The session server ${place} gave an answer that is not understood.`, OPERATOR),
  noServer: (reason) => new Failure(reason, LATER),
  simulationUnreachable: (place) => new Failure(`The simulation server ${place} cannot be reached.`, NETWORK),
  reported: (sentence) => new Failure(`The simulation server reports: ${cut(sentence, 1000)}`),
  oddStream: () =>
    new Failure("The simulation server gave an address of the simulator that is not understood.", OPERATOR),
  closedEarly: () =>
    new Failure("The simulation server closed the connection before the simulation started.", AGAIN),
  serverLost: () => new Failure("The connection to the simulation server was lost.", NETWORK),
  simulatorUnreachable: (place) => new Failure(`The simulator at ${place} cannot be reached.`, NETWORK),
  simulatorLost: () => new Failure("The connection to the simulator was lost.", `${NETWORK} Then start it again.`),
  unexpected: (reason) => new Failure(`The simulation could not be started: ${cut(reason, 500)}`, AGAIN),
};

/** Where nothing has been heard for too long, by phase. */
export const SILENT = {
  looking: () => new Failure("The session server does not answer.", AGAIN),
  starting: () => new Failure("The simulation server did not start the simulation in time.", AGAIN),
  loading: () => new Failure("The simulator did not send the scene in time.", AGAIN),
};

function cut(text, length) {
  const whole = String(text);
  return whole.length > length ? `${whole.slice(0, length)}…` : whole;
}
