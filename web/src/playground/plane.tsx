// The plane of two inputs as the network sees it, with the points.

import { number } from "../format.ts";
import type { Begun, Point, Snapshot } from "./api.ts";
import { classColour, mark, mix, paint, rgb, signedColours, unpack, useCanvas, type Rgb } from "./canvas.ts";

interface PlaneProps {
  begun: Begun;
  now: Snapshot;
  test: boolean;
  probed: [number, number] | null;
  probe: (x: number, y: number) => void;
}

/** How strongly the answers are coloured beneath the points. */
const STRENGTH = 0.62;

export function Plane({ begun, now, test, probed, probe }: PlaneProps) {
  const [x, y] = begun.axes;
  const canvas = useCanvas(
    (canvas, scale) => {
      paint(canvas, begun.side.plane, groundOf(begun, now));
      drawBoundary(canvas, begun, now, scale);
      drawPoints(canvas, begun, test, scale);
      if (probed) drawProbe(canvas, begun, probed, scale);
    },
    [begun, now, test, probed],
  );
  const point = (event: PointerEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    const share = (at: number, from: number, size: number) => Math.min(1, Math.max(0, (at - from) / size));
    probe(x.low + (x.high - x.low) * share(event.clientX, box.left, box.width), y.high - (y.high - y.low) * share(event.clientY, box.top, box.height));
  };
  const metric = begun.metric === "accuracy" ? "accuracy" : "error";
  const words = `What the network answers over ${x.name} from ${number(x.low, 3)} to ${number(x.high, 3)} and ${y.name} from ${number(y.low, 3)} to ${number(y.high, 3)}; ${metric} on test ${number(now.metric_value.test, 3)}`;
  return (
    <figure class="plane">
      <div class="plane-box">
        <span class="axis-y" aria-hidden="true">
          <small>{number(y.high, 2)}</small>
          <b>{y.name}</b>
          <small>{number(y.low, 2)}</small>
        </span>
        <canvas ref={canvas} role="img" aria-label={words} onPointerDown={point} onPointerMove={(event) => event.buttons > 0 && point(event)} />
      </div>
      <div class="axis-x" aria-hidden="true">
        <small>{number(x.low, 2)}</small>
        <b>{x.name}</b>
        <small>{number(x.high, 2)}</small>
      </div>
      <Key begun={begun} />
    </figure>
  );
}

/** What colours and shapes mean. */
function Key({ begun }: { begun: Begun }) {
  const shapes = ["●", "■", "▲", "◆"];
  return (
    <figcaption class="plane-key">
      {begun.classes.length > 0 ? (
        begun.classes.map((name, i) => (
          <span key={name}>
            <i style={{ color: `var(--${classColour(i)})` }}>{shapes[i % 4]}</i> {begun.target[0]} {name}
          </span>
        ))
      ) : (
        <span>
          {begun.target[0]} from <i style={{ color: "var(--dev)" }}>●</i> {number(begun.plane.low, 2)} to <i style={{ color: "var(--train)" }}>●</i> {number(begun.plane.high, 2)}
        </span>
      )}
      <span>{begun.classes.length > 0 ? "filled: train, ringed: test" : "● train, ◆ test"}</span>
    </figcaption>
  );
}

/** The colour of each point of the plane. */
function groundOf(begun: Begun, { plane }: Snapshot): (i: number) => Rgb {
  const levels = plane.classes.map((levels) => unpack(levels, 4));
  const first = levels[0]!;
  const signed = signedColours();
  if (levels.length === 1) return (i) => signed((2 * first[i]! - 1) * STRENGTH);
  const surface = rgb("surface");
  const colours = begun.classes.map((_, at) => rgb(classColour(at)));
  const even = 1 / levels.length;
  return (i) => {
    const best = levels.reduce((best, level, at) => (level[i]! > levels[best]![i]! ? at : best), 0);
    return mix(surface, colours[best]!, (STRENGTH * Math.max(0, levels[best]![i]! - even)) / (1 - even));
  };
}

