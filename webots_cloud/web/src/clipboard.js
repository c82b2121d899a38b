// Puts text where the visitor can paste it from.

/**
 * @param {string} text
 * @param {Node} near something in the part of the page that may lend a field for a moment.
 * @returns {Promise<boolean>} whether it is there.
 */
export async function copyText(text, near) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // A page that is not encrypted has no clipboard, but may copy what is selected.
    return copySelected(text, near);
  }
}

function copySelected(text, near) {
  const root = near.getRootNode();
  const focused = root.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.setAttribute("aria-hidden", "true");
  Object.assign(field.style, { position: "fixed", opacity: "0" });
  (root.body ?? root).append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return copied;
}
