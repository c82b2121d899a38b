// A world's picture, or something neutral in its place.
import { icon, make } from "../elements.js";

const ROBOT =
  "M11 3h2v3h4a3 3 0 0 1 3 3v7a3 3 0 0 1-3 3H7a3 3 0 0 1-3-3V9a3 3 0 0 1 3-3h4V3Zm-2.5 7a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 " +
  "0-3Zm7 0a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3ZM9 15v1.2h6V15H9Z";

/**
 * @param {object} project as the website host lists it.
 * @param {string} world which of its worlds.
 */
export function picture(project, world) {
  const frame = make("div", { class: "picture" });
  if (!project.pictures?.includes(world)) {
    frame.append(icon(ROBOT));
    return frame;
  }
  const path = [project.name, "pictures", `${world.replace(/\.wbt$/, "")}.jpg`].map(encodeURIComponent).join("/");
  // It says nothing that the text beside it does not say.
  const image = make("img", { loading: "lazy", decoding: "async", alt: "", width: 480, height: 270 });
  image.addEventListener("error", () => frame.replaceChildren(icon(ROBOT)));
  image.src = `projects/${path}`;
  frame.append(image);
  return frame;
}
