// The page of one project: `project.html?project=NAME`.
import { make } from "../elements.js";
import { showAvailability } from "./availability_line.js";
import { showTrouble, showVisitor } from "./header.js";
import { picture } from "./picture.js";
import { savedFiles, summary } from "./saved_files.js";
import { archive, firstWorld, read, simulationPage, worldName } from "./site.js";

const name = new URLSearchParams(location.search).get("project") ?? "";
const element = (id) => document.getElementById(id);

function card(project, world) {
  return make(
    "article",
    { class: "card" },
    picture(project, world),
    make("h3", {}, make("a", { href: simulationPage(project, world) }, worldName(world))),
  );
}

function showVersion({ project, saved }) {
  const version = element("version");
  if (saved.length === 0) {
    version.replaceChildren(
      make("p", {}, "This is the original: you have saved nothing of your own. What you change and save is yours only."),
    );
    return;
  }
  const reload = async () => {
    try {
      showVersion(await read(`projects/${encodeURIComponent(name)}.json`));
      element("version-title").focus();
    } catch (error) {
      showTrouble(error.message);
    }
  };
  version.replaceChildren(
    make("p", {}, `You have a version of your own: ${summary(saved)}.`),
    savedFiles(project, saved, reload, (error) => showTrouble(error.message)),
  );
}

function show(project) {
  const title = project.title || project.name;
  document.title = title;
  element("title").textContent = title;
  element("description").textContent = project.description || "";
  element("picture").replaceWith(picture(project, firstWorld(project)));
  element("start").href = simulationPage(project);
  element("download").href = archive(project);
  element("worlds-section").hidden = project.worlds.length < 2;
  element("worlds").replaceChildren(...project.worlds.map((world) => card(project, world)));
  element("project").hidden = false;
}

try {
  const site = await read(`projects/${encodeURIComponent(name)}.json`);
  showVisitor(site.user);
  show(site.project);
  showVersion(site);
  showAvailability(element("availability"), site.sessionServer);
} catch (error) {
  showTrouble(error.message);
}
