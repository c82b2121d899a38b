// What is around the world in a scene: where it is seen from, its sky, and the light that comes from everywhere.
import { fields, pick, readUrls, tag } from "./markup.js";
import { readNumbers, viewpointFromEnu } from "./rotation.js";

/** Name of the sky. */
export const BACKGROUND = "background";

const SIDES = ["back", "bottom", "front", "left", "right", "top"].map((side) => `${side}Url`);

/** What turns a sky whose front is along -z, as X3D has it, to one whose front is along -x of an ENU world. */
const ENU_SKY = `0 1 0 ${Math.PI / 2}`;

/**
 * Where the scene is seen from.
 *
 * @param {Object<string, string>} attributes of the `Viewpoint`.
 * @param {string} up `ENU` or `NUE`.
 */
export function viewpoint(attributes, up) {
  const position = readNumbers(attributes.position, 3) ?? (up === "ENU" ? [-10, 0, 0] : [0, 0, 10]);
  const orientation = readNumbers(attributes.orientation, 4) ?? [0, 0, 1, 0];
  const seen = up === "ENU" ? viewpointFromEnu(position, orientation) : { position, orientation };
  const angle = readNumbers(attributes.fieldOfView, 1)?.[0];
  return tag(
    "Viewpoint",
    ` DEF="viewpoint"${fields({
      position: seen.position.join(" "),
      orientation: seen.orientation.join(" "),
      fieldOfView: angle > 0 && angle < Math.PI ? angle : Math.PI / 4,
      nearDistance: 0.01,
      farDistance: 10_000,
    })}`,
  );
}

/** The sky, without its pictures. */
export function background(attributes, up) {
  const { skyColor = "0 0 0", skyAngle } = attributes;
  // One colour as several bands: X_ITE draws too coarse a sky for one, and leaves holes.
  const sky = skyAngle
    ? pick(attributes, "skyColor skyAngle groundColor groundAngle")
    : pick({ skyColor: Array(5).fill(skyColor).join(" "), skyAngle: "0.6 1.2 1.8 2.4" }, "skyColor skyAngle");
  const turn = up === "ENU" ? ENU_SKY : "0 1 0 0";
  return tag("Transform", ` rotation="${turn}"`, tag("Background", ` DEF="${BACKGROUND}"${sky}`));
}

/** The pictures of the sky: which field of it shows which of these URLs. */
export function skyPictures(attributes) {
  return SIDES.map((field) => ({ name: BACKGROUND, field, urls: readUrls(attributes[field]) })).filter(
    ({ urls }) => urls.length,
  );
}

/** What comes from below, from around and from above, as shares of a grey that is a little blue. */
const LIGHT = { below: [112, 108, 102], around: [200, 210, 220], above: [230, 238, 246] };
// X_ITE looks thousands of times at each pixel to blur it, which takes long where there is no graphics card.
const ROWS = 4;

/** No camera control of X_ITE's (see `surface.js`), and the light from all around that physically based materials need to look right. */
export function navigation(lit) {
  const side = [...Array(ROWS).keys()].map((row) => shade((row + 0.5) / ROWS));
  const image = (rows) => `${ROWS} ${ROWS} 3 ${rows.map((color) => Array(ROWS).fill(color).join(" ")).join(" ")}`;
  const images = { top: Array(ROWS).fill(shade(1)), bottom: Array(ROWS).fill(shade(0)) };
  const faces = ["front", "back", "top", "bottom", "left", "right"]
    .map((face) => tag("PixelTexture", ` containerField="${face}Texture" image="${image(images[face] ?? side)}"`))
    .join("");
  const cube = (field) => tag("ComposedCubeMapTexture", ` containerField="${field}"`, faces);
  return (
    tag("NavigationInfo", ` type='"NONE"' headlight="${!lit}" transitionType='"TELEPORT"'`) +
    tag("EnvironmentLight", ' intensity="0.6" global="true"', cube("diffuseTexture") + cube("specularTexture"))
  );
}

/** The light from a height between 0 (below) and 1 (above): without an edge, which smooth things would show. */
function shade(height) {
  const [from, to] = height < 0.5 ? [LIGHT.below, LIGHT.around] : [LIGHT.around, LIGHT.above];
  const share = height < 0.5 ? height * 2 : height * 2 - 1;
  const parts = from.map((part, at) => Math.round(part + (to[at] - part) * share));
  return `0x${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}
