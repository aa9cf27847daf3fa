// Grid against random search, where one of two hyperparameters matters.

import { number } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { Card, Command, Failure, Loading } from "../parts/ui.tsx";
import { asked, play, type Search, type Trial } from "./api.ts";
import { Formula, Seed, Slider } from "./controls.tsx";
import { useSettings } from "./settings.ts";

const DEFAULTS = { side: 5, seed: 2 };
const [SIZE, LEFT, BOTTOM, TOP] = [320, 46, 40, 10];

export function SearchLesson() {
  const [settings, change] = useSettings("search", DEFAULTS);
  const { side, seed } = settings;
  const { data, error, loading, reload } = useLoad(asked(settings), () => play.compute<Search>("search", settings));
  const trials = side * side;
  return (
    <>
      <Card title="As many trials for both" note="Each trial trains a small network on the moons with Adam for 20 epochs. The learning rate α matters, Adam’s ε hardly does; a search does not know that beforehand. With most seeds, not with all, random search finds the better one.">
        <div class="play-row">
          <Slider label="Trials" value={side} set={(side) => change({ side })} min={2} max={6} format={(side) => `${side} × ${side} = ${side * side}`} />
          <Seed seed={seed} set={(seed) => change({ seed })} />
        </div>
      </Card>
      {error && <Failure error={error} retry={reload} />}
      {data === null ? (
        !error && <Loading lines={8} />
      ) : (
        <div class={`pair ${loading ? "fading" : ""}`} aria-busy={loading}>
          <Trials title="Grid" trials={data.grid} ranges={data.ranges} note={`${side} values of α, each tried ${side} times.`} />
          <Trials title="Random" trials={data.random} ranges={data.ranges} note={`${trials} values of α, each tried once.`} />
        </div>
      )}
      <Card title="Where numbers are drawn">
        <dl class="play-formulas">
          <Formula title="Learning rate">r from U(−4, 0), α = 10<sup>r</sup>: as many trials from 0.001 to 0.01 as from 0.1 to 1</Formula>
          <Formula title="β of an average">r from U(−3, −1), β = 1 − 10<sup>r</sup>: 0.9 to 0.999, with many close to 1</Formula>
          <Formula plain title="From coarse to fine">search again in a smaller region around the best</Formula>
        </dl>
      </Card>
      {data && (
        <Card title="In a terminal" note="Random search over the same two, judged on dev by folds. The samplers tpe, gp and coarse_to_fine learn from the trials before; grid is there, too.">
          <Command text={data.command} />
        </Card>
      )}
    </>
  );
}

function Trials({ title, trials, ranges, note }: { title: string; trials: Trial[]; ranges: Search["ranges"]; note: string }) {
  const known = trials.filter((trial) => trial.loss !== null);
  const best = known.reduce<Trial | null>((best, trial) => (best === null || trial.loss! < best.loss! ? trial : best), null);
  const losses = known.map((trial) => trial.loss!);
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  const share = (value: number, [from, to]: [number, number]) => (Math.log10(value) - from) / (to - from);
  const x = (trial: Trial) => LEFT + share(trial.alpha, ranges.alpha) * (SIZE - LEFT - 10);
  const y = (trial: Trial) => SIZE - BOTTOM - share(trial.epsilon, ranges.epsilon) * (SIZE - BOTTOM - TOP);
  const ticks = (range: [number, number]) => Array.from({ length: range[1] - range[0] + 1 }, (_, i) => range[0] + i);
  const words = best ? `${title}: the best of ${trials.length} trials has loss ${number(best.loss, 3)} at α ${number(best.alpha, 2)}` : title;
  return (
    <Card title={title} note={note} side={best && <span class="gap">best loss <b>{number(best.loss, 3)}</b> at α = {number(best.alpha, 2)}</span>}>
      <svg class="trials" viewBox={`0 0 ${SIZE} ${SIZE}`} role="img" aria-label={words}>
        {ticks(ranges.alpha).map((power) => {
          const at = LEFT + ((power - ranges.alpha[0]) / (ranges.alpha[1] - ranges.alpha[0])) * (SIZE - LEFT - 10);
          return (
            <g key={power}>
              <path class="grid" d={`M${at} ${TOP}V${SIZE - BOTTOM}`} />
              <text x={at} y={SIZE - BOTTOM + 20} class="middle">
                {number(10 ** power, 1)}
              </text>
            </g>
          );
        })}
        {ticks(ranges.epsilon).map((power) => {
          const at = SIZE - BOTTOM - ((power - ranges.epsilon[0]) / (ranges.epsilon[1] - ranges.epsilon[0])) * (SIZE - BOTTOM - TOP);
          return (
            <g key={power}>
              <path class="grid" d={`M${LEFT} ${at}H${SIZE - 10}`} />
              <text x={LEFT - 8} y={at + 4} class="end">
                10{String(power).replace(/./g, (c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)]!))}
              </text>
            </g>
          );
        })}
        {trials.map((trial, i) => (
          <g key={i}>
            <path class="rug" d={`M${x(trial)} ${SIZE - BOTTOM}v7`} />
            <circle
              cx={x(trial)}
              cy={y(trial)}
              r={trial === best ? 8 : 6}
              class={trial === best ? "best" : ""}
              style={{ "--share": `${trial.loss === null ? 0 : Math.round(100 - (88 * (trial.loss - low)) / Math.max(1e-12, high - low))}%` }}
            >
              <title>{`α ${number(trial.alpha, 3)}, ε ${number(trial.epsilon, 2)}: loss ${number(trial.loss, 4)}`}</title>
            </circle>
          </g>
        ))}
        <text x={(SIZE + LEFT) / 2} y={SIZE - 3} class="middle name">
          learning rate α
        </text>
        <text x={2} y={(SIZE - BOTTOM + TOP) / 2} class="name">
          ε
        </text>
      </svg>
      <p class="muted small">The fuller the colour, the lower the loss; the strokes below are the values of α that were tried.</p>
    </Card>
  );
}
