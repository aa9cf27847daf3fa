// Runs beside one another: curves, configuration, metrics, and whether differences are chance.

import { useMemo, useState } from "preact/hooks";
import uPlot from "uplot";

import { api, streamOf, type Comparison, type Curves, type Metric, type Row } from "../api.ts";
import { capital, duration, fixed, metricValue, NONE, number, short } from "../format.ts";
import { useLoad, useStream, useThrottled, useTitle } from "../hooks.ts";
import { Parallel } from "../parts/parallel.tsx";
import { Plot, suitsLog, type Line } from "../parts/plot.tsx";
import { Smoothing } from "../parts/smoothing.tsx";
import { Card, Choice, Empty, Failure, Loading, StatusPill, Toggle } from "../parts/ui.tsx";
import { link } from "../router.ts";
import { smooth, type Value } from "../series.ts";
import { runColour } from "../theme.ts";

const POINTS = 600;

export function ComparePage({ ids }: { ids: string[] }) {
  useTitle("Compare");
  const key = ids.join(",");
  const { data, error, reload } = useLoad(`compare ${key}`, () => api.compare(ids));
  const curves = useLoad(`curves ${key}`, () => Promise.all(ids.map((id) => api.curves(id, POINTS).catch(() => null))));
  const again = useThrottled(() => {
    reload();
    curves.reload();
  }, 2000);
  if (ids.length < 2) {
    return (
      <Empty title="Nothing to compare">
        <p>
          Select two runs or more on <a href={link.runs()}>the list of runs</a>.
        </p>
      </Empty>
    );
  }
  if (data === null) return error ? <Failure error={error} retry={reload} /> : <Loading lines={8} />;
  return (
    <>
      <div class="page-head">
        <h1>Compare</h1>
      </div>
      {error && <Failure error={error} retry={reload} />}
      {data.runs.filter((row) => row.status === "running").map((row) => <Follow key={row.id} id={row.id} changed={again} />)}
      <Legend rows={data.runs} ids={ids} />
      {curves.data && <Overlay rows={data.runs} curves={curves.data} />}
      <MetricsTable comparison={data} />
      <Paired comparison={data} />
      <Parallel comparison={data} />
      <Differences comparison={data} />
    </>
  );
}

/** Follows a run that is still learning. */
function Follow({ id, changed }: { id: string; changed: () => void }) {
  useStream(streamOf(id), { epoch: changed, changed });
  return null;
}

export function Swatch({ at }: { at: number }) {
  const { colour, dash } = runColour(at);
  return <i class={`swatch ${dash.length > 0 ? "dashed" : ""}`} style={{ color: `var(--${colour})` }} aria-hidden="true" />;
}

function Legend({ rows, ids }: { rows: Row[]; ids: string[] }) {
  return (
    <ul class="compared">
      {rows.map((row, at) => (
        <li key={row.id}>
          <Swatch at={at} />
          <a href={link.run(row.id)}>{row.id}</a>
          {row.status !== "finished" && <StatusPill status={row.status} />}
          <span class="muted">{row.data}</span>
          {ids.length > 2 && (
            <a class="drop" href={link.compare(ids.filter((id) => id !== row.id))} aria-label={`Leave out ${row.id}`} title="Leave out">
              ×
            </a>
          )}
        </li>
      ))}
    </ul>
  );
}

function Overlay({ rows, curves }: { rows: Row[]; curves: (Curves | null)[] }) {
  const [what, choose] = useState("dev_loss");
  const [by, setBy] = useState<"epochs" | "seconds">("epochs");
  const [beta, setBeta] = useState(0);
  const [log, setLog] = useState<boolean | null>(null);
  const metrics = [...new Set(curves.flatMap((of) => (of ? Object.keys(of.dev) : [])))].sort();
  const series = (of: Curves): Value[] => (what === "cost" ? of.cost : what === "dev_loss" ? of.dev_loss : (of.dev[what] ?? []));
  const joined = useMemo(() => {
    const tables = curves.map((of): uPlot.AlignedData => {
      if (!of) return [[], []];
      const y = series(of);
      return [of[by], beta > 0 ? smooth(of.epochs, y, beta) : y.slice()];
    });
    // What only another run has at an x joins this one's neighbours; its own gaps stay.
    return uPlot.join(tables, tables.map((table) => table.map(() => 1)));
  }, [curves, what, by, beta]);
  const percent = what === "accuracy" || what === "mape";
  const lines = rows.map((row, at): Line => {
    const { colour, dash } = runColour(at);
    // `undefined` bridges, `null` is a gap: the plot keeps them apart.
    const y = (joined[at + 1] ?? []) as Value[];
    return { name: row.id, colour, dash, y, format: (value) => (what === "cost" || what === "dev_loss" ? number(value, 3) : metricValue(what, value)) };
  });
  const asLog = log ?? suitsLog(lines);
  const name = (metric: string) => METRICS[metric] ?? metric.replace(/_/g, " ");
  return (
    <Card
      title="Learning curves"
      side={
        <div class="side">
          <select aria-label="What to draw" value={what} onChange={(event) => choose(event.currentTarget.value)}>
            <option value="dev_loss">Dev loss</option>
            <option value="cost">Train cost</option>
            {metrics.map((metric) => (
              <option key={metric} value={metric}>
                Dev {name(metric)}
              </option>
            ))}
          </select>
          <Choice
            label="Horizontal axis"
            value={by}
            choose={setBy}
            options={[
              ["epochs", "by epoch"],
              ["seconds", "by time"],
            ]}
          />
        </div>
      }
    >
      <div class="controls">
        <Smoothing beta={beta} set={setBeta} unit="epochs" />
        <Toggle label="Log scale" on={asLog} set={setLog} />
      </div>
      <Plot
        title={`${what === "cost" ? "Train cost" : what === "dev_loss" ? "Dev loss" : `Dev ${name(what)}`} of each run`}
        x={joined[0] as number[]}
        xName={by === "epochs" ? "epoch" : "after"}
        {...(by === "seconds" && { xFormat: duration })}
        lines={lines}
        log={asLog}
        height={320}
        yFormat={(value) => (percent ? `${short(100 * value, 4)} %` : short(value, 3))}
      />
    </Card>
  );
}

