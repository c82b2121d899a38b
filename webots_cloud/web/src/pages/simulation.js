// The page of one simulation: `simulation.html?project=NAME&world=WORLD.wbt`.
import webots from "./webots.mjs";
import { firstWorld, readSite } from "./site.js";

const query = new URLSearchParams(location.search);
const title = document.getElementById("title");
const view = new webots.View(document.getElementById("view"));
view.onquit = () => location.assign("./");
addEventListener("pagehide", () => view.close());

try {
  const { sessionServer, projects, user } = await readSite();
  const project = projects.find(({ name }) => name === query.get("project")) ?? { name: query.get("project") ?? "" };
  title.textContent = project.title || project.name;
  document.title = title.textContent || document.title;
  webots.User1Id = user.id ?? "";
  webots.User1Name = user.name ?? "";
  webots.User1Authentication = user.authentication ?? "";
  const world = query.get("world") || firstWorld(project);
  view.open(`${sessionServer}/${encodeURIComponent(project.name)}/worlds/${encodeURIComponent(world)}`);
} catch (error) {
  title.textContent = error.message;
}