/** Where two classes are equally likely. */
function drawBoundary(canvas: HTMLCanvasElement, begun: Begun, { plane }: Snapshot, scale: number) {
  if (begun.classes.length === 0) return;
  const side = begun.side.plane;
  const levels = plane.classes.map((levels) => unpack(levels, 4));
  // Of two classes: over a half; of several: how far a class is above the others.
  const above = (at: number) => {
    if (levels.length === 1) return [...levels[0]!].map((p) => p - 0.5);
    return [...levels[at]!].map((p, i) => p - Math.max(...levels.filter((_, other) => other !== at).map((level) => level[i]!)));
  };
  const ctx = canvas.getContext("2d")!;
  ctx.strokeStyle = `rgb(${rgb("ink").join()})`;
  ctx.lineWidth = 1.4 * scale;
  ctx.globalAlpha = 0.75;
  for (let at = 0; at < levels.length; at++) contour(ctx, above(at), side, 0, canvas.width, canvas.height);
  ctx.globalAlpha = 1;
}

/** The line at a level through values on a grid (marching squares). */
export function contour(ctx: CanvasRenderingContext2D, values: ArrayLike<number>, side: number, level: number, width: number, height: number, corners = false) {
  const unit = corners ? side - 1 : side;
  const shift = corners ? 0 : 0.5;
  const place = (column: number, row: number) => [((column + shift) / unit) * width, ((row + shift) / unit) * height] as const;
  ctx.beginPath();
  for (let row = 0; row + 1 < side; row++) {
    for (let column = 0; column + 1 < side; column++) {
      const at = (dx: number, dy: number) => values[(row + dy) * side + column + dx]! - level;
      const [a, b, c, d] = [at(0, 0), at(1, 0), at(1, 1), at(0, 1)];
      const cut = (from: number, to: number) => from / (from - to);
      const crossings: (readonly [number, number])[] = [];
      if (a > 0 !== b > 0) crossings.push(place(column + cut(a, b), row));
      if (b > 0 !== c > 0) crossings.push(place(column + 1, row + cut(b, c)));
      if (d > 0 !== c > 0) crossings.push(place(column + cut(d, c), row + 1));
      if (a > 0 !== d > 0) crossings.push(place(column, row + cut(a, d)));
      for (let i = 0; i + 1 < crossings.length; i += 2) {
        ctx.moveTo(...crossings[i]!);
        ctx.lineTo(...crossings[i + 1]!);
      }
    }
  }
  ctx.stroke();
}

function placeOf(canvas: HTMLCanvasElement, begun: Begun, [px, py]: readonly [number, number, ...number[]]): [number, number] {
  const [x, y] = begun.axes;
  return [((px - x.low) / (x.high - x.low)) * canvas.width, ((y.high - py) / (y.high - y.low)) * canvas.height];
}

function drawPoints(canvas: HTMLCanvasElement, begun: Begun, test: boolean, scale: number) {
  const ctx = canvas.getContext("2d")!;
  const signed = signedColours();
  const { low, high } = begun.plane;
  const colours = begun.classes.map((_, at) => rgb(classColour(at)));
  const colourOf = (target: number) => (begun.classes.length > 0 ? colours[target]! : signed((2 * (target - low)) / (high - low) - 1));
  const [surface, ink] = [`rgb(${rgb("surface").join()})`, `rgb(${rgb("ink-2").join()})`];
  const many = begun.points.train.length > 600;
  const draw = (point: Point, filled: boolean) => {
    const [x, y] = placeOf(canvas, begun, point);
    const own = `rgb(${colourOf(point[2]).join()})`;
    // A number in the middle has no colour, and would be lost without a line around it.
    const numbers = begun.classes.length === 0;
    mark(ctx, numbers ? (filled ? 0 : 3) : point[2], x, y, (filled ? (many ? 2.4 : 3.4) : 2.9) * scale);
    ctx.fillStyle = filled || numbers ? own : surface;
    ctx.fill();
    ctx.lineWidth = (filled || numbers ? 1 : 1.7) * scale;
    ctx.strokeStyle = numbers ? ink : filled ? surface : own;
    ctx.stroke();
  };
  if (test) begun.points.test.forEach((point) => draw(point, false));
  begun.points.train.forEach((point) => draw(point, true));
}

function drawProbe(canvas: HTMLCanvasElement, begun: Begun, point: [number, number], scale: number) {
  const [x, y] = placeOf(canvas, begun, point);
  const ctx = canvas.getContext("2d")!;
  ctx.strokeStyle = `rgb(${rgb("ink").join()})`;
  ctx.lineWidth = 1.5 * scale;
  ctx.beginPath();
  ctx.arc(x, y, 7 * scale, 0, 2 * Math.PI);
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]] as const) {
    ctx.moveTo(x + 7 * scale * dx, y + 7 * scale * dy);
    ctx.lineTo(x + 12 * scale * dx, y + 12 * scale * dy);
  }
  ctx.stroke();
}
