// What the network answers over the plane, and at a point that is asked about.

import { useEffect, useRef, useState } from "preact/hooks";

import { number } from "../format.ts";
import { Card, Toggle } from "../parts/ui.tsx";
import { play, type Begun, type Probed, type Snapshot } from "./api.ts";
import { Matrix, NumberField } from "./controls.tsx";
import { Plane } from "./plane.tsx";

export function PlaneCard({ begun, now }: { begun: Begun; now: Snapshot }) {
  const [test, showTest] = useState(true);
  const [point, setPoint] = useState<[number, number] | null>(null);
  const [told, tell] = useState<Probed | null>(null);
  const abort = useRef<AbortController | null>(null);
  useEffect(() => setPoint(null), [begun.id]);
  useEffect(() => {
    abort.current?.abort();
    tell((old) => (point === null ? null : old));
    if (point === null) return;
    const control = new AbortController();
    abort.current = control;
    play.probe(begun.id, ...point, control.signal).then(
      (told) => control.signal.aborted || tell(told),
      () => control.signal.aborted || tell(null),
    );
  }, [point, now]);
  const middle = begun.axes.map((axis) => (axis.low + axis.high) / 2) as [number, number];
  const move = (at: 0 | 1, value: number) => {
    const next: [number, number] = [...(point ?? middle)];
    next[at] = value;
    setPoint(next);
  };
  const rounded = (value: number) => Number(value.toPrecision(3));
  return (
    <Card title="What it answers" class="play-plane" side={<Toggle label="Test points" on={test} set={showTest} />}>
      <Plane begun={begun} now={now} test={test} probed={point} probe={(x, y) => setPoint([x, y])} />
      <div class="probe">
        <p class="muted small">Ask about a point: press on the picture, or type.</p>
        <div class="probe-fields">
          {([0, 1] as const).map((at) => (
            <NumberField key={at} label={begun.axes[at].name} value={rounded((point ?? middle)[at])} set={(value) => move(at, value)} min={-1e9} max={1e9} step="any" />
          ))}
        </div>
        {point !== null && told && <ProbeAnswer begun={begun} told={told} />}
      </div>
    </Card>
  );
}

function ProbeAnswer({ begun, told }: { begun: Begun; told: Probed }) {
  const z = told.activations.at(-1) ?? [];
  const sum = z.reduce((sum, z) => sum + Math.exp(z), 0);
  return (
    <div aria-live="polite">
      <p class="small">
        x normalised <Matrix values={[told.x]} />: it answers <b>{told.value === null ? told.answer : number(told.value, 3)}</b>
      </p>
      {begun.classes.length > 2 ? (
        <table class="softmax">
          <caption class="small muted">
            Softmax: t = e<sup>z</sup>, ŷ = t / Σt, with Σt = {number(sum, 3)}
          </caption>
          <thead>
            <tr>
              <th>class</th>
              <th class="r">z</th>
              <th class="r">t</th>
              <th class="r">ŷ</th>
            </tr>
          </thead>
          <tbody>
            {begun.classes.map((name, i) => (
              <tr key={name}>
                <td>{name}</td>
                <td class="r">{number(z[i], 3)}</td>
                <td class="r">{number(Math.exp(z[i] ?? 0), 3)}</td>
                <td class="r">{number(told.probabilities[i], 3)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        begun.classes.length === 2 && (
          <p class="small math">
            z = {number(z[0], 3)}, ŷ = σ(z) = {number(told.probabilities[1], 3)}
          </p>
        )
      )}
    </div>
  );
}
