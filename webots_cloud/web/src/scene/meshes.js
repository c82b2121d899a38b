// The meshes of a scene that come as files of their own.
import { addressOf } from "./files.js";
import { readCollada } from "./mesh/collada.js";
import { readObj } from "./mesh/obj.js";
import { readStl } from "./mesh/stl.js";
import { parseXml } from "./xml.js";

const READERS = {
  dae: async (file, mesh) => readCollada(parseXml(await file.text()), mesh),
  obj: async (file) => readObj(await file.text()),
  stl: async (file) => readStl(await file.arrayBuffer()),
};

/**
 * Fetch meshes and give each its triangles as soon as they are there; why one is left out is said once.
 *
 * @param {object[]} meshes as `Dialect.takeFiles` has it.
 * @param {string} base where the scene's own files are.
 * @param {{fetch: (address: string) => Promise<Blob>}} files fetches them.
 * @param {(name: string, triangles: object) => void} show gives a node its triangles.
 */
export async function bringMeshes(meshes, base, files, show) {
  const fetched = new Map();
  const complaints = new Set();
  const bring = async (mesh) => {
    const url = mesh.urls[0] ?? "";
    try {
      show(mesh.name, await read(url, mesh));
    } catch (error) {
      if (error.name !== "AbortError" && !complaints.has(url)) {
        complaints.add(url);
        console.warn(`webots: the mesh ${url.slice(0, 200)} cannot be shown: ${error.message}`);
      }
    }
  };
  const read = async (url, mesh) => {
    const kind = /\.(\w+)$/.exec(url)?.[1].toLowerCase();
    const address = addressOf(url, base);
    if (!address || !Object.hasOwn(READERS, kind ?? "")) {
      throw new Error(address ? "it is of a kind that is not known" : "it has no address that may be used");
    }
    if (!fetched.has(address)) {
      fetched.set(address, files.fetch(address));
    }
    return READERS[kind](await fetched.get(address), mesh);
  };
  await Promise.all(meshes.map(bring));
}
