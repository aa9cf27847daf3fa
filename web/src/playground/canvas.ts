// Pictures of numbers on canvases, in the colours of the page.

import { useEffect, useRef, useState } from "preact/hooks";

import { colour, useThemeChange } from "../theme.ts";

export type Rgb = [number, number, number];

/** Colours of classes: the second of two is blue, as positive numbers are. */
const CLASSES = ["dev", "train", "test", "layer-2", "layer-6", "layer-0"];

export const classColour = (at: number) => CLASSES[at % CLASSES.length]!;

export function rgb(name: string): Rgb {
  const written = colour(name);
  // Style sheets are built with colours as short as they can be: `#fff`.
  const hex = written.length === 4 ? written.replace(/[^#]/g, "$&$&") : written;
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as Rgb;
}

export const mix = (a: Rgb, b: Rgb, share: number) => a.map((x, i) => x + (b[i]! - x) * share) as Rgb;

/** Colours from −1 over 0 to 1: orange, nothing, blue. */
export function signedColours(): (value: number) => Rgb {
  const [low, zero, high] = [rgb("dev"), rgb("surface"), rgb("train")];
  return (value) => mix(zero, value < 0 ? low : high, Math.min(1, Math.abs(value)));
}

/** Hexadecimal numbers of so many digits each, as numbers from 0 to 1. */
export function unpack(hex: string, digits: number): Float32Array {
  const most = 16 ** digits - 1;
  return Float32Array.from({ length: hex.length / digits }, (_, i) => parseInt(hex.slice(digits * i, digits * (i + 1)), 16) / most);
}

/** Fills a canvas with a picture of side × side colours. */
export function paint(canvas: HTMLCanvasElement, side: number, colourAt: (i: number) => Rgb, smooth = true) {
  const image = new ImageData(side, side);
  for (let i = 0; i < side * side; i++) {
    const [r, g, b] = colourAt(i);
    image.data.set([r, g, b, 255], 4 * i);
  }
  const small = document.createElement("canvas");
  small.width = small.height = side;
  small.getContext("2d")!.putImageData(image, 0, 0);
  const ctx = canvas.getContext("2d")!;
  ctx.imageSmoothingEnabled = smooth;
  ctx.imageSmoothingQuality = "high";
  ctx.drawImage(small, 0, 0, canvas.width, canvas.height);
}

/** A canvas that is drawn when `what` changes, its size does, or the colours do. */
export function useCanvas(draw: (canvas: HTMLCanvasElement, scale: number) => void, what: readonly unknown[]) {
  const ref = useRef<HTMLCanvasElement>(null);
  const latest = useRef(draw);
  latest.current = draw;
  const [size, setSize] = useState(0);
  const redraw = () => {
    const canvas = ref.current;
    if (!canvas || canvas.clientWidth === 0) return;
    const scale = devicePixelRatio || 1;
    const [width, height] = [Math.round(canvas.clientWidth * scale), Math.round(canvas.clientHeight * scale)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    latest.current(canvas, scale);
  };
  useEffect(() => {
    const watch = new ResizeObserver(() => setSize(ref.current?.clientWidth ?? 0));
    watch.observe(ref.current!);
    return () => watch.disconnect();
  }, []);
  useEffect(redraw, [size, ...what]);
  useThemeChange(redraw);
  return ref;
}

/** Marks that tell classes apart without their colours. */
export function mark(ctx: CanvasRenderingContext2D, shape: number, x: number, y: number, r: number) {
  ctx.beginPath();
  if (shape % 4 === 0) ctx.arc(x, y, r, 0, 2 * Math.PI);
  else if (shape % 4 === 1) ctx.rect(x - 0.88 * r, y - 0.88 * r, 1.76 * r, 1.76 * r);
  else if (shape % 4 === 2) polygon(ctx, [[x, y - 1.25 * r], [x + 1.15 * r, y + 0.8 * r], [x - 1.15 * r, y + 0.8 * r]]);
  else polygon(ctx, [[x, y - 1.25 * r], [x + 1.25 * r, y], [x, y + 1.25 * r], [x - 1.25 * r, y]]);
  ctx.closePath();
}

function polygon(ctx: CanvasRenderingContext2D, points: [number, number][]) {
  points.forEach(([x, y], i) => (i === 0 ? ctx.moveTo(x, y) : ctx.lineTo(x, y)));
}
