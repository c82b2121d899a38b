// The pictures of a scene: fetched once each, or come by themselves, and put into the nodes that show them.
import { addressOf } from "./files.js";
import { metallicRoughness } from "./maps.js";

const MOST_IMAGES = 2000;
const LARGEST_IMAGES = 400_000_000; // characters of data URLs

/** Where the pictures of a scene are; those that came by themselves (`image[URL]:`) outlive it. */
export class Textures {
  /** Called with how many of the wanted pictures are there or given up, and how many are wanted. */
  onprogress = null;

  #files;
  #show;
  #base = "";
  #images = new Map();
  #size = 0;
  #pictures = [];
  #fetched = new Map();
  #complaints = new Set();
  #settled = 0;
  #turn = 0;

  /**
   * @param {{fetch: (address: string) => Promise<Blob>}} files fetches them.
   * @param {(name: string, field: string, url: string) => void} show makes a node show a picture.
   */
  constructor(files, show) {
    this.#files = files;
    this.#show = show;
  }

  /**
   * Fetch pictures and show each as soon as it is there.
   *
   * @param {object[]} pictures what is wanted, as `Dialect.takeFiles` has it.
   * @param {string} base where the scene's own files are.
   */
  want(pictures, base) {
    this.#base = base;
    this.#pictures.push(...pictures);
    this.#tell();
    pictures.forEach((picture) => this.#bring(picture));
  }

  /** A picture that came by itself. */
  addImage(url, data) {
    const size = data.length - (this.#images.get(url)?.length ?? 0);
    if (this.#size + size > LARGEST_IMAGES || (this.#images.size >= MOST_IMAGES && !this.#images.has(url))) {
      this.#complain(url, "there are too many pictures");
      return;
    }
    this.#size += size;
    this.#images.set(url, data);
    const shown = this.#pictures.filter(({ urls, maps }) =>
      [urls, maps?.roughness, maps?.metalness].some((each) => each?.includes(url)),
    );
    shown.forEach((picture) => this.#bring(picture));
  }

  /** Nodes are gone. @param {Set<string>} names of them. */
  drop(names) {
    this.#pictures = this.#pictures.filter(({ name }) => !names.has(name));
    this.#settled = this.#pictures.filter(({ settled }) => settled).length;
  }

  /** The scene is gone. */
  clear() {
    this.#turn++;
    this.#pictures = [];
    this.#settled = 0;
    for (const address of this.#fetched.values()) {
      address.then(URL.revokeObjectURL, () => {});
    }
    this.#fetched.clear();
    this.#complaints.clear();
  }

  /** The next scene comes from elsewhere. */
  forget() {
    this.clear();
    this.#images.clear();
    this.#size = 0;
  }

  async #bring(picture) {
    const turn = this.#turn;
    const address = picture.maps ? await this.#together(picture.maps) : await this.#first(picture.urls);
    if (turn !== this.#turn) {
      return;
    }
    if (address) {
      this.#show(picture.name, picture.field, address);
    }
    if (!picture.settled && this.#pictures.includes(picture)) {
      picture.settled = true;
      this.#settled++;
      this.#tell();
    }
  }

  async #together({ roughness, metalness }) {
    const [rough, metal] = await Promise.all([this.#first(roughness), this.#first(metalness)]);
    const name = JSON.stringify([rough, metal]);
    return rough || metal ? this.#once(name, () => metallicRoughness(rough, metal)) : null;
  }

  /** The address of the first of these pictures that there is, or null; why there is none is said once. */
  async #first(urls) {
    for (const url of urls) {
      const address = this.#images.get(url) ?? addressOf(url, this.#base);
      const found = address?.startsWith("data:")
        ? address
        : await this.#once(url, async () => {
            if (!address) {
              throw new Error("it has no address that may be used");
            }
            return this.#files.fetch(address);
          });
      if (found) {
        return found;
      }
    }
    return null;
  }

  /** An address of what `make` makes, made once for each name. */
  async #once(name, make) {
    const turn = this.#turn;
    try {
      if (!this.#fetched.has(name)) {
        if (this.#fetched.size >= MOST_IMAGES) {
          throw new Error("there are too many pictures");
        }
        this.#fetched.set(name, make().then(URL.createObjectURL));
      }
      return await this.#fetched.get(name);
    } catch (error) {
      if (turn === this.#turn) {
        this.#complain(name, error.message);
      }
      return null;
    }
  }

  #complain(name, why) {
    if (!this.#complaints.has(name) && this.#complaints.size < MOST_IMAGES) {
      this.#complaints.add(name);
      console.warn(`webots: the texture ${name.slice(0, 200)} cannot be shown: ${why}`);
    }
  }

  #tell() {
    this.onprogress?.(this.#settled, this.#pictures.length);
  }
}
