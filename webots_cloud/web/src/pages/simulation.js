// The page of one simulation: `simulation.html?project=NAME&world=WORLD.wbt`.
import webots from "./webots.mjs";
import { firstWorld, projectPage, read } from "./site.js";

const query = new URLSearchParams(location.search);
const name = query.get("project") ?? "";
const title = document.getElementById("title");
const version = document.getElementById("version");
const view = new webots.View(document.getElementById("view"));
view.onquit = () => location.assign("./");
addEventListener("pagehide", () => view.close());

function showVersion({ project, saved }) {
  const isOwn = saved.length > 0;
  version.textContent = isOwn ? "Your version" : "Original";
  version.title = isOwn ? "With the programs that you have saved" : "You have saved nothing of your own of this project";
  version.dataset.own = isOwn;
  version.href = projectPage(project);
  version.hidden = false;
}

const readProject = () => read(`projects/${encodeURIComponent(name)}.json`);

/** The view's editor saves files at the website: what the browser has sent there is the sign to look again. */
function watchSaving() {
  new PerformanceObserver(async (list) => {
    if (list.getEntries().some((entry) => new URL(entry.name).pathname.endsWith("/ajax/upload-file.php"))) {
      try {
        showVersion(await readProject());
      } catch (error) {
        console.warn(`What is saved cannot be read: ${error.message}`);
      }
    }
  }).observe({ type: "resource" });
}

try {
  const site = await readProject();
  const { sessionServer, project, user } = site;
  title.textContent = project.title || project.name;
  document.title = title.textContent;
  showVersion(site);
  watchSaving();
  webots.User1Id = user.id ?? "";
  webots.User1Name = user.name ?? "";
  webots.User1Authentication = user.authentication ?? "";
  const world = query.get("world") || firstWorld(project);
  view.open(`${sessionServer}/${encodeURIComponent(project.name)}/worlds/${encodeURIComponent(world)}`);
} catch (error) {
  title.textContent = error.message;
}
