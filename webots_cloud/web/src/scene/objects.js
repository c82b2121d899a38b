// The named things of a scene as plain data: robots, solids and devices, with what others need to know of them.
const LONGEST = 200; // characters
const LONGEST_INFO = 10_000;

/** Text of a scene, at most so long. */
export function short(text, most = LONGEST) {
  return typeof text === "string" ? text.slice(0, most) : "";
}

/**
 * What there is to know of an element that places others.
 *
 * @param {{name: string, attributes: Object<string, string>}} element of a scene.
 * @returns {{id: string, name: string, type: string, controller: string, window: string} | null} `type` is `robot`,
 *   `solid` or the device's; null where it is none of these, or has no name.
 */
export function describe({ name: element, attributes }) {
  const { id, name, type = "", solid, controller, window } = attributes;
  const kind = short(type) || (/^(Transform|Pose|Group)$/.test(element) ? "" : element.toLowerCase());
  if (!id || !name || !(kind || solid === "true")) {
    return null;
  }
  return { id, name: short(name), type: kind || "solid", controller: short(controller), window: short(window) };
}

/** The world's title, description and window. */
export function describeWorld({ title, info, window }, readStrings) {
  return {
    title: short(title),
    info: short(readStrings(short(info, LONGEST_INFO)).join("\n"), LONGEST_INFO),
    window: short(window),
  };
}
