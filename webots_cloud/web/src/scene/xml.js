// XML text into plain trees, so that the adapter needs no DOM.

const DEEPEST = 250;
const LONGEST = 200_000_000; // characters

/**
 * Parse XML.
 *
 * @param {string} text one document or one element.
 * @returns {{name: string, attributes: Object<string, string>, children: object[], text: string}} its outermost
 *   element; `text` is that of an element without others inside.
 * @throws {Error} where it is not well formed, declares entities, or is absurdly long or nested absurdly deep.
 */
export function parseXml(text) {
  if (text.length > LONGEST) {
    throw new Error("it is too large");
  }
  // Entities of its own could make a short text an endless one. A type that is only named is never fetched.
  if (/<!DOCTYPE[^>[]*\[/.test(text)) {
    throw new Error("it declares entities of its own");
  }
  const parsed = new DOMParser().parseFromString(text, "application/xml");
  if (parsed.getElementsByTagName("parsererror").length > 0) {
    throw new Error("it is not well-formed XML");
  }
  return plain(parsed.documentElement, 0);
}

function plain(element, depth) {
  if (depth > DEEPEST) {
    throw new Error("it is nested too deep");
  }
  return {
    name: element.localName,
    attributes: Object.fromEntries([...element.attributes].map(({ name, value }) => [name, value])),
    children: [...element.children].map((child) => plain(child, depth + 1)),
    text: element.firstElementChild ? "" : element.textContent,
  };
}
