// What the visitor has saved, in all projects.
import { make } from "../elements.js";
import { showTrouble, showVisitor } from "./header.js";
import { picture } from "./picture.js";
import { savedFiles, summary } from "./saved_files.js";
import { archive, firstWorld, projectPage, read, simulationPage } from "./site.js";
import { sizeOf } from "./words.js";

const element = (id) => document.getElementById(id);

/** Show what is left after something was restored, and lead keyboards on from there. */
async function showAgain() {
  await show();
  element("main").focus();
}

/** @param {{project: object, saved: object[]}} entry of a project that may be offered no more. */
function row({ project, saved }) {
  const offered = project.worlds.length > 0;
  const buttons = [
    make(
      "a",
      { class: "button primary", href: simulationPage(project), "aria-label": `Start ${project.title}` },
      "Start",
    ),
    make(
      "a",
      { class: "button", href: archive(project), download: "", "aria-label": `Download as ZIP: ${project.title}` },
      "Download as ZIP",
    ),
  ];
  return make(
    "article",
    { class: "row" },
    picture(project, firstWorld(project)),
    make(
      "div",
      {},
      make("h2", {}, offered ? make("a", { href: projectPage(project) }, project.title) : project.title),
      make("p", {}, `${summary(saved)}.`),
      offered
        ? make("p", { class: "buttons" }, ...buttons)
        : make("p", {}, "This project is not offered on this website any more."),
      make(
        "details",
        {},
        make("summary", {}, "Files that you have changed"),
        savedFiles(project, saved, showAgain, (error) => showTrouble(error.message)),
      ),
    ),
  );
}

async function show() {
  try {
    const { user, signUp, quota, used, projects } = await read("account/saved.json");
    showVisitor(user);
    element("guest").hidden = Boolean(user.account);
    element("sign-up").hidden = !signUp;
    element("quota").hidden = projects.length === 0;
    Object.assign(element("used"), { max: quota, high: 0.9 * quota, value: used });
    element("quota-text").textContent = `${sizeOf(used)} of ${sizeOf(quota)} used`;
    element("saved-projects").replaceChildren(
      ...(projects.length > 0
        ? projects.map(row)
        : [
            make(
              "p",
              { class: "empty" },
              "You have saved nothing yet. Start a simulation, open the menu of a robot there, change its program and save it.",
            ),
          ]),
    );
  } catch (error) {
    showTrouble(error.message);
  }
}

await show();
