// Which item of a menu a key goes to. No DOM.

/** The keys of one opened menu. */
export class MenuFocus {
  #labels;

  /** @param {string[]} labels of its items. */
  constructor(labels = []) {
    this.#labels = labels.map((label) => label.toLowerCase());
  }

  /**
   * @param {number} here the item that has the focus, or -1.
   * @param {string} key as events name it.
   * @returns {number} the item that gets it.
   */
  after(here, key) {
    const count = this.#labels.length;
    const steps = { ArrowDown: here + 1, ArrowUp: (here < 0 ? 0 : here) + count - 1, Home: 0, End: count - 1 };
    if (Object.hasOwn(steps, key)) {
      return count ? steps[key] % count : -1;
    }
    const order = this.#labels.map((_, index) => (here + 1 + index) % count);
    const named = key.length === 1 ? order.find((index) => this.#labels[index].startsWith(key.toLowerCase())) : undefined;
    return named ?? here;
  }
}
