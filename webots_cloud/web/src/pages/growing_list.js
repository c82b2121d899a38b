// A list that puts into the page only as much as the visitor has come to see: its cost does not grow with its length.

const STEP = 24;

/** Shows items in an element; more of them as its end comes near. */
export class GrowingList {
  #element;
  #make;
  #made = new Map();
  #items = [];
  #shown = 0;
  #end = document.createElement("div");
  #watch = new IntersectionObserver(
    (entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) {
        this.#grow();
      }
    },
    { rootMargin: "600px" },
  );

  /**
   * @param {HTMLElement} element gets what `make` makes.
   * @param {(item: object) => HTMLElement} make called once for each item that is seen.
   */
  constructor(element, make) {
    this.#element = element;
    this.#make = make;
    this.#end.className = "list-end";
    element.after(this.#end);
  }

  /** @param {object[]} items shown in place of those before. */
  show(items) {
    this.#items = items;
    this.#shown = 0;
    this.#element.replaceChildren();
    this.#grow();
  }

  #grow() {
    const next = this.#items.slice(this.#shown, this.#shown + STEP);
    this.#shown += next.length;
    this.#element.append(...next.map((item) => this.#elementOf(item)));
    // It reports once when it begins to watch: where the end is in sight still, that makes the list grow on.
    this.#watch.disconnect();
    if (this.#shown < this.#items.length) {
      this.#watch.observe(this.#end);
    }
  }

  #elementOf(item) {
    if (!this.#made.has(item)) {
      this.#made.set(item, this.#make(item));
    }
    return this.#made.get(item);
  }
}
