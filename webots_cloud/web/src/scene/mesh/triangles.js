// Triangles as they are gathered from a mesh file: three corners each, with what the file says of them.

const MOST = 2_000_000;

/** Triangles in the order in which they come. */
export class Triangles {
  /** Three numbers for each corner. */
  points = [];
  /** Three numbers for each corner, or none at all where some corner has none. */
  normals = [];
  /** Two numbers for each corner, or none at all where some corner has none. */
  texture = [];

  #count = 0;
  #haveNormals = true;
  #haveTexture = true;

  /**
   * A polygon, cut into triangles from its first corner.
   *
   * @param {{point: number[], normal: number[]|null, texture: number[]|null}[]} corners counter-clockwise.
   * @throws {Error} where there are too many.
   */
  addPolygon(corners) {
    for (let at = 2; at < corners.length; at++) {
      if (++this.#count > MOST) {
        throw new Error("it is too large");
      }
      [corners[0], corners[at - 1], corners[at]].forEach((corner) => this.#addCorner(corner));
    }
  }

  /** @returns {{points: Float32Array, normals: Float32Array|null, texture: Float32Array|null}} all of them. */
  finish() {
    const list = (numbers, complete) => (complete && numbers.length ? Float32Array.from(numbers) : null);
    return {
      points: Float32Array.from(this.points),
      normals: list(this.normals, this.#haveNormals),
      texture: list(this.texture, this.#haveTexture),
    };
  }

  #addCorner({ point, normal, texture }) {
    if (!point || !point.every(Number.isFinite)) {
      throw new Error("a corner is not where the file says");
    }
    this.points.push(...point);
    this.#haveNormals &&= Boolean(normal?.every(Number.isFinite));
    this.#haveTexture &&= Boolean(texture?.every(Number.isFinite));
    if (this.#haveNormals) {
      this.normals.push(...normal);
    }
    if (this.#haveTexture) {
      this.texture.push(...texture);
    }
  }
}
