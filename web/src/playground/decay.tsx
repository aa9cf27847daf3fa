// The learning rate by epoch, of every schedule.

import type { ComponentChildren } from "preact";

import { number, short } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { Plot } from "../parts/plot.tsx";
import { Card, Command, Failure, Loading, Toggle } from "../parts/ui.tsx";
import { asked, play } from "./api.ts";
import { NumberField, Select, Slider, words } from "./controls.tsx";
import { useSettings } from "./settings.ts";

const DEFAULTS = { alpha: 0.2, epochs: 60, own: true, decay: 0.95, every: 10, chosen: "exponential", log: false };
const COLOURS = ["muted", "train", "dev", "test", "layer-2", "layer-7", "layer-4", "layer-0", "bad", "ink-2"];

const FORMULAS: Record<string, [formula: ComponentChildren, note: string]> = {
  constant: [<>α = α₀</>, ""],
  inverse: [<>α = α₀ / (1 + decay · epoch)</>, "decay 1 unless set"],
  exponential: [<>α = decay<sup>epoch</sup> · α₀</>, "0.95 unless set"],
  square_root: [<>α = decay / √epoch · α₀</>, "1 unless set"],
  staircase: [<>α = α₀ · decay<sup>⌊(epoch − 1)/every⌋</sup></>, "½ unless set"],
  manual: [<>α as given from an epoch on</>, "here α₀, a third and a tenth of it"],
  cosine: [<>α = α₀ · ½ (1 + cos(π · progress))</>, "step by step"],
  coslog: [<>α = α₀ · ½ (1 − cos(2π · log₂(1 + 15 · progress)))</>, "four waves, each twice as long"],
  one_cycle: [<>α₀/25 to α₀ in 30 % of the run, then to α₀/250,000</>, "along half cosines, step by step"],
  plateau: [<>α = α₀ · decay<sup>k</sup>, k: so many epochs without progress</>, "here the cost stalls after a third"],
};

interface Curves {
  curves: { name: string; rates: number[] }[];
}

export function DecayLesson() {
  const [settings, change] = useSettings("decay", DEFAULTS);
  const { alpha, epochs, own, decay, every, chosen, log } = settings;
  const query = { alpha, epochs, every, ...(!own && { decay }) };
  const { data, error, reload } = useLoad(asked(query), () => play.compute<Curves>("decay", query));
  const named = (data?.curves ?? []).map(({ name }) => [name, words(name)] as const);
  const needs = { staircase: ` --decay-every ${every}`, plateau: ` --decay-every ${every}`, manual: ` --rates 1=${alpha},${Math.floor(epochs / 3) + 1}=${short(alpha / 3, 3)}` }[chosen] ?? "";
  const set = !own && ["inverse", "exponential", "square_root", "staircase", "plateau"].includes(chosen) ? ` --decay ${decay}` : "";
  return (
    <>
      <Card title="A run">
        <div class="play-row">
          <Slider label={<>First rate α<sub>0</sub></>} value={alpha} set={(alpha) => change({ alpha })} min={0.001} max={1} log format={(value) => short(value, 2)} />
          <Slider label="Epochs" value={epochs} set={(epochs) => change({ epochs })} min={5} max={300} step={5} />
          <Slider label="Steps every" value={every} set={(every) => change({ every })} min={1} max={50} format={(every) => `${every} epochs`} />
          <Toggle label="Own decay each" on={own} set={(own) => change({ own })} />
          {!own && <NumberField label="Decay" value={decay} set={(decay) => change({ decay })} min={0} max={100} step="any" />}
          <Toggle label="Log scale" on={log} set={(log) => change({ log })} />
        </div>
      </Card>
      {error && <Failure error={error} retry={reload} />}
      {data === null ? (
        !error && <Loading lines={6} />
      ) : (
        <>
          <Card title="Learning rate by epoch" note="Press a name to hide or show its curve.">
            <Plot
              title="Learning rate by epoch"
              x={data.curves[0]!.rates.map((_, i) => i + 1)}
              xName="epoch"
              height={320}
              log={log}
              lines={data.curves.map((curve, i) => ({ name: words(curve.name), colour: COLOURS[i % COLOURS.length]!, y: curve.rates, format: (value) => short(value, 3), ...(i >= 5 && { dash: [6, 4] }) }))}
            />
          </Card>
          <Card title="Formulas" note="Epochs count from 1; progress is the share of the run that is done.">
            <div class="scroll" tabIndex={0} role="region" aria-label="Formulas of the schedules">
              <table>
                <thead>
                  <tr>
                    <th>Schedule</th>
                    <th>Formula</th>
                    <th />
                    <th class="r">First epoch</th>
                    <th class="r">Last epoch</th>
                  </tr>
                </thead>
                <tbody>
                  {data.curves.map((curve) => (
                    <tr key={curve.name}>
                      <td>{words(curve.name)}</td>
                      <td class="wide math">{FORMULAS[curve.name]?.[0]}</td>
                      <td class="muted">{FORMULAS[curve.name]?.[1]}</td>
                      <td class="r">{number(curve.rates[0], 3)}</td>
                      <td class="r">{number(curve.rates.at(-1), 3)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </Card>
        </>
      )}
      <Card title="On real data, in a terminal" side={named.length > 0 && <Select label={<span class="hidden">Schedule</span>} value={chosen} options={named} set={(chosen) => change({ chosen })} />}>
        <Command text={`thalweg train sample:digits --layers 32 --recipe course --learning-rate ${alpha} --schedule ${chosen}${set}${needs} --epochs ${epochs}`} />
      </Card>
    </>
  );
}
