// The window of the explorer: what its distance sensors see, and how fast it is to drive.
import RobotWindow from "./robot_window.js";

const REACH = 300; // millimetres
const DOING = { "-1": "An obstacle: turning to the left", 0: "Driving on", 1: "An obstacle: turning to the right" };

const state = document.getElementById("state");
const sensors = document.getElementById("sensors");
const speed = document.getElementById("speed");
const speedNow = document.getElementById("speed-now");
const bars = new Map();

const robotWindow = new RobotWindow();
robotWindow.setTitle("Explorer");
robotWindow.receive = (message) => show(JSON.parse(message));
speed.oninput = () => robotWindow.send(`speed ${speed.value}`);

function show({ seen, turning, obstacles, speed: now }) {
  speedNow.textContent = `${now} rad/s`;
  state.textContent = `${DOING[turning]}. Obstacles so far: ${obstacles}.`;
  document.body.classList.toggle("near", turning !== 0);
  for (const [name, millimetres] of Object.entries(seen)) {
    const { bar, text } = bars.get(name) ?? addBar(name);
    bar.value = Math.min(millimetres, REACH);
    text.textContent = millimetres < REACH ? `${millimetres} mm` : "free";
  }
}

function addBar(name) {
  const term = document.createElement("dt");
  const definition = document.createElement("dd");
  const bar = document.createElement("meter");
  const text = document.createElement("span");
  term.textContent = name;
  Object.assign(bar, { min: 0, low: 80, high: 120, optimum: REACH, max: REACH });
  bar.setAttribute("aria-label", `${name}: distance`);
  definition.append(bar, text);
  sensors.append(term, definition);
  bars.set(name, { bar, text });
  return bars.get(name);
}
