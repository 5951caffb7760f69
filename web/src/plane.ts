/** Drawing the playground: the critic's colours, the data, what is made, and where it is pulled. */
import type { PlaneFrame } from "./api.ts";

const SIDE = 69; // places of the critic's surface
const EXTENT = 1.7; // of the plane, to each side

export function numbers(text: string): Float32Array {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const whole = new Int16Array(bytes.buffer, 0, bytes.length >> 1);
  return Float32Array.from(whole, (value) => value / 32767);
}

type Colour = [number, number, number];
const LIGHT = { made: [236, 200, 160], none: [251, 250, 247], real: [150, 196, 178] } satisfies Record<string, Colour>;
const DARK = { made: [84, 54, 22], none: [20, 22, 24], real: [26, 74, 60] } satisfies Record<string, Colour>;

/** The surface as a picture of 69 × 69, which the browser smooths when it is enlarged. */
function surface(text: string, dark: boolean): HTMLCanvasElement {
  const values = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const image = context.createImageData(SIDE, SIDE);
  const { made, none, real } = dark ? DARK : LIGHT;
  for (const [at, value] of values.entries()) {
    const share = Math.min(1, Math.abs(value - 128) / 127);
    const end = value < 128 ? made : real;
    for (let channel = 0; channel < 3; channel++) {
      image.data[4 * at + channel] = (none[channel] ?? 0) + share * ((end[channel] ?? 0) - (none[channel] ?? 0));
    }
    image.data[4 * at + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

export interface Look {
  dark: boolean;
  ink: string;
  accent: string;
}

export function draw(canvas: HTMLCanvasElement, data: Float32Array, frame: PlaneFrame | null, look: Look): void {
  const side = Math.round(canvas.clientWidth * devicePixelRatio);
  if (!side) return;
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const unit = side / 560;
  const x = (value: number): number => ((value + 1) / 2) * side;
  const y = (value: number): number => ((1 - value) / 2) * side;
  context.clearRect(0, 0, side, side);
  if (frame) {
    context.imageSmoothingQuality = "high";
    context.drawImage(surface(frame.surface, look.dark), 0, 0, side, side);
    context.globalAlpha = 0.6;
    context.fillStyle = look.accent;
    dots(context, numbers(frame.points), x, y, 4.4 * unit);
    context.fill();
    arrows(context, numbers(frame.arrows), x, y, unit, look.ink);
  }
  context.globalAlpha = 0.8;
  context.strokeStyle = look.ink;
  context.lineWidth = 1 * unit;
  for (let at = 0; at < data.length; at += 2) {
    context.beginPath();
    context.arc(x(data[at] ?? 0), y(data[at + 1] ?? 0), 3.6 * unit, 0, 7);
    context.stroke();
  }
  context.globalAlpha = 1;
}

type Map = (value: number) => number;

function dots(context: CanvasRenderingContext2D, points: Float32Array, x: Map, y: Map, radius: number): void {
  context.beginPath();
  for (let at = 0; at < points.length; at += 2) {
    const [left, top] = [x(points[at] ?? 0), y(points[at + 1] ?? 0)];
    context.moveTo(left + radius, top);
    context.arc(left, top, radius, 0, 7);
  }
}

function arrows(
  context: CanvasRenderingContext2D,
  fours: Float32Array,
  x: Map,
  y: Map,
  unit: number,
  ink: string,
): void {
  context.globalAlpha = 0.7;
  context.strokeStyle = ink;
  context.lineWidth = 1.2 * unit;
  context.lineCap = "round";
  context.beginPath();
  for (let at = 0; at < fours.length; at += 4) {
    const [px, py, dx, dy] = [fours[at] ?? 0, fours[at + 1] ?? 0, fours[at + 2] ?? 0, fours[at + 3] ?? 0];
    const [fx, fy, tx, ty] = [x(px), y(py), x(px + dx), y(py + dy)];
    const turn = Math.atan2(ty - fy, tx - fx);
    const head = Math.min(7 * unit, 0.5 * Math.hypot(tx - fx, ty - fy));
    if (head < unit) continue;
    context.moveTo(fx, fy);
    context.lineTo(tx, ty);
    for (const wing of [2.6, -2.6]) {
      context.moveTo(tx, ty);
      context.lineTo(tx + head * Math.cos(turn + wing), ty + head * Math.sin(turn + wing));
    }
  }
  context.stroke();
  context.globalAlpha = 1;
}

/** Where a pointer is on the plane, in its units. */
export function placeOn(canvas: Element, event: PointerEvent): [number, number] {
  const box = canvas.getBoundingClientRect();
  const across = (2 * (event.clientX - box.left)) / box.width - 1;
  const down = (2 * (event.clientY - box.top)) / box.height - 1;
  const within = (value: number): number => Math.max(-1.5, Math.min(1.5, Math.round(value * EXTENT * 1000) / 1000));
  return [within(across), within(-down)];
}

export const scaled = (points: [number, number][]): Float32Array =>
  Float32Array.from(points.flat(), (value) => value / EXTENT);
