// Geometries that Webots has and X3D lacks, or has with other axes. Each function takes the attributes of the element, the
// text that goes before the fields (DEF and the like), which axis is up, and a function that gives the inner elements.
import { readNumbers } from "./rotation.js";

const SEGMENTS = 32;
const MOST_SAMPLES = 1_000_000;

/** A flat rectangle that faces up. */
export function plane({ size }, own, up) {
  const [width, depth] = (readNumbers(size, 2) ?? [1, 1]).map((side) => side / 2);
  const corners = [
    [-width, -depth],
    [width, -depth],
    [width, depth],
    [-width, depth],
  ];
  // Seen from above, counter-clockwise: y goes away from the viewer in ENU, z comes towards the viewer in NUE.
  const points = corners.map(([a, b]) => (up === "ENU" ? `${a} ${b} 0` : `${a} 0 ${-b}`)).join(" ");
  return (
    `<IndexedFaceSet${own} solid="false" coordIndex="0 1 2 3 -1"><Coordinate point="${points}"/>` +
    '<TextureCoordinate point="0 0 1 0 1 1 0 1"/></IndexedFaceSet>'
  );
}

/** A cylinder with half a sphere at each end, along y; what is said not to be there is left out. */
export function capsule(attributes, own) {
  const radius = readNumbers(attributes.radius, 1)?.[0] ?? 1;
  const half = (readNumbers(attributes.height, 1)?.[0] ?? 2) / 2;
  const steps = [...Array(SEGMENTS / 4 + 1).keys()].map((step) => (step / (SEGMENTS / 4)) * (Math.PI / 2));
  const rings = [...steps.map((angle) => [-angle, -half]).reverse(), ...steps.map((angle) => [angle, half])];
  const normals = rings.map(([angle]) => circle(Math.cos(angle), Math.sin(angle)));
  const points = rings.map(([angle, middle]) => circle(radius * Math.cos(angle), middle + radius * Math.sin(angle)));
  const parts = [
    ["bottom", 0, steps.length - 1],
    ["side", steps.length - 1, steps.length],
    ["top", steps.length, rings.length - 1],
  ];
  const faces = parts
    .filter(([part]) => attributes[part] !== "false")
    .flatMap(([, from, to]) => [...Array(to - from).keys()].map((row) => band(from + row)));
  return (
    `<IndexedFaceSet${own} coordIndex="${faces.join(" ")}"><Coordinate point="${points.join(" ")}"/>` +
    `<Normal vector="${normals.join(" ")}"/></IndexedFaceSet>`
  );
}

/** The corners of a circle around y. */
function circle(radius, y) {
  return [...Array(SEGMENTS).keys()]
    .map((step) => (2 * Math.PI * step) / SEGMENTS)
    .map((angle) => `${radius * Math.cos(angle)} ${y} ${-radius * Math.sin(angle)}`)
    .join(" ");
}

/** The faces between a circle and the next above it, seen from outside. */
function band(row) {
  return [...Array(SEGMENTS).keys()]
    .map((step) => [row * SEGMENTS + step, row * SEGMENTS + ((step + 1) % SEGMENTS)])
    .map(([left, right]) => `${left} ${right} ${right + SEGMENTS} ${left + SEGMENTS} -1`)
    .join(" ");
}

/**
 * A height field over the ground. Its rows follow one another along z, or in an ENU world along y, which is -z before the
 * shape is turned upright.
 */
export function elevationGrid(attributes, own, up, inner) {
  const columns = Number(attributes.xDimension);
  const rows = Number(up === "ENU" ? attributes.yDimension : attributes.zDimension);
  const spacing = (axis) => readNumbers(attributes[`${axis}Spacing`], 1)?.[0] ?? 1;
  const across = spacing("x");
  const along = up === "ENU" ? spacing("y") : spacing("z");
  const count = columns * rows;
  const heights = (attributes.height ?? "").trim().split(/[\s,]+/).map(Number);
  if (!(columns > 1 && rows > 1 && count <= MOST_SAMPLES && Number.isInteger(count))) {
    return "";
  }
  const sign = up === "ENU" ? -1 : 1;
  const points = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      points.push(`${column * across} ${heights[row * columns + column] || 0} ${sign * row * along}`);
    }
  }
  const faces = [];
  for (let row = 0; row + 1 < rows; row++) {
    for (let column = 0; column + 1 < columns; column++) {
      const corner = row * columns + column;
      faces.push([corner, corner + columns, corner + columns + 1, corner + 1, -1].join(" "));
    }
  }
  return (
    `<IndexedFaceSet${own} solid="false" creaseAngle="0.5" ccw="${up !== "ENU"}" coordIndex="${faces.join(" ")}">` +
    `<Coordinate point="${points.join(" ")}"/>${inner()}</IndexedFaceSet>`
  );
}

/** A triangle set that gets its triangles when its file has come. */
export function mesh({ ccw }, own) {
  const turned = ccw === "false" ? ' ccw="false"' : "";
  return `<TriangleSet${own} solid="false"${turned}><Coordinate/><Normal/><TextureCoordinate/></TriangleSet>`;
}

/** A line of text that always faces the viewer; the text is a picture, as X_ITE's fonts would need a laxer policy. */
export function sign({ url, aspect }, { size }, own) {
  const half = (readNumbers(size, 1)?.[0] ?? 1) / 2;
  const side = half * aspect;
  return (
    `<Billboard${own} axisOfRotation="0 0 0"><Shape><Appearance><UnlitMaterial/><ImageTexture url='"${url}"'/>` +
    '</Appearance><IndexedFaceSet solid="false" coordIndex="0 1 2 3 -1">' +
    `<Coordinate point="${-side} ${-half} 0 ${side} ${-half} 0 ${side} ${half} 0 ${-side} ${half} 0"/>` +
    '<TextureCoordinate point="0 0 1 0 1 1 0 1"/></IndexedFaceSet></Shape></Billboard>'
  );
}
