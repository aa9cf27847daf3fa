// Parallel coordinates: a line per run through its options to its result.

import { useState } from "preact/hooks";

import type { Comparison } from "../api.ts";
import { axesOf } from "../axes.ts";
import { shorten } from "../format.ts";
import { runColour } from "../theme.ts";
import { Card } from "./ui.tsx";

const MOST = 8;
const [GAP, TOP, HEIGHT, SIDE] = [140, 64, 190, 70] as const;

export function Parallel({ comparison }: { comparison: Comparison }) {
  const [lit, light] = useState<number | null>(null);
  const axes = axesOf(comparison, MOST);
  if (axes.length < 2) return null;
  const x = (axis: number) => SIDE + axis * GAP;
  const y = (at: number) => TOP + (1 - at) * HEIGHT;
  const width = 2 * SIDE + (axes.length - 1) * GAP;
  return (
    <Card title="Options and results" note="Each line is a run, through the options in which they differ.">
      <div class="scroll" tabIndex={0} role="region" aria-label="Options and results">
        <svg class="parallel" viewBox={`0 0 ${width} ${TOP + HEIGHT + 30}`} style={{ minWidth: `${Math.min(width, 96 * axes.length)}px`, maxWidth: `${width * 1.25}px` }} role="img" aria-label={`A line per run through ${axes.map((axis) => axis.name).join(", ")}`}>
          {axes.map((axis, i) => (
            <g key={axis.name}>
              <path class="axis" d={`M${x(i)} ${TOP}v${HEIGHT}`} />
              <text class="middle name" x={x(i)} y={i % 2 === 0 ? 14 : 34}>
                {shorten(axis.name, 28)}
              </text>
            </g>
          ))}
          {comparison.runs.map((row, of) => {
            const { colour, dash } = runColour(of);
            const points = axes.flatMap((axis, i) => (axis.at[of] == null ? [] : [[x(i), y(axis.at[of]!)] as const]));
            return (
              <g
                key={row.id}
                class={lit === null ? "" : lit === of ? "lit" : "dim"}
                style={{ color: `var(--${colour})` }}
                onMouseEnter={() => light(of)}
                onMouseLeave={() => light(null)}
              >
                <title>{row.id}</title>
                <path d={points.map(([px, py], i) => `${i === 0 ? "M" : "L"}${px} ${py}`).join("")} stroke-dasharray={dash.join(" ")} />
                {points.map(([px, py]) => (
                  <circle key={px} cx={px} cy={py} r="4" />
                ))}
              </g>
            );
          })}
          {axes.map((axis, i) =>
            axis.ticks.map((tick) => (
              <text key={`${i} ${tick.text}`} class="tick" x={x(i) + 8} y={y(tick.at) + (tick.at > 0.5 ? -6 : 15)}>
                {shorten(tick.text, 16)}
              </text>
            )),
          )}
        </svg>
      </div>
    </Card>
  );
}
