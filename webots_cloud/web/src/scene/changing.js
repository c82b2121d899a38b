// The fields of a scene's nodes that a state may change (docs/protocol.md section 4).

/** Those that are numbers, and how many each has. */
export const NUMBERS = {
  translation: 3,
  rotation: 4,
  scale: 3,
  center: 3,
  baseColor: 3,
  diffuseColor: 3,
  emissiveColor: 3,
  specularColor: 3,
  color: 3,
  transparency: 1,
  roughness: 1,
  intensity: 1,
  ambientIntensity: 1,
};

/** Those that are true or false. */
export const FLAGS = ["on"];

/** All of them. */
export const CHANGING = new Set([...Object.keys(NUMBERS), ...FLAGS]);