const METRICS: Record<string, string> = {
  log_loss: "log loss",
  roc_auc: "ROC AUC",
  pr_auc: "PR AUC",
  f1_macro: "F1 (macro)",
  brier: "Brier score",
  ece: "calibration error",
  rmse: "RMSE",
  mae: "MAE",
  r2: "R²",
  mape: "MAPE",
};

function RunHeads({ rows }: { rows: Row[] }) {
  return (
    <>
      {rows.map((row, at) => (
        <th key={row.id} class="r" scope="col" title={row.id}>
          <Swatch at={at} />
          <span class="run-name">{row.id}</span>
        </th>
      ))}
    </>
  );
}

function MetricsTable({ comparison }: { comparison: Comparison }) {
  const { runs, metrics } = comparison;
  if (metrics.length === 0) return null;
  return (
    <Card title="Metrics" note="The best of each row is bold; below, 95 % intervals.">
      <div class="scroll" tabIndex={0} role="region" aria-label="Metrics">
        <table class="side-by-side">
          <thead>
            <tr>
              <th scope="col">Metric</th>
              <RunHeads rows={runs} />
            </tr>
          </thead>
          <tbody>
            {metrics.map((row) => {
              const best = bestOf(row.values, row.higher_is_better);
              return (
                <tr key={`${row.split} ${row.name}`}>
                  <th scope="row">
                    <i class={`dot ${row.split}`} />
                    {capital(row.split)} {row.label.replace(/^[A-Z](?=[a-z])/, (c) => c.toLowerCase())}
                  </th>
                  {row.values.map((metric, at) => (
                    <td key={at} class={`r ${metric?.value === best ? "best" : ""}`}>
                      {metricValue(row.name, metric?.value)}
                      {metric && metric.low !== null && metric.high !== null && (
                        <small>
                          {metricValue(row.name, metric.low)} – {metricValue(row.name, metric.high)}
                        </small>
                      )}
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function bestOf(values: (Metric | null)[], higher: boolean): number | null {
  const known = values.flatMap((metric) => (typeof metric?.value === "number" ? [metric.value] : []));
  if (known.length < 2) return null;
  return higher ? Math.max(...known) : Math.min(...known);
}

function Paired({ comparison }: { comparison: Comparison }) {
  const { paired } = comparison;
  if (!paired) return null;
  const most = Math.max(1e-12, ...paired.tests.flatMap((test) => [test.low, test.high, test.difference].map((value) => Math.abs(value ?? 0))));
  const at = (value: number) => 100 + (value / most) * 92;
  return (
    <Card title="Is the difference chance?" note={paired.note}>
      {paired.tests.length === 0 ? (
        <p class="muted">There is nothing to test.</p>
      ) : (
        <ul class="paired">
          {paired.tests.map((test) => (
            <li key={`${test.a} ${test.b} ${test.metric}`}>
              <p>{test.text}</p>
              {test.low !== null && test.high !== null && test.difference !== null && (
                <svg viewBox="0 0 200 24" role="img" aria-label={`Difference ${number(test.difference, 3)}, 95 % interval ${number(test.low, 3)} to ${number(test.high, 3)}`}>
                  <path class="axis" d="M100 2v20" />
                  <path class="whisker" d={`M${at(test.low)} 12H${at(test.high)}M${at(test.low)} 8v8M${at(test.high)} 8v8`} />
                  <circle cx={at(test.difference)} cy="12" r="4" />
                </svg>
              )}
              <span class="muted">p = {test.p === null ? NONE : test.p < 0.001 ? "below 0.001" : fixed(test.p, 3)}</span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function Differences({ comparison }: { comparison: Comparison }) {
  const { runs, configuration } = comparison;
  return (
    <Card title="Configuration" note={configuration.length > 0 ? "The options in which the runs differ." : undefined}>
      {configuration.length === 0 ? (
        <p class="muted">The runs have the same options.</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Options that differ">
          <table class="side-by-side">
            <thead>
              <tr>
                <th scope="col">Option</th>
                <RunHeads rows={runs} />
              </tr>
            </thead>
            <tbody>
              {configuration.map((option) => (
                <tr key={option.key}>
                  <th scope="row">
                    <code>{option.key}</code>
                  </th>
                  {option.values.map((value, at) => (
                    <td key={at} class="r">
                      <code>{value === null || value === "" ? NONE : String(value)}</code>
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}
