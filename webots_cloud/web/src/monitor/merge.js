// Changes of a JSON document as merge patches (RFC 7396).

/**
 * Change an object as a patch says.
 *
 * @param {object} target changed in place.
 * @param {object} patch members of it take the place of those in `target`; those that are null are removed.
 */
export function mergePatch(target, patch) {
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) {
      delete target[name];
    } else if (isObject(value)) {
      if (!Object.hasOwn(target, name) || !isObject(target[name])) {
        target[name] = {};
      }
      mergePatch(target[name], value);
    } else {
      target[name] = value;
    }
  }
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
