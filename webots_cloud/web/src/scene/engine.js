// X_ITE, the 3D engine: loaded when it is first needed, and the canvas it draws on.
import { Failure } from "../failure.js";

/** Beside this script, put there by the build. */
const X_ITE_URL = new URL("x_ite/x_ite.min.mjs", import.meta.url).href;

let drawn = false;

/** Whether this browser can draw 3D at all. */
export function canDraw() {
  drawn ||= tryToDraw();
  return drawn;
}

/** Browsers have few drawing contexts and take the oldest one away for a further one: this one is given back at once. */
function tryToDraw() {
  const context = document.createElement("canvas").getContext("webgl2");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context !== null;
}

/**
 * Load the engine.
 *
 * @returns {Promise<object>} X_ITE.
 * @throws {Failure} where it cannot be loaded.
 */
export async function loadEngine() {
  try {
    return (await import(X_ITE_URL)).default;
  } catch {
    throw new Failure("The 3D engine could not be loaded from this website.");
  }
}

/**
 * Make a canvas and put it into an element; only then does it have a `browser`.
 *
 * @param {HTMLElement} element it fills.
 * @returns {HTMLElement} the canvas.
 */
export function makeCanvas(element) {
  const canvas = document.createElement("x3d-canvas");
  for (const option of ["contextMenu", "notifications", "splashScreen"]) {
    canvas.setAttribute(option, "false");
  }
  canvas.setAttribute("antialiased", "true");
  canvas.className = "webots-canvas";
  // The layer over it hears what it would, and does more with it.
  canvas.inert = true;
  element.prepend(canvas);
  // Otherwise what is round has sixteen sides.
  canvas.browser.setBrowserOption("PrimitiveQuality", "HIGH");
  return canvas;
}

/**
 * What the canvas shows, as a picture.
 *
 * @param {object} browser of the canvas.
 * @param {number} width of the picture in pixels.
 * @param {number} height of the picture in pixels; what does not fit is cut off on both sides.
 * @returns {Promise<string>} a data URL of a JPEG.
 */
export async function takePicture(browser, width, height) {
  // What was drawn is there until the frame ends.
  await browser.nextFrame();
  const drawn = browser.getCanvas()[0];
  const picture = document.createElement("canvas");
  picture.width = width;
  picture.height = height;
  const scale = Math.max(width / drawn.width, height / drawn.height);
  const [across, down] = [drawn.width * scale, drawn.height * scale];
  picture.getContext("2d").drawImage(drawn, (width - across) / 2, (height - down) / 2, across, down);
  return picture.toDataURL("image/jpeg", 0.85);
}
