// Optimisers side by side, as paths down a surface.

import { useEffect, useState } from "preact/hooks";

import { number, short } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { Plot } from "../parts/plot.tsx";
import { Button, Card, Choice, Command, Failure, Loading } from "../parts/ui.tsx";
import { asked, play, type Surface } from "./api.ts";
import { mix, paint, rgb, useCanvas } from "./canvas.ts";
import { Formula, Seed, Slider, words } from "./controls.tsx";
import { contour } from "./plane.tsx";
import { useSettings } from "./settings.ts";

const DEFAULTS = { surface: "ravine", alpha: 0.09, beta1: 0.9, beta2: 0.99, steps: 60, seed: 0 };
const COLOURS: Record<string, string> = { gradient_descent: "dev", momentum: "train", rmsprop: "test", adam: "layer-2" };
const CONTOURS = 14;

export function OptimizersLesson() {
  const [settings, change] = useSettings("optimizers", DEFAULTS);
  const { surface, alpha, beta1, beta2, steps, seed } = settings;
  const { data, error, reload } = useLoad(asked(settings), () => play.compute<Surface>("optimizers", settings));
  const [shown, show] = useState(steps);
  const [playing, setPlaying] = useState(false);
  useEffect(() => {
    show(steps);
    setPlaying(false);
  }, [steps]);
  useEffect(() => {
    if (!playing) return;
    const timer = setInterval(() => show((old) => Math.min(steps, old + 1)), 80);
    return () => clearInterval(timer);
  }, [playing, steps]);
  useEffect(() => void (shown >= steps && setPlaying(false)), [shown, steps]);
  const watch = () => {
    if (shown >= steps) show(0);
    setPlaying(!playing);
  };
  return (
    <>
      <Card title="Surface and steps">
        <div class="play-row">
          <div class="field">
            <span>Surface</span>
            <Choice
              label="Surface"
              value={surface}
              options={[["ravine", "Ravine"], ["network", "Network"]]}
              choose={(surface) => change({ surface, ...(surface === "ravine" ? { alpha: 0.09, steps: 60 } : { alpha: 0.2, steps: 100 }) })}
            />
          </div>
          <Slider label="Learning rate α" value={alpha} set={(alpha) => change({ alpha })} min={0.001} max={10} log format={(value) => short(value, 2)} />
          <Slider label={<>β<sub>1</sub> (momentum, Adam)</>} value={beta1} set={(beta1) => change({ beta1 })} min={0} max={0.99} step={0.01} />
          <Slider label={<>β<sub>2</sub> (RMSprop, Adam)</>} value={beta2} set={(beta2) => change({ beta2 })} min={0} max={0.999} step={0.001} />
          <Slider label="Steps" value={steps} set={(steps) => change({ steps })} min={5} max={300} step={5} />
          {surface === "network" && <Seed seed={seed} set={(seed) => change({ seed })} />}
        </div>
      </Card>
      {error && <Failure error={error} retry={reload} />}
      {data === null ? (
        !error && <Loading lines={6} />
      ) : (
        <div class="pair">
          <Card
            title={surface === "ravine" ? "J = ½ (w₁² + 20 w₂²)" : "J of two weights of a network on the moons"}
            side={
              <div class="buttons">
                <Button icon={playing ? "pause" : "play"} onClick={watch}>
                  {playing ? "Pause" : "Watch"}
                </Button>
                <span class="muted">step {Math.min(shown, steps)}</span>
              </div>
            }
          >
            <Paths data={data} shown={shown} />
            <ul class="plane-key">
              {data.paths.map((path) => (
                <li key={path.name}>
                  <i class="swatch" style={{ color: `var(--${COLOURS[path.name]})` }} /> {words(path.name)}
                </li>
              ))}
            </ul>
          </Card>
          <Card title="Cost, step by step">
            <Plot
              title="Cost by step"
              x={Array.from({ length: steps + 1 }, (_, t) => t)}
              xName="step"
              height={320}
              log
              lines={data.paths.map((path) => ({ name: words(path.name), colour: COLOURS[path.name]!, y: path.points.map((point) => (point[2] !== null && point[2] < 1e-12 ? null : point[2])) }))}
            />
          </Card>
        </div>
      )}
      <Card title="What each step does">
        <dl class="play-formulas">
          <Formula title="Gradient descent" value={`α = ${short(alpha, 3)}`}>
            w := w − α dw{surface === "ravine" && <>: each direction shrinks by 1 − α · curvature, here {number(1 - alpha, 3)} and {number(1 - 20 * alpha, 3)} a step</>}
          </Formula>
          <Formula title="Momentum" value={`β = ${beta1}`}>
            V := βV + (1−β) dw, w := w − αV: what swings back and forth averages out
          </Formula>
          <Formula title="RMSprop" value={`β = ${beta2}`}>
            S := βS + (1−β) dw², w := w − α dw / √(S + ε): steep directions take smaller steps
          </Formula>
          <Formula title="Adam" value={`β₁ = ${beta1}, β₂ = ${beta2}`}>
            V̂ = V / (1 − β₁ᵗ), Ŝ = S / (1 − β₂ᵗ), w := w − α V̂ / (√Ŝ + ε): both, bias-corrected
          </Formula>
        </dl>
      </Card>
      <Card title="On real data, in a terminal">
        <Command text={`for o in gradient_descent momentum rmsprop adam; do thalweg train sample:digits --layers 32 --recipe course --optimizer $o --momentum ${beta1} --learning-rate 0.01 --epochs 10 -o runs/$o; done`} />
      </Card>
    </>
  );
}

