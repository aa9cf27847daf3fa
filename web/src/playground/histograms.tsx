// How weights, activations and gradients are spread, layer by layer.

import { number } from "../format.ts";
import { Card } from "../parts/ui.tsx";
import type { Histogram, Snapshot } from "./api.ts";

export function Histograms({ now }: { now: Snapshot }) {
  return (
    <Card title="Layer by layer" note="How weights, activations and gradients are spread, over all training points. Beside each, its root mean square: layers should be of one size.">
      <div class="scroll" tabIndex={0} role="region" aria-label="Histograms by layer">
        <table class="histograms">
          <thead>
            <tr>
              <th>Layer</th>
              <th>Weights W</th>
              <th>Activations a</th>
              <th>Gradients ∂J/∂W</th>
            </tr>
          </thead>
          <tbody>
            {now.layers.map((layer, i) => {
              const name = i === now.layers.length - 1 ? "Output" : `Layer ${i + 1}`;
              return (
                <tr key={i}>
                  <th scope="row">{name}</th>
                  <td>
                    <Bars of={layer.histogram} colour="train" name={`${name}, weights`} />
                  </td>
                  <td>
                    <Bars of={layer.activations} colour="layer-2" name={`${name}, activations`} />
                  </td>
                  <td>
                    <Bars of={layer.gradient} colour="dev" name={`${name}, gradients`} />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function Bars({ of, colour, name }: { of: Histogram; colour: string; name: string }) {
  const most = Math.max(1, ...of.counts);
  const [width, height] = [168, 40];
  const bar = width / of.counts.length;
  return (
    <figure class="bars-figure">
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${name}: from ${number(of.low, 2)} to ${number(of.high, 2)}, root mean square ${number(of.size, 2)}`}>
        {of.counts.map((n, i) => (
          <rect key={i} x={i * bar + 0.5} width={bar - 1} y={height - (height * n) / most} height={(height * n) / most} style={{ fill: `var(--${colour})` }} />
        ))}
        <path d={`M0 ${height - 0.5}H${width}`} />
      </svg>
      <figcaption>
        <span>{number(of.low, 2)}</span>
        <b title="Root mean square">{number(of.size, 2)}</b>
        <span>{number(of.high, 2)}</span>
      </figcaption>
    </figure>
  );
}
