// Writing X3D as text: every value is escaped here, so that nothing of a scene breaks out of its attribute.

/** What the scenes made here need beyond the profile; X_ITE loads no other component. */
const COMPONENTS = ["CubeMapTexturing", "EnvironmentalEffects", "Geometry3D", "Lighting", "Shape"]
  .map((name) => `<component name="${name}" level="4"/>`)
  .join("");

/** The attributes of these names that there are, as text that begins with a space, or empty. */
export function pick(attributes, names) {
  return names
    .split(" ")
    .filter((name) => name && attributes[name] !== undefined)
    .map((name) => ` ${name}="${escape(String(attributes[name]))}"`)
    .join("");
}

/** All of an object's fields as attributes. */
export function fields(object) {
  return pick(object, Object.keys(object).join(" "));
}

/** One element, of texts that are X3D already. */
export function tag(name, attributes, inner = "") {
  return inner ? `<${name}${attributes}>${inner}</${name}>` : `<${name}${attributes}/>`;
}

/** A document that holds these nodes. */
export function document(nodes) {
  return `<X3D profile="Interchange" version="4.0"><head>${COMPONENTS}</head><Scene>${nodes}</Scene></X3D>`;
}

/** The strings of an MFString: each in quotes, with backslashes before quotes; or one without quotes. */
export function readStrings(text = "") {
  const quoted = [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, inner]) => inner.replace(/\\(.)/g, "$1"));
  return quoted.length ? quoted : [text];
}

/** The URLs of an MFString. */
export function readUrls(text) {
  return readStrings(text)
    .map((url) => url.trim())
    .filter((url) => url && !/["\\]/.test(url));
}

function escape(text) {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
