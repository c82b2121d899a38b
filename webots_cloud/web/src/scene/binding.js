// From what a state says of a node to the fields of X_ITE's nodes.
import { FLAGS, NUMBERS } from "./changing.js";
import { toLinear } from "./color.js";
import { readInto } from "./rotation.js";

const three = [0, 0, 0];
const four = [0, 0, 0, 0];
const one = [0];

/**
 * The setters of one node.
 *
 * @param {object} node an X_ITE node, as its public face has it.
 * @param {object} X3D X_ITE.
 * @returns {{set: Object<string, (value: unknown) => void>, done: () => void}} see `State`.
 */
export function bind(node, X3D) {
  const owner = ownerOf(node);
  const physical = owner.getNodeTypeName() === "PhysicalMaterial";
  const setters = Object.create(null);
  for (const [name, count] of Object.entries(NUMBERS)) {
    if (name in owner && count < 4) {
      setters[name] = number(owner, name, count, physical && count === 3, X3D);
    }
  }
  for (const name of FLAGS.filter((each) => each in owner)) {
    setters[name] = (value) => {
      owner[name] = String(value).toLowerCase() === "true";
    };
  }
  return node.getNodeTypeName() === "Transform" ? place(node, setters) : { set: setters, done() {} };
}

/** Webots knows an appearance by one id; X3D keeps its colours one node further down. */
function ownerOf(node) {
  return (node.getNodeTypeName() === "Appearance" && node.material) || node;
}

function number(owner, name, count, linear, X3D) {
  const numbers = count === 3 ? three : one;
  const type = { 1: null, 3: /[cC]olor$/.test(name) ? "SFColor" : "SFVec3f" }[count];
  return (value) => {
    if (readInto(numbers, value)) {
      owner[name] = type ? new X3D[type](...(linear ? toLinear(numbers) : numbers)) : numbers[0];
    }
  };
}

/** Where a node is changes for hundreds of nodes in each frame: nothing is looked up or made anew for that. */
function place(node, setters) {
  const translation = node.translation;
  const rotation = node.rotation;
  const vector = translation.getValue();
  const turn = rotation.getValue();
  let moved = null;
  setters.translation = (value) => {
    if (readInto(three, value)) {
      vector.set(three[0], three[1], three[2]);
      moved = translation;
    }
  };
  setters.rotation = (value) => {
    if (readInto(four, value)) {
      turn.set(four[0], four[1], four[2], four[3]);
      moved = rotation;
    }
  };
  return {
    set: setters,
    done() {
      // One event suffices: a Transform reads all its fields again at any.
      moved?.addEvent();
      moved = null;
    },
  };
}
