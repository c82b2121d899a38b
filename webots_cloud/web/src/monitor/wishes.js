// What the visitor wants to see. It is in the page's address, so that a screen on the wall has it after a restart, too.

export class Wishes {
  #form;
  #names;
  #onchange;
  #isReversed = false;
  #given;

  /**
   * @param {HTMLFormElement} form has a field for each wish.
   * @param {string[]} names the ids of the fields.
   * @param {() => void} onchange called when a wish is another.
   */
  constructor(form, names, onchange) {
    this.#form = form;
    this.#names = names;
    this.#onchange = onchange;
    this.#given = new URLSearchParams(location.hash.slice(1));
    this.#isReversed = this.#given.get("order") === "reversed";
    for (const name of names) {
      const field = form.elements[name];
      field.value = this.#given.get(name) ?? field.defaultValue ?? "";
      if (field.selectedIndex === -1) {
        field.selectedIndex = 0;
      }
    }
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", ({ target }) => this.#set(target.id, target.value));
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !event.target.closest("input, select, textarea")) {
        event.preventDefault();
        form.elements.search.focus();
      }
    });
  }

  /** All wishes; empty where there is none. */
  get all() {
    const named = this.#names.map((name) => [name, this.#given.get(name) ?? ""]);
    return { ...Object.fromEntries(named), isReversed: this.#isReversed };
  }

  /** Show what is done where the visitor has no wish. */
  suggest(name, value) {
    if (!this.#given.get(name)) {
      this.#form.elements[name].value = value;
    }
  }

  /** Sort by a key, or, if it is sorted by that already, the other way round. */
  sortBy(key) {
    const isSame = this.#form.elements.sort.value === key;
    this.#isReversed = isSame && !this.#isReversed;
    this.#form.elements.sort.value = key;
    this.#save("sort", key);
  }

  #set(name, value) {
    if (name === "sort") {
      this.#isReversed = false;
    }
    this.#save(name, value);
  }

  #save(name, value) {
    this.#given.set(name, value);
    this.#given.set("order", this.#isReversed ? "reversed" : "");
    for (const [key, wish] of [...this.#given]) {
      if (!wish) {
        this.#given.delete(key);
      }
    }
    history.replaceState(null, "", `#${this.#given}`);
    this.#onchange();
  }
}