function Paths({ data, shown }: { data: Surface; shown: number }) {
  const [[xLow, xHigh], [yLow, yHigh]] = data.ranges;
  const canvas = useCanvas(
    (canvas, scale) => {
      const { side, grid } = data;
      // Equal steps of a root: lines are as far apart at the bottom as on the slopes.
      const values = grid.map((value) => value ?? Infinity);
      const lowest = Math.min(...values);
      const level = values.map((value) => Math.sqrt(Math.max(0, value - lowest)));
      const highest = Math.max(...level.filter(Number.isFinite), 1e-9);
      const [surface, deep] = [rgb("surface"), rgb("train")];
      paint(canvas, side, (i) => mix(deep, surface, 0.72 + 0.28 * Math.min(1, level[i]! / highest)));
      const ctx = canvas.getContext("2d")!;
      ctx.strokeStyle = `rgb(${rgb("axis").join()})`;
      ctx.lineWidth = scale;
      for (let i = 1; i < CONTOURS; i++) contour(ctx, level, side, (highest * i) / CONTOURS, canvas.width, canvas.height, true);
      for (const path of data.paths) drawPath(ctx, canvas, path.points.slice(0, shown + 1), COLOURS[path.name]!, data.ranges, scale);
    },
    [data, shown],
  );
  const ends = data.paths.map((path) => `${words(path.name)} at ${number(path.points[Math.min(shown, path.points.length - 1)]?.[2] ?? null, 3)}`);
  return (
    <div class="plane-box wide-box">
      <span class="axis-y" aria-hidden="true">
        <small>{number(yHigh, 2)}</small>
        <b>w₂</b>
        <small>{number(yLow, 2)}</small>
      </span>
      <canvas ref={canvas} role="img" aria-label={`Paths over the cost of w₁ from ${number(xLow, 2)} to ${number(xHigh, 2)} and w₂. Cost after ${shown} steps: ${ends.join(", ")}`} />
      <div class="axis-x" aria-hidden="true">
        <small>{number(xLow, 2)}</small>
        <b>w₁</b>
        <small>{number(xHigh, 2)}</small>
      </div>
    </div>
  );
}

function drawPath(ctx: CanvasRenderingContext2D, canvas: HTMLCanvasElement, points: Surface["paths"][number]["points"], name: string, ranges: Surface["ranges"], scale: number) {
  const [[xLow, xHigh], [yLow, yHigh]] = ranges;
  const place = ([a, b]: (typeof points)[number]): [number, number] => [
    (((a ?? 0) - xLow) / (xHigh - xLow)) * canvas.width,
    ((yHigh - (b ?? 0)) / (yHigh - yLow)) * canvas.height,
  ];
  // Far outside, a line would no longer be drawn at all.
  const near = points.filter(([a, b]) => a !== null && b !== null && Math.abs(a) < 1e4 && Math.abs(b) < 1e4).map(place);
  ctx.strokeStyle = ctx.fillStyle = `rgb(${rgb(name).join()})`;
  ctx.lineWidth = 2 * scale;
  ctx.lineJoin = "round";
  ctx.beginPath();
  near.forEach(([x, y], i) => (i === 0 ? ctx.moveTo(x, y) : ctx.lineTo(x, y)));
  ctx.stroke();
  for (const [i, [x, y]] of near.entries()) {
    ctx.beginPath();
    ctx.arc(x, y, (i === near.length - 1 ? 5 : 1.8) * scale, 0, 2 * Math.PI);
    ctx.fill();
  }
}
