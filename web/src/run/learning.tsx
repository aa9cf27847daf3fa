// Learning curves: cost and loss, the metric on dev, the learning rate, and where the time goes.

import { useState } from "preact/hooks";

import type { Run } from "../api.ts";
import { capital, duration, fixed, metricValue, number, percent, short } from "../format.ts";
import { Plot, suitsLog, type Line, type Mark } from "../parts/plot.tsx";
import { Smoothing } from "../parts/smoothing.tsx";
import { Button, Card, Empty, Toggle } from "../parts/ui.tsx";
import { lastOf, smooth, zoomTo, type Value } from "../series.ts";
import { Findings } from "./findings.tsx";
import type { Live } from "./live.ts";

export function Learning({ run, live }: { run: Run; live: Live }) {
  const { curves, range, zoom } = live;
  const [beta, setBeta] = useState(0);
  const [log, setLog] = useState<boolean | null>(null);
  const [metric, setMetric] = useState<string | null>(null);
  if (curves === null || curves.epochs.length === 0) {
    return (
      <>
        <Findings run={run} />
        {run.status === "running" ? (
          <Empty title="The first epoch is on its way">
            <p>The curves begin when it ends.</p>
          </Empty>
        ) : (
          <Empty title="No epoch came to its end">
            <p>There are no curves to draw.</p>
          </Empty>
        )}
      </>
    );
  }
  const { epochs } = curves;
  const limits = [1, Math.max(2, curves.total_epochs ?? 0)] as const;
  const lines = (name: string, colour: string, y: readonly Value[], format?: (value: number) => string): Line[] => {
    if (!y.some((value) => value !== null)) return [];
    const line = { name, colour, y, ...(format && { format }) };
    return beta > 0 ? [{ ...line, faint: true }, { ...line, y: smooth(epochs, y, beta) }] : [line];
  };
  const losses = [...lines("train cost", "train", curves.cost), ...lines("dev loss", "dev", curves.dev_loss)];
  const asLog = log ?? suitsLog(losses);
  const metrics = Object.keys(curves.dev).filter((name) => curves.dev[name]!.some((value) => value !== null));
  const watched = [metric, run.headline?.name, "accuracy", "rmse"].find((name) => name && metrics.includes(name)) ?? metrics[0];
  const label = (name: string) => run.metric_names[name]?.label ?? name;
  const common = {
    x: epochs,
    xName: "epoch",
    group: `epochs ${run.id}`,
    marks: marks(run, curves.best_epoch),
    zoom: (from: number, to: number) => zoom(zoomTo(from, to, limits)),
    reset: () => zoom(null),
  };
  const dev = lastOf(curves.dev_loss);
  const gap = dev && typeof curves.cost[dev.at] === "number" ? dev.value - curves.cost[dev.at]! : null;
  return (
    <>
      <Findings run={run} />
      <div class="controls">
        <Smoothing beta={beta} set={setBeta} unit="epochs" />
        <Toggle label="Log scale" on={asLog} set={setLog} />
        {range && (
          <Button icon="reset" onClick={() => zoom(null)}>
            Epochs {range[0]} to {range[1]}: show all
          </Button>
        )}
        <span class="hint">Drag over a chart to zoom in; double-click to zoom out.</span>
      </div>
      <div class="pair">
        <Card
          title="Cost and loss"
          side={
            gap !== null && (
              <span class="gap" title="Dev loss minus train cost, at the last epoch shown. The cost has any dropout and L2 term in it.">
                gap <b>{gap > 0 ? "+" : ""}{number(gap, 3)}</b>
              </span>
            )
          }
        >
          <Plot {...common} title="Cost and loss by epoch" lines={losses} log={asLog} between={["train cost", "dev loss"]} />
        </Card>
        {watched && (
          <Card
            title={`Dev ${label(watched)}`}
            side={
              <select aria-label="Metric" value={watched} onChange={(event) => setMetric(event.currentTarget.value)}>
                {metrics.map((name) => (
                  <option key={name} value={name}>
                    {capital(label(name))}
                  </option>
                ))}
              </select>
            }
          >
            <Plot
              {...common}
              title={`Dev ${label(watched)} by epoch`}
              lines={lines(`dev ${label(watched)}`, "dev", curves.dev[watched]!, (value) => metricValue(watched, value))}
              yFormat={(value) => (watched === "accuracy" || watched === "mape" ? `${short(value * 100, 4)} %` : short(value, 4))}
            />
          </Card>
        )}
        <Card title="Learning rate">
          <Plot {...common} title="Learning rate by epoch" height={170} lines={[{ name: "learning rate", colour: "train", y: curves.learning_rate }]} />
        </Card>
        {curves.phases && <Phases phases={curves.phases} common={common} />}
      </div>
    </>
  );
}

function marks(run: Run, best: number | null): Mark[] {
  const resumed = run.resumed.map((epoch) => ({ x: epoch, text: `resumed after ${epoch}` }));
  return [...(best === null ? [] : [{ x: best, text: `best epoch ${best}` }]), ...resumed];
}

const PHASES: Record<string, [colour: string, name: string]> = {
  data: ["layer-7", "loading data"],
  compute: ["train", "forward and backward"],
  update: ["layer-2", "updates"],
  dev: ["dev", "measuring dev"],
};

/** Epochs of small networks take less than a millisecond. */
const brief = (seconds: number) => (seconds > 0 && seconds < 0.0095 ? `${short(1e3 * seconds, 2)}\u00a0ms` : duration(seconds));

type Common = Pick<Parameters<typeof Plot>[0], "x" | "xName" | "group" | "marks" | "zoom" | "reset">;

function Phases({ phases, common }: { phases: Record<string, Value[]>; common: Common }) {
  const parts = Object.entries(phases).map(([key, y]) => {
    const [colour, name] = PHASES[key] ?? ["muted", key];
    return { colour, name, y, total: y.reduce((sum: number, value) => sum + (value ?? 0), 0) };
  });
  const total = parts.reduce((sum, part) => sum + part.total, 0);
  if (!(total > 0)) return null;
  return (
    <Card title="Time per phase" side={<span class="muted">of an epoch</span>}>
      <div class="stack" aria-hidden="true">
        {parts.map((part) => (
          <i key={part.name} style={{ flex: (100 * part.total) / total, background: `var(--${part.colour})` }} title={`${capital(part.name)} ${percent(part.total / total)}`} />
        ))}
      </div>
      <Plot
        {...common}
        title="Time per phase by epoch"
        height={138}
        lines={parts.map(({ name, colour, y, total: part }) => ({
          name: `${name} ${fixed((100 * part) / total, 0)} %`,
          colour,
          y,
          format: brief,
        }))}
        yFormat={brief}
      />
    </Card>
  );
}
