// How activations and gradients grow or vanish with depth, by the first weights.

import { useLoad } from "../hooks.ts";
import { Plot } from "../parts/plot.tsx";
import { Card, Command, Failure, Loading } from "../parts/ui.tsx";
import type { Value } from "../series.ts";
import { number, short } from "../format.ts";
import { asked, play, type Depth } from "./api.ts";
import { Formula, NumberField, Seed, Select, Slider } from "./controls.tsx";
import { useSettings } from "./settings.ts";

const DEFAULTS = { layers: 30, units: 50, activation: "identity", above: 1.5, below: 0.5, seed: 0 };
const ACTIVATIONS = [["identity", "None (linear)"], ["tanh", "tanh"], ["sigmoid", "σ"], ["relu", "ReLU"], ["leaky_relu", "Leaky ReLU"], ["selu", "SELU"]] as const;
const COLOURS = ["train", "test", "muted", "layer-7", "bad", "layer-2", "dev"];

/** Powers are drawn by their exponents: there is no end to how small they become. */
const logarithm = (value: Value) => (value !== null && value > 0 ? Math.log10(value) : null);
const power = (exponent: number) => (Number.isInteger(exponent) ? short(10 ** exponent, 1) : "");

export function DepthLesson() {
  const [settings, change] = useSettings("depth", DEFAULTS);
  const { layers, units, activation, above, below, seed } = settings;
  const { data, error, reload } = useLoad(asked(settings), () => play.compute<Depth>("depth", settings));
  const deep = Array.from({ length: Math.min(layers, 20) }, () => units).join(",");
  const usual = activation === "relu" || activation === "leaky_relu" ? "he_normal" : "xavier_normal";
  const lines = (of: (curve: Depth["curves"][number]) => Value[]) =>
    (data?.curves ?? []).map((curve, i) => ({ name: curve.name, colour: COLOURS[i]!, y: of(curve).map(logarithm), format: (value: number) => number(10 ** value, 2), ...(i < 2 && { dash: [6, 4] }) }));
  return (
    <>
      <Card title="A deep network">
        <div class="play-row">
          <Slider label="Layers L" value={layers} set={(layers) => change({ layers })} min={2} max={100} />
          <Slider label="Units in each, n" value={units} set={(units) => change({ units })} min={1} max={128} />
          <Select label="Activation" value={activation} options={ACTIVATIONS} set={(activation) => change({ activation })} />
          <NumberField label="Factor above 1" value={above} set={(above) => change({ above })} min={0} max={10} step="any" />
          <NumberField label="Factor below 1" value={below} set={(below) => change({ below })} min={0} max={10} step="any" />
          <Seed seed={seed} set={(seed) => change({ seed })} />
        </div>
      </Card>
      {error && <Failure error={error} retry={reload} />}
      {data === null ? (
        !error && <Loading lines={6} />
      ) : (
        <div class="pair">
          <Card title="Activations" note="Standard deviation of a after each layer, over 64 examples from N(0, 1).">
            <Plot title="Standard deviation of activations by layer" x={data.layers} xName="layer" height={280} lines={lines((curve) => curve.activations)} yFormat={power} group="depth" />
          </Card>
          <Card title="Gradients" note="Root mean square of ∂J/∂a; at the output, on the right, it is 1.">
            <Plot title="Root mean square of gradients by layer" x={data.layers} xName="layer" height={280} lines={lines((curve) => curve.gradients)} yFormat={power} group="depth" />
          </Card>
        </div>
      )}
      <Card title="Why">
        <dl class="play-formulas">
          <Formula title="W a multiple of the identity" value={<>{above}<sup>{layers}</sup> = {number(above ** layers, 3)}, {below}<sup>{layers}</sup> = {number(below ** layers, 3)}</>}>
            without activations a<sup>[L]</sup> = factor<sup>L</sup> x: it explodes above 1, and vanishes below
          </Formula>
          <Formula title="Variance of a sum">
            Var(z) = n Var(w) E[a²], so Var(w) = 1 / n keeps the size
          </Formula>
          <Formula title="Xavier" value={`σ = ${number(Math.sqrt(1 / units), 3)}`}>
            Var(w) = 1 / n: for tanh
          </Formula>
          <Formula title="He" value={`σ = ${number(Math.sqrt(2 / units), 3)}`}>
            Var(w) = 2 / n: ReLU halves E[a²]
          </Formula>
          <Formula plain title="Zeros">all units of a layer stay equal, and nothing flows: values that are 0 have no place on a log axis</Formula>
        </dl>
      </Card>
      <Card title="On real data, in a terminal" note="The run’s report and its page draw each layer’s activations and gradients as it trains. Try zeros and normal as the initialiser, too.">
        <Command text={`thalweg train sample:digits --layers ${deep} --activation ${activation} --init ${usual} --bins 0 --epochs 5 --seed ${seed}`} />
      </Card>
    </>
  );
}
