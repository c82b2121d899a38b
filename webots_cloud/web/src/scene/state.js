// What states say of each node, the newest of each field, until it is drawn. No DOM and no X_ITE.
import { CHANGING } from "./changing.js";

const MOST = 100_000; // nodes with something new

/**
 * Messages may come faster than frames: taking one over is cheap, and only what is newest is ever read.
 */
export class State {
  #bind;
  #targets = new Map();
  #changed = [];

  /**
   * @param {(id: number) => ({set: Object<string, (value: unknown) => void>, done: () => void} | null)} bind
   *   gives the setters of the node of this id, each by its field, and what to call when some were called; null where
   *   there is no such node.
   */
  constructor(bind) {
    this.#bind = bind;
  }

  /** Take over changed fields: `{id, translation, ...}` each. */
  take(poses) {
    for (const pose of poses) {
      const target = this.#targetOf(pose?.id);
      if (target === null) {
        continue;
      }
      if (target.fresh === null) {
        target.fresh = pose;
        this.#changed.push(target);
      } else {
        target.fresh = merged(target.fresh, pose);
      }
    }
  }

  /** Whether there is something new. */
  get waiting() {
    return this.#changed.length > 0;
  }

  /** Set what is new. */
  apply() {
    const changed = this.#changed;
    this.#changed = [];
    for (const target of changed) {
      const pose = target.fresh;
      target.fresh = null;
      target.node ??= this.#bind(target.id);
      if (target.node) {
        set(target.node, pose);
      } else {
        this.#targets.delete(target.id);
      }
    }
  }

  /** A node is gone; another one may get its id. */
  forget(id) {
    const target = this.#targets.get(Number(id));
    if (target) {
      target.node = null;
    }
  }

  /** Another scene begins. */
  clear() {
    this.#targets.clear();
    this.#changed = [];
  }

  #targetOf(id) {
    const number = typeof id === "string" ? Number(id) : id;
    const known = this.#targets.get(number);
    if (known) {
      return known;
    }
    if (!Number.isInteger(number) || this.#targets.size >= MOST) {
      return null;
    }
    const target = { id: number, node: null, fresh: null };
    this.#targets.set(number, target);
    return target;
  }
}

/** Only what can be changed is kept, however much there is of other things. */
function merged(older, newer) {
  const both = {};
  for (const pose of [older, newer]) {
    for (const field in pose) {
      if (CHANGING.has(field)) {
        both[field] = pose[field];
      }
    }
  }
  return both;
}

function set({ set: setters, done }, pose) {
  for (const field in pose) {
    setters[field]?.(pose[field]);
  }
  done();
}
