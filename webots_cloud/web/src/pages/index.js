// The front page: which simulations there are, those that one searches for, and whether one can be started now.
import { make } from "../elements.js";
import { showAvailability } from "./availability_line.js";
import { GrowingList } from "./growing_list.js";
import { showTrouble, showVisitor } from "./header.js";
import { picture } from "./picture.js";
import { Search } from "./search.js";
import { firstWorld, projectPage, read, simulationPage } from "./site.js";
import { counted } from "./words.js";

const field = document.getElementById("search");
const found = document.getElementById("found");
const status = document.getElementById("availability");

function card(project) {
  const title = project.title || project.name;
  const worlds = project.worlds.length > 1 ? counted(project.worlds.length, "world") : "";
  return make(
    "article",
    { class: "card" },
    picture(project, firstWorld(project)),
    make("h2", {}, make("a", { href: projectPage(project) }, title)),
    make("p", {}, project.description || ""),
    make(
      "p",
      { class: "foot" },
      make("a", { class: "button primary", href: simulationPage(project), "aria-label": `Start ${title}` }, "Start"),
      make("span", {}, worlds),
    ),
  );
}

/** Search, and keep what is searched for in the address, for whoever comes back to it. */
function search(list, projects, index) {
  const text = field.value.trim();
  const results = text ? index.find(text) : projects;
  list.show(results);
  found.textContent =
    results.length === projects.length
      ? counted(projects.length, "simulation")
      : `${results.length} of ${counted(projects.length, "simulation")}`;
  history.replaceState(null, "", text ? `?${new URLSearchParams({ search: text })}` : location.pathname);
}

/** Give projects in the order in which people look for them: “Maze 2” before “Maze 10”. */
function sorted(projects) {
  const { compare } = new Intl.Collator("en", { numeric: true });
  return projects
    .map((project) => ({ project, title: project.title || project.name }))
    .sort((one, other) => compare(one.title, other.title))
    .map(({ project }) => project);
}

function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && event.target !== field && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      field.focus();
    }
  });
  document.getElementById("search-form").addEventListener("submit", (event) => event.preventDefault());
}

try {
  const { sessionServer, projects: unsorted, user } = await read("projects.json");
  const projects = sorted(unsorted);
  showVisitor(user);
  if (projects.length === 0) {
    throw new Error("There is no project on this website yet.");
  }
  const list = new GrowingList(document.getElementById("projects"), card);
  const index = new Search(projects);
  field.value = new URLSearchParams(location.search).get("search")?.slice(0, field.maxLength) ?? "";
  field.addEventListener("input", () => search(list, projects, index));
  listenToKeys();
  search(list, projects, index);
  showAvailability(status, sessionServer);
} catch (error) {
  showTrouble(error.message);
  status.hidden = true;
}
