// Draws a line of text as a picture, for labels in the scene.

const HEIGHT = 64; // pixels
const WIDEST = 2048;

/**
 * @param {string} text one line.
 * @returns {{url: string, aspect: number}} a data URL and width by height.
 */
export function labelImage(text) {
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");
  const font = `600 ${HEIGHT * 0.6}px system-ui, sans-serif`;
  pen.font = font;
  canvas.width = Math.min(WIDEST, Math.ceil(pen.measureText(text).width) + HEIGHT / 2);
  canvas.height = HEIGHT;
  pen.fillStyle = "#1c2430";
  pen.fillRect(0, 0, canvas.width, HEIGHT);
  // Setting the size of a canvas resets its pen.
  pen.font = font;
  pen.fillStyle = "#ffffff";
  pen.textBaseline = "middle";
  pen.textAlign = "center";
  pen.fillText(text, canvas.width / 2, HEIGHT / 2);
  return { url: canvas.toDataURL(), aspect: canvas.width / HEIGHT };
}
