// The network: its layers, and their scales while it learns.

import type { LayerScales, Run, Scales } from "../api.ts";
import { count, number, percent, plural, short } from "../format.ts";
import { Plot } from "../parts/plot.tsx";
import { Card, Empty } from "../parts/ui.tsx";
import type { Value } from "../series.ts";
import { layerColour } from "../theme.ts";

/** More layers than this would bury a chart under their names. */
const LISTED = 8;

interface Quantity {
  title: string;
  note: string;
  of: (layer: LayerScales) => Value[] | null;
  log: boolean;
}

const QUANTITIES: Quantity[] = [
  { title: "Activations", note: "Standard deviation. Layers should be of one size.", of: (layer) => layer.activation, log: true },
  { title: "Gradients", note: "Root mean square of ∂J/∂a. Falling from layer to layer, they vanish; rising, they explode.", of: (layer) => layer.gradient, log: true },
  { title: "Updates", note: "Size of a step beside the weights’: about 10⁻³ is usual.", of: (layer) => layer.update, log: true },
  { title: "Weights", note: "Root mean square.", of: (layer) => layer.weight, log: true },
  { title: "Zeros", note: "Share of activations that are exactly 0.", of: (layer) => layer.zeros, log: false },
  { title: "Dead units", note: "Share of units that are 0 for every row.", of: (layer) => layer.dead, log: false },
  { title: "Saturated units", note: "Share of units at the flat ends of their activation.", of: (layer) => layer.saturated, log: false },
];

export function Network({ run, scales }: { run: Run; scales: Scales | null }) {
  return (
    <>
      {scales && scales.steps.length > 0 ? (
        <div class="pair thirds">
          {QUANTITIES.map((quantity) => (
            <QuantityCard key={quantity.title} quantity={quantity} run={run} scales={scales} />
          ))}
        </div>
      ) : (
        <Empty title="No scales were sampled">
          <p>The size of each layer’s activations and gradients is sampled while a network learns.</p>
        </Empty>
      )}
      <Card title="Layers" side={<span class="muted">{plural(run.features, "input")}, {plural(run.parameters, "parameter")}</span>}>
        <div class="scroll" tabIndex={0} role="region" aria-label="Layers">
          <table>
            <thead>
              <tr>
                <th>Name</th>
                <th>What it is</th>
                <th class="r">Output</th>
                <th class="r">Parameters</th>
              </tr>
            </thead>
            <tbody>
              {run.layers.map((layer) => (
                <tr key={layer.name}>
                  <td>
                    <code>{layer.name}</code>
                  </td>
                  <td class="wide">{layer.description}</td>
                  <td class="r">{layer.output.map(count).join(" × ")}</td>
                  <td class="r">{count(layer.parameters)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Card>
    </>
  );
}

function QuantityCard({ quantity, run, scales }: { quantity: Quantity; run: Run; scales: Scales }) {
  const { title, note, of, log } = quantity;
  const format = log ? (value: number) => number(value, 2) : percent;
  const lines = scales.layers.flatMap((layer, i) => {
    const y = of(layer);
    const colour = layerColour(i, scales.layers.length);
    return y?.some((value) => value !== null) ? [{ name: layer.title || layer.name, colour, y, format }] : [];
  });
  if (lines.length === 0) return null;
  return (
    <Card title={title} note={note}>
      <Plot
        title={`${title} by step`}
        x={scales.steps}
        xName="step"
        lines={lines}
        log={log}
        brief={lines.length > LISTED}
        height={180}
        group={`steps ${run.id}`}
        yFormat={log ? (value) => short(value, 2) : (value) => `${short(100 * value, 3)} %`}
      />
    </Card>
  );
}
