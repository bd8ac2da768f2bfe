/*
 * X-ray images as a scanner would give them, drawn from nothing but the tag: the same bag always looks the same.
 * Organic things are orange, plastics green, metals blue; what lies over something else is darker.
 */

const WIDTH = 960;
const HEIGHT = 600;
const MATERIALS = ['#e0762a', '#e8913f', '#3f9a58', '#2f6fb5', '#24528f'];

/** A sequence of numbers from 0 to 1 that depends on the text alone (FNV-1a, then xorshift). */
function numbers(text) {
  let state = 2166136261;
  for (const letter of text) state = Math.imul(state ^ letter.charCodeAt(0), 16777619);
  state |= 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
}

function box(context, x, y, width, height, radius) {
  context.beginPath();
  context.roundRect(x, y, width, height, radius);
}

const THINGS = [
  (c, s) => { box(c, -s, -s * 0.6, s * 2, s * 1.2, s * 0.1); c.fill(); },
  (c, s) => { c.beginPath(); c.ellipse(0, 0, s, s * 0.6, 0, 0, 7); c.fill(); },
  (c, s) => { c.lineWidth = s * 0.3; c.beginPath(); c.arc(0, 0, s * 0.7, 0, 7); c.stroke(); },
  (c, s) => { c.lineWidth = s * 0.16; c.beginPath(); c.moveTo(-s * 1.5, 0); c.bezierCurveTo(-s, -s, s, s, s * 1.5, 0); c.stroke(); },
  (c, s) => { box(c, -s * 0.35, -s, s * 0.7, s * 1.6, s * 0.2); c.fill(); box(c, -s * 0.15, -s * 1.35, s * 0.3, s * 0.4, 4); c.fill(); },
];

/** Draws the image of a bag on a canvas. */
export function drawXray(canvas, tag) {
  const next = numbers(tag);
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const c = canvas.getContext('2d');
  c.globalCompositeOperation = 'source-over';
  c.globalAlpha = 1;
  c.fillStyle = '#f4f6f2';
  c.fillRect(0, 0, WIDTH, HEIGHT);
  c.globalCompositeOperation = 'multiply';

  // The shell, the frame and the wheels of the suitcase.
  c.fillStyle = '#dfe3b8';
  box(c, 90, 90, 780, 420, 46);
  c.fill();
  c.strokeStyle = '#7fa0b8';
  c.lineWidth = 12;
  box(c, 90, 90, 780, 420, 46);
  c.stroke();
  box(c, 380, 50, 200, 44, 20);
  c.stroke();
  c.fillStyle = '#24528f';
  for (const x of [170, 760]) {
    box(c, x, 504, 34, 26, 8);
    c.fill();
  }

  const things = 11 + Math.floor(next() * 7);
  for (let i = 0; i < things; i++) {
    c.save();
    c.translate(190 + next() * 580, 170 + next() * 260);
    c.rotate(next() * Math.PI);
    c.globalAlpha = 0.35 + next() * 0.4;
    c.fillStyle = c.strokeStyle = MATERIALS[Math.floor(next() * MATERIALS.length)];
    THINGS[Math.floor(next() * THINGS.length)](c, 30 + next() * 60);
    c.restore();
  }

  // What the detector adds.
  const pixels = c.getImageData(0, 0, WIDTH, HEIGHT);
  for (let i = 0; i < pixels.data.length; i += 4) {
    const noise = (next() - 0.5) * 14;
    for (let k = 0; k < 3; k++) pixels.data[i + k] += noise;
  }
  c.putImageData(pixels, 0, 0);
}

/** The image as a PNG. */
export const png = (canvas) => new Promise((done) => { canvas.toBlob(done, 'image/png'); });
