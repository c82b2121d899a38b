// Controllers' files as they travel between a page and Webots (docs/protocol.md section 4), and what of them is taken.

/** Longest text of a file in bytes: simulators and website hosts take about as many. */
export const MAX_BYTES = 1_048_576;
/** Longest name of a controller or a file, in characters. */
const MAX_NAME = 128;

/** How many lines a text has; a newline at its end begins no other one. */
export function countLines(content) {
  const newlines = content.split("\n").length - 1;
  return newlines + (content !== "" && !content.endsWith("\n"));
}

/** Whether a robot's controller has files: some names stand for programs that come from elsewhere, or for none. */
export function hasFiles(controller) {
  return isPlainName(controller) && !controller.startsWith("<") && controller !== "void";
}

/** Whether a text is longer than a file may be. */
export function isTooLong(content) {
  return content.length > MAX_BYTES || new TextEncoder().encode(content).length > MAX_BYTES;
}

/** The message that has Webots replace a file. */
export function setController(name, file, content) {
  return `set controller:${name}/${file}:${countLines(content)}\n${content}`;
}

/** Whether a name from outside is that of one file or folder and nothing else. */
export function isPlainName(name) {
  return name.length > 0 && name.length <= MAX_NAME && !/[/\\:\p{Cc}]/u.test(name) && !/^\.{1,2}$/.test(name);
}

/**
 * Which highlighting a file gets.
 *
 * @returns {"python"|"cpp"|"text"} C is highlighted as the C++ that it nearly is.
 */
export function languageOf(file) {
  if (/\.pyi?$/i.test(file)) {
    return "python";
  }
  return /\.(c|h|cc|cpp|cxx|c\+\+|hh|hpp|hxx)$/i.test(file) ? "cpp" : "text";
}

/**
 * Find the file that a line of the console speaks of.
 *
 * @param {string} path as it was printed.
 * @param {string[]} controllers the names of the robots' controllers.
 * @returns {{name: string, file: string} | null} null where it is none of a controller.
 */
export function placeOf(path, controllers) {
  const inFolder = /(?:^|\/)controllers\/([^/]+)\/([^/]+)$/.exec(path);
  if (inFolder) {
    return { name: inFolder[1], file: inFolder[2] };
  }
  if (path.includes("/")) {
    return null;
  }
  const named = path.replace(/\.[^.]*$/, "");
  const name = controllers.includes(named) ? named : controllers.length === 1 ? controllers[0] : null;
  return name && { name, file: path };
}
