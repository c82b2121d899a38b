// Puts the picture of how rough and the one of how metallic a surface is into the one that X3D has for both.

const WIDEST = 2048; // pixels

/**
 * Draw both into one: green is how rough, blue is how metallic; where there is no picture, all of it is.
 *
 * @param {string|null} roughness URL of a grey picture.
 * @param {string|null} metalness URL of a grey picture.
 * @returns {Promise<Blob>} the picture of both.
 */
export async function metallicRoughness(roughness, metalness) {
  const [rough, metal] = await Promise.all([load(roughness), load(metalness)]);
  const width = Math.min(WIDEST, Math.max(rough?.naturalWidth ?? 1, metal?.naturalWidth ?? 1));
  const height = Math.min(WIDEST, Math.max(rough?.naturalHeight ?? 1, metal?.naturalHeight ?? 1));
  const green = tinted(rough, "#00ff00", width, height);
  const blue = tinted(metal, "#0000ff", width, height);
  const pen = green.getContext("2d");
  pen.globalCompositeOperation = "lighter";
  pen.drawImage(blue, 0, 0);
  return new Promise((resolve, reject) => {
    green.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("it cannot be drawn"))));
  });
}

/** A picture of which only one colour is left; without a picture, that colour. */
function tinted(image, color, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, width, height);
  if (image) {
    pen.drawImage(image, 0, 0, width, height);
  }
  pen.globalCompositeOperation = "multiply";
  pen.fillStyle = color;
  pen.fillRect(0, 0, width, height);
  return canvas;
}

async function load(url) {
  if (!url) {
    return null;
  }
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}
