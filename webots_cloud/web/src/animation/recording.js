// A recorded animation of Webots: what of it changes when, and how everything is at any time. No DOM.

const MOST_FRAMES = 1_000_000;
const MOST_CHANGES = 20_000_000;
/** How many whole states are kept, so that going back need not begin at the start. */
const MOST_STATES = 32;

/** What a field is where the scene does not name it. */
const DEFAULTS = {
  translation: "0 0 0",
  rotation: "0 0 1 0",
  scale: "1 1 1",
  center: "0 0 0",
  baseColor: "1 1 1",
  diffuseColor: "0.8 0.8 0.8",
  emissiveColor: "0 0 0",
  specularColor: "0 0 0",
  color: "1 1 1",
  transparency: "0",
  roughness: "0",
  intensity: "1",
  ambientIntensity: "0",
  on: "true",
};

/**
 * @typedef {object} State
 * @property {object[]} poses as a message of the stream has them: `{id, translation, ...}`.
 * @property {object[]} labels `{id, text, ...}`.
 */

/** The frames of one file. Each holds only what changed since the one before. */
export class Recording {
  #frames;
  #times;
  #states = new Map();
  #spacing;

  /**
   * @param {string} text of the file.
   * @param {(id: string) => Object<string, string>} attributesOf what the scene says of the node of an id like `n70`.
   * @throws {Error} where it is no recording; its message ends a sentence.
   */
  constructor(text, attributesOf = () => ({})) {
    const { basicTimeStep, frames } = read(text);
    this.basicTimeStep = basicTimeStep;
    this.#frames = frames.map(readFrame);
    this.#times = timesOf(frames, basicTimeStep);
    this.#spacing = Math.max(1, Math.ceil(frames.length / MOST_STATES));
    const first = firstState(this.#frames, attributesOf);
    apply(first, this.#frames[0]);
    this.#states.set(0, first);
  }

  /** How many frames there are. */
  get length() {
    return this.#frames.length;
  }

  /** How long it takes, in milliseconds of simulated time: each frame is seen for a while, the last one too. */
  get duration() {
    return this.timeOf(this.length - 1) + this.basicTimeStep;
  }

  /** When a frame comes, in milliseconds after the first. */
  timeOf(index) {
    return this.#times[index];
  }

  /** The last frame that has come at a time. */
  frameAt(time) {
    let [low, high] = [0, this.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      [low, high] = this.#times[middle] <= time ? [middle, high] : [low, middle - 1];
    }
    return low;
  }

  /** Everything that ever changes, as it is at a frame. @returns {State} */
  stateAt(index) {
    return plain(this.#merge(index));
  }

  /** What the frames after one, up to another, change. @returns {State} */
  changes(after, index) {
    const state = empty();
    for (let frame = after + 1; frame <= index; frame++) {
      apply(state, this.#frames[frame]);
    }
    return plain(state);
  }

  #merge(index) {
    const start = index - (index % this.#spacing);
    const state = copy(this.#wholeState(start));
    for (let frame = start + 1; frame <= index; frame++) {
      apply(state, this.#frames[frame]);
    }
    return state;
  }

  /** The state at a frame whose number is a multiple of the spacing; it is kept, and those on the way to it. */
  #wholeState(index) {
    let known = index;
    while (!this.#states.has(known)) {
      known -= this.#spacing;
    }
    for (; known < index; known += this.#spacing) {
      const state = copy(this.#states.get(known));
      for (let frame = known + 1; frame <= known + this.#spacing; frame++) {
        apply(state, this.#frames[frame]);
      }
      this.#states.set(known + this.#spacing, state);
    }
    return this.#states.get(index);
  }
}

function read(text) {
  let data;
  try {
    data = JSON.parse(text);
  } catch {
    throw new Error("it is not JSON");
  }
  const frames = data?.frames;
  if (!Array.isArray(frames) || frames.length === 0) {
    throw new Error("it has no frames");
  }
  if (frames.length > MOST_FRAMES) {
    throw new Error("it has too many frames");
  }
  const step = Number(data.basicTimeStep);
  return { basicTimeStep: step > 0 && step < 100_000 ? step : 32, frames };
}

/** Later versions say `updates` for `poses`. What is no change is left out. */
function readFrame(frame) {
  const list = (value) => (Array.isArray(value) ? value.filter(hasId) : []);
  return { poses: list(frame?.poses ?? frame?.updates), labels: list(frame?.labels) };
}

function hasId(change) {
  return typeof change === "object" && change !== null && ["number", "string"].includes(typeof change.id);
}

/** As the frames say, from the first one on; where that goes back or says nothing, one time step after another. */
function timesOf(frames, step) {
  const times = frames.map((frame) => frame?.time);
  const rises = times.every((time, index) => Number.isFinite(time) && (index === 0 || time > times[index - 1]));
  return times.map((time, index) => (rises ? time - times[0] : index * step));
}

/** How all that changes is before anything has changed. */
function firstState(frames, attributesOf) {
  const state = empty();
  let changes = 0;
  for (const { poses, labels } of frames) {
    changes += poses.length + labels.length;
    if (changes > MOST_CHANGES) {
      throw new Error("it has too many changes");
    }
    for (const pose of poses) {
      const known = state.poses.get(pose.id) ?? { id: pose.id };
      for (const field of Object.keys(pose).filter((name) => Object.hasOwn(DEFAULTS, name) && !(name in known))) {
        known[field] = attributesOf(`n${pose.id}`)[field] ?? DEFAULTS[field];
      }
      state.poses.set(pose.id, known);
    }
    labels.forEach(({ id }) => state.labels.set(id, { id, text: "" }));
  }
  return state;
}

function apply(state, { poses, labels }) {
  poses.forEach((pose) => state.poses.set(pose.id, { ...state.poses.get(pose.id), ...pose }));
  labels.forEach((label) => state.labels.set(label.id, { ...state.labels.get(label.id), ...label }));
}

function empty() {
  return { poses: new Map(), labels: new Map() };
}

/** What is inside is never changed, only replaced. */
function copy({ poses, labels }) {
  return { poses: new Map(poses), labels: new Map(labels) };
}

function plain({ poses, labels }) {
  return { poses: [...poses.values()], labels: [...labels.values()] };
}
