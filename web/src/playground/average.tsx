// The exponentially weighted average, with and without bias correction.

import { number } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { Plot } from "../parts/plot.tsx";
import { Card, Command, Failure, Loading } from "../parts/ui.tsx";
import { asked, play, type Average } from "./api.ts";
import { Formula, Seed, Slider } from "./controls.tsx";
import { useSettings } from "./settings.ts";

const DEFAULTS = { beta: 0.9, days: 365, noise: 3, seed: 0 };
/** Days whose numbers are written out. */
const DAYS = [1, 2, 3, 5, 10, 20, 50];

export function AverageLesson() {
  const [settings, change] = useSettings("average", DEFAULTS);
  const { beta, days, noise, seed } = settings;
  const { data, error, reload } = useLoad(asked(settings), () => play.compute<Average>("average", settings));
  const window = 1 / (1 - beta);
  return (
    <>
      <Card title="A year of temperatures" note="Each day’s temperature is θ; the average v leans on the days before.">
        <div class="play-row">
          <Slider label="β" value={beta} set={(beta) => change({ beta })} min={0} max={0.99} step={0.01} format={(beta) => `${beta}, about ${number(1 / (1 - beta), 2)} days`} />
          <Slider label="Days" value={days} set={(days) => change({ days })} min={30} max={730} step={5} />
          <Slider label="Noise" value={noise} set={(noise) => change({ noise })} min={0} max={10} step={0.5} />
          <Seed seed={seed} set={(seed) => change({ seed })} />
        </div>
      </Card>
      {error && <Failure error={error} retry={reload} />}
      {data === null ? (
        !error && <Loading lines={6} />
      ) : (
        <>
          <Card title="Temperature and averages">
            <Plot
              title="Temperature and its averages by day"
              x={data.theta.map((_, i) => i + 1)}
              xName="day"
              height={300}
              lines={[
                { name: "θ", colour: "axis", y: data.theta },
                { name: "v", colour: "dev", y: data.plain, dash: [6, 4] },
                { name: "v, bias-corrected", colour: "train", y: data.corrected },
              ]}
            />
          </Card>
          <div class="pair">
            <Card title="Formulas">
              <dl class="play-formulas">
                <Formula title="Average" value={`v := ${number(beta, 2)} v + ${number(1 - beta, 2)} θ`}>
                  v<sub>t</sub> = β v<sub>t−1</sub> + (1 − β) θ<sub>t</sub>, v<sub>0</sub> = 0
                </Formula>
                <Formula title="Window" value={`${number(window, 3)} days`}>
                  about 1 / (1 − β) values
                </Formula>
                <Formula title="Bias correction" value={<>1 − β<sup>10</sup> = {number(1 - beta ** 10, 3)}</>}>
                  v<sub>t</sub> / (1 − β<sup>t</sup>): the first averages start from 0
                </Formula>
                <Formula title="Weight of an old day" value={<>β<sup>{Math.round(window)}</sup> = {number(beta ** Math.round(window), 2)}</>}>
                  β<sup>k</sup> after k days; after 1 / (1 − β) about 1 / e
                </Formula>
              </dl>
            </Card>
            <Card title="The first days">
              <div class="scroll" tabIndex={0} role="region" aria-label="The first days">
                <table>
                  <thead>
                    <tr>
                      <th class="r">t</th>
                      <th class="r">θ</th>
                      <th class="r">v</th>
                      <th class="r">1 − βᵗ</th>
                      <th class="r">corrected</th>
                    </tr>
                  </thead>
                  <tbody>
                    {DAYS.filter((t) => t <= days).map((t) => (
                      <tr key={t}>
                        <td class="r">{t}</td>
                        <td class="r">{number(data.theta[t - 1], 3)}</td>
                        <td class="r">{number(data.plain[t - 1], 3)}</td>
                        <td class="r">{number(1 - beta ** t, 3)}</td>
                        <td class="r">{number(data.corrected[t - 1], 3)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </Card>
          </div>
        </>
      )}
      <Card title="Of a network’s parameters, in a terminal" note="The same average over the steps of training; the averaged parameters are what is judged and saved. Momentum, RMSprop and Adam average gradients in the same way.">
        <Command text={`thalweg train sample:moons --layers 16 --average ${beta || 0.9} --epochs 200 --seed ${seed}`} />
      </Card>
    </>
  );
}
