// The front page: which simulations there are, and whether one can be started now.
import { Availability } from "../availability/watch.js";
import { make } from "../elements.js";
import { firstWorld, readSite } from "./site.js";

const SENTENCES = {
  available: "A simulation can be started now.",
  busy: "All simulation servers are busy or away at the moment.",
  unreachable: "The session server cannot be reached; trying again…",
};

const status = document.getElementById("availability");

function showAvailability(state) {
  status.dataset.state = state;
  status.textContent = SENTENCES[state];
}

function card(project) {
  const page = new URLSearchParams({ project: project.name, world: firstWorld(project) });
  return make(
    "a",
    { class: "card", href: `simulation.html?${page}` },
    make("h2", {}, project.title || project.name),
    make("p", {}, project.description || ""),
    make("span", { class: "go", "aria-hidden": "true" }, "Start →"),
  );
}

try {
  const { sessionServer, projects } = await readSite();
  document.getElementById("projects").append(...projects.map(card));
  if (projects.length === 0) {
    throw new Error("There is no project on this website yet.");
  }
  new Availability(sessionServer, showAvailability);
} catch (error) {
  const notice = document.getElementById("notice");
  notice.textContent = error.message;
  notice.hidden = false;
  status.hidden = true;
}
