// Batches of 1, of some and of all examples, side by side.

import { count, short } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { Plot } from "../parts/plot.tsx";
import { Card, Command, Failure, Loading } from "../parts/ui.tsx";
import type { Value } from "../series.ts";
import { asked, play, type BatchCurve } from "./api.ts";
import { Formula, NumberField, Seed, Select, Slider } from "./controls.tsx";
import { useSettings } from "./settings.ts";

const DEFAULTS = { data: "moons", rows: 300, learning_rate: 0.3, size: 64, epochs: 15, seed: 0 };
const SETS = [["moons", "Two moons"], ["circles", "Circle in a ring"], ["blobs", "Two Gaussians"], ["three-blobs", "Three classes"], ["bumps", "A hill and a hollow"]] as const;

export function BatchesLesson() {
  const [settings, change] = useSettings("batches", DEFAULTS);
  const { data: set, rows, learning_rate, size, epochs, seed } = settings;
  const { data, error, loading, reload } = useLoad(asked(settings), () => play.compute<{ curves: BatchCurve[] }>("batches", settings));
  return (
    <>
      <Card title="One network, three sizes of batches">
        <div class="play-row">
          <Select label="Points" value={set} options={SETS} set={(data) => change({ data })} />
          <NumberField label="How many" value={rows} set={(rows) => change({ rows })} min={50} max={500} />
          <Slider label="Learning rate α" value={learning_rate} set={(learning_rate) => change({ learning_rate })} min={0.001} max={10} log format={(value) => short(value, 2)} />
          <Select label="Mini-batch" value={String(size)} options={["2", "8", "16", "32", "64", "128"].map((size) => [size, size] as const)} set={(size) => change({ size: Number(size) })} />
          <NumberField label="Epochs" value={epochs} set={(epochs) => change({ epochs })} min={1} max={100} />
          <Seed seed={seed} set={(seed) => change({ seed })} />
        </div>
      </Card>
      {error && <Failure error={error} retry={reload} />}
      {data === null ? (
        !error && <Loading lines={8} />
      ) : (
        <div class={`pair thirds ${loading ? "fading" : ""}`} aria-busy={loading}>
          {data.curves.map((curve) => (
            <Card key={curve.batch_size} title={curve.batch_size === 0 ? `All ${count(curve.size)}` : curve.batch_size === 1 ? "1: stochastic" : `Mini-batches of ${curve.size}`} side={<span class="muted">{count(curve.steps)} steps</span>}>
              <Costs curve={curve} />
              {curve.diverged && (
                <p class="wrong" role="status">
                  {curve.diverged}
                </p>
              )}
              <Command text={curve.command} />
            </Card>
          ))}
        </div>
      )}
      <Card title="What is traded">
        <dl class="play-formulas">
          <Formula plain title="All m examples">the cost falls with every step, if α is not too large; but an epoch is a single step</Formula>
          <Formula plain title="One example">m steps an epoch, each quick and noisy: it wanders about the minimum and does not stay there</Formula>
          <Formula plain title="In between">powers of two from 64 to 512: many steps, and products of matrices that keep the machine busy</Formula>
          <Formula plain title="An epoch">one pass over all examples in a new order; the last batch may be short, and counts</Formula>
        </dl>
      </Card>
    </>
  );
}

/** Each batch's cost by the epochs that have passed, and the loss on all training points after each epoch. */
function Costs({ curve }: { curve: BatchCurve }) {
  const x = [...new Set([...curve.epochs, ...curve.whole.map((_, epoch) => epoch)])].sort((a, b) => a - b);
  // `undefined`: the line goes on to the next point.
  const at = (values: Map<number, Value>) => x.map((epoch) => values.get(epoch)) as Value[];
  const costs = at(new Map(curve.epochs.map((epoch, i) => [epoch, curve.costs[i]!])));
  const whole = at(new Map(curve.whole.map((loss, epoch) => [epoch, loss])));
  return (
    <Plot
      title={`Cost with batches of ${curve.size}`}
      x={x}
      xName="epoch"
      xFormat={(value) => short(value, 3)}
      height={220}
      log={curve.costs.some((cost) => cost === null || cost > 100)}
      lines={[
        { name: "each batch", colour: "dev", y: costs },
        { name: "all training points", colour: "train", y: whole },
      ]}
    />
  );
}
