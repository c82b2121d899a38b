// What is to be known of a server's certificate.
import { moment } from "./format.js";

/**
 * @param {HTMLElement} element gets the sentence; hidden where the server does not encrypt.
 * @param {{names: string[], ends: number, notice?: string}|undefined} certificate
 */
export function showCertificate(element, certificate) {
  element.hidden = certificate === undefined;
  if (certificate !== undefined) {
    const { names, ends, notice } = certificate;
    element.dataset.tone = notice ? "bad" : "good";
    const text = `Certificate for ${names.join(", ")}, valid until ${moment(ends)}.`;
    element.textContent = notice ? `${text} ${notice}` : text;
  }
}
