// Play, pause and step, with how far training is.

import { count, number, percent, short } from "../format.ts";
import { Button, Choice } from "../parts/ui.tsx";
import type { Begun, Snapshot } from "./api.ts";
import type { Training } from "./training.ts";

const PACES = [["1", "Slow"], ["20", "Steady"], ["100", "Fast"], ["400", "Fastest"]] as const;

/** How the metric is written. */
export const metricFormat = (begun: Begun) => (begun.metric === "accuracy" ? percent : (value: number) => number(value, 3));

export function Transport({ training, begun, now, pace, setPace }: { training: Training; begun: Begun; now: Snapshot; pace: string; setPace: (pace: string) => void }) {
  const { playing } = training;
  const format = metricFormat(begun);
  const name = begun.metric === "accuracy" ? "accuracy" : "error";
  return (
    <section class="strip play-strip" aria-label="Training">
      <div class="bar">
        <i style={{ width: `${(100 * now.epoch) / begun.epochs}%` }} />
      </div>
      <div class="play-transport">
        <div class="buttons">
          <Button kind="primary" icon={playing ? "pause" : "play"} disabled={now.done} onClick={playing ? training.pause : training.start}>
            {playing ? "Pause" : "Play"}
          </Button>
          <Button disabled={playing || now.done} onClick={() => training.step(1)}>
            One step
          </Button>
          <Button disabled={playing || now.done} onClick={() => training.step(begun.steps_per_epoch)}>
            One epoch
          </Button>
          <Button icon="reset" disabled={now.step === 0} onClick={training.reset}>
            Reset
          </Button>
        </div>
        <Choice label="Pace" value={pace} options={PACES} choose={setPace} />
      </div>
      <dl class="figures">
        <Figure name="Epoch" value={count(now.epoch)} more={`of ${count(begun.epochs)}`} />
        <Figure name="Step" value={count(now.step)} more={`α ${short(now.learning_rate, 3)}`} />
        <Figure name="Train loss" value={number(now.loss.train, 3)} />
        <Figure name="Test loss" value={number(now.loss.test, 3)} />
        <Figure name={`Train ${name}`} value={now.metric_value.train === null ? "–" : format(now.metric_value.train)} />
        <Figure name={`Test ${name}`} value={now.metric_value.test === null ? "–" : format(now.metric_value.test)} />
      </dl>
      {now.diverged && (
        <p class="wrong" role="alert">
          {now.diverged.message}. {now.diverged.remedy}
        </p>
      )}
    </section>
  );
}

function Figure({ name, value, more }: { name: string; value: string; more?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <b>{value}</b> {more && <small>{more}</small>}
      </dd>
    </div>
  );
}
