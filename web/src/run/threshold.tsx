// What becomes of the rows of two classes at another threshold, and what it costs.

import { useId, useMemo, useState } from "preact/hooks";

import type { Cut, OperatingCurve } from "../api.ts";
import { count, fixed, number, percent } from "../format.ts";
import { Button, Card, Copy } from "../parts/ui.tsx";
import { meanCost, operatingAt, pointAt, type Operating } from "../series.ts";

export function Threshold({ curve, part, positive }: { curve: OperatingCurve; part: string; positive: string }) {
  const { positives, negatives } = curve;
  const [threshold, set] = useState(curve.threshold);
  const [missed, setMissed] = useState(1);
  const [falseAlarm, setFalseAlarm] = useState(1);
  const id = useId();
  const all = useMemo(() => curve.points.map((point) => operatingAt(point, positives, negatives)), [curve]);
  const costs = { missed, falseAlarm };
  const cost = (at: Operating) => meanCost(at, costs, positives + negatives);
  const cut = (value: number): Cut => {
    if (value === curve.threshold) return [value, ...curve.chosen];
    return curve.points[pointAt(curve.points, value)] ?? [1, 0, 0];
  };
  const now = operatingAt(cut(threshold), positives, negatives);
  const best = (score: (at: Operating) => number) => all.reduce((a, b) => (score(b) > score(a) ? b : a));
  const flag = `--threshold ${Number(threshold.toFixed(4))}`;
  const figures: [string, string, string][] = [
    ["Precision", percent(now.precision), `of ${count(now.found + now.falseAlarms)} said to be ${positive}`],
    ["Recall", percent(now.recall), `${count(now.found)} of ${count(positives)} found`],
    ["F1", fixed(now.f1, 3), "their harmonic mean"],
    ["Missed", count(now.missed), "FN"],
    ["False alarms", count(now.falseAlarms), `FP, of ${count(negatives)}`],
    ["Mean cost", number(cost(now), 3), "of a row"],
  ];
  return (
    <Card
      title="At other thresholds"
      note={`A row is said to be ${positive} from this probability on: what is found on the ${part} part, and what is taken for it by mistake.`}
    >
      <div class="threshold">
        <div class="threshold-controls">
          <label for={id}>
            Threshold <output>{fixed(threshold, 3)}</output>
          </label>
          <input
            id={id}
            type="range"
            min={0}
            max={1}
            step={0.001}
            value={threshold}
            onInput={(event) => set(Number(event.currentTarget.value))}
          />
          <div class="buttons">
            <Button onClick={() => set(curve.threshold)}>As it is ({number(curve.threshold, 3)})</Button>
            <Button onClick={() => set(best((at) => at.f1).threshold)}>Best F1</Button>
            <Button onClick={() => set(best((at) => -cost(at)).threshold)}>Lowest cost</Button>
            <Copy text={flag} label={`Copy the flag ${flag}`}>
              <code>{flag}</code>
            </Copy>
          </div>
          <div class="costs">
            <Cost label="A miss (FN) costs" value={missed} set={setMissed} />
            <Cost label="A false alarm (FP) costs" value={falseAlarm} set={setFalseAlarm} />
          </div>
        </div>
        <dl class="figures" aria-live="polite">
          {figures.map(([name, value, note]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <b>{value}</b>
                <small>{note}</small>
              </dd>
            </div>
          ))}
        </dl>
      </div>
      <div class="squares">
        <Square title="Precision and recall" x="recall" y="precision" points={all.map((at) => [at.recall, at.precision])} now={[now.recall, now.precision]} />
        <Square
          title="ROC"
          x="false positive rate"
          y="true positive rate"
          points={[[0, 0], ...all.map((at) => [at.falsePositiveRate, at.recall] as const), [1, 1]]}
          now={[now.falsePositiveRate, now.recall]}
          diagonal
        />
        <Square
          title="Mean cost by threshold"
          x="threshold"
          y="cost"
          points={scaled(all.map((at) => [at.threshold, cost(at)] as const))}
          now={[threshold, cost(now) / Math.max(1e-12, ...all.map(cost))]}
          top={number(Math.max(0, ...all.map(cost)), 2)}
        />
      </div>
    </Card>
  );
}

type Point = readonly [number, number];

/** Heights relative to the highest. */
function scaled(points: Point[]): Point[] {
  const most = Math.max(1e-12, ...points.map(([, y]) => y));
  return points.map(([x, y]) => [x, y / most]);
}

function Cost({ label, value, set }: { label: string; value: number; set: (value: number) => void }) {
  return (
    <label class="field inline">
      {label}
      <input
        type="number"
        min={0}
        step="any"
        value={value}
        onInput={(event) => {
          const typed = event.currentTarget.valueAsNumber;
          if (Number.isFinite(typed) && typed >= 0) set(typed);
        }}
      />
    </label>
  );
}

interface SquareProps {
  title: string;
  x: string;
  y: string;
  points: Point[];
  now: Point;
  diagonal?: boolean;
  top?: string;
}

/** A curve in the unit square, with a dot where the threshold is. */
function Square({ title, x, y, points, now, diagonal, top = "1" }: SquareProps) {
  const [left, up, size] = [34, 10, 200];
  const px = (value: number) => left + Math.min(1, Math.max(0, value)) * size;
  const py = (value: number) => up + (1 - Math.min(1, Math.max(0, value))) * size;
  const path = points.map(([a, b], i) => `${i === 0 ? "M" : "L"}${px(a).toFixed(1)} ${py(b).toFixed(1)}`).join("");
  return (
    <figure>
      <figcaption>{title}</figcaption>
      <svg viewBox={`0 0 ${left + size + 12} ${up + size + 40}`} role="img" aria-label={`${title}: ${x} ${fixed(now[0], 3)}, ${y} ${fixed(now[1], 3)} at the threshold`}>
        {[0, 0.25, 0.5, 0.75, 1].map((at) => (
          <path key={at} class="grid" d={`M${left} ${py(at)}h${size}`} />
        ))}
        {diagonal && <path class="ideal" d={`M${px(0)} ${py(0)}L${px(1)} ${py(1)}`} />}
        <path class="line" d={path} />
        <circle cx={px(now[0])} cy={py(now[1])} r="5" />
        <text x={left - 6} y={py(0) + 4} class="end">0</text>
        <text x={left - 6} y={py(1) + 4} class="end">{top}</text>
        <text x={px(0)} y={up + size + 16}>0</text>
        <text x={px(1)} y={up + size + 16} class="end">1</text>
        <text x={px(0.5)} y={up + size + 32} class="middle">{x}</text>
        <text transform={`translate(${left - 20} ${py(0.5)}) rotate(-90)`} class="middle">{y}</text>
      </svg>
    </figure>
  );
}
