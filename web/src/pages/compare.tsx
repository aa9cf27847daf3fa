// Runs beside one another: curves, configuration, metrics, and whether differences are chance.

import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import uPlot from "uplot";

import { api, streamOf, type Comparison, type Curves, type Metric, type PairedTest, type Part, type Row } from "../api.ts";
import { capital, duration, fixed, metricValue, number, plural, short } from "../format.ts";
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

function Swatch({ at }: { at: number }) {
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

/** A table with a column for each run. */
function SideBySide({ label, first, runs, children }: { label: string; first: string; runs: Row[]; children: ComponentChildren }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table class="side-by-side">
        <thead>
          <tr>
            <th scope="col">{first}</th>
            {runs.map((row, at) => (
              <th key={row.id} class="r" scope="col" title={row.id}>
                <Swatch at={at} />
                <span class="run-name">{row.id}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

function MetricsTable({ comparison }: { comparison: Comparison }) {
  const { runs, metrics } = comparison;
  const splits = (["test", "dev", "train"] as const).filter((split) => metrics.some((row) => row.split === split));
  const [chosen, choose] = useState<Part>("test");
  const split = splits.includes(chosen) ? chosen : splits[0];
  if (split === undefined) return null;
  return (
    <Card
      title="Metrics"
      note="The best of each row is bold; below, 95 % intervals."
      side={<Choice label="Part of the data" value={split} choose={choose} options={splits.map((one) => [one, capital(one)] as const)} />}
    >
      <SideBySide label="Metrics" first="Metric" runs={runs}>
        {metrics.filter((row) => row.split === split).map((row) => {
          const best = bestOf(row.values, row.higher_is_better);
          return (
            <tr key={`${row.split} ${row.name}`}>
              <th scope="row">
                {capital(row.label)}
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
      </SideBySide>
    </Card>
  );
}

function bestOf(values: (Metric | null)[], higher: boolean): number | null {
  const known = values.flatMap((metric) => (typeof metric?.value === "number" ? [metric.value] : []));
  if (known.length < 2) return null;
  return higher ? Math.max(...known) : Math.min(...known);
}

/** Two runs on the same rows. */
function Paired({ comparison }: { comparison: Comparison }) {
  const { paired, runs } = comparison;
  if (!paired) return null;
  const title = "Is the difference chance?";
  if (!("tests" in paired)) return <Card title={title}><p class="muted">{capital(paired.note)}</p></Card>;
  return (
    <Card title={title} note={`Both models answer the ${plural(paired.rows, "row")} that neither was trained on: what B, ${runs[1]?.id}, has more than A, ${runs[0]?.id}, with 95 % intervals.`}>
      <p class="verdict">{capital(paired.text)}</p>
      <div class="scroll" tabIndex={0} role="region" aria-label="Paired differences">
        <table class="paired">
          <thead>
            <tr>
              <th scope="col">Metric</th>
              <th scope="col" class="r">B − A</th>
              <th scope="col" class="r">95 % interval</th>
              <th scope="col" class="interval-plot">B worse, B better</th>
            </tr>
          </thead>
          <tbody>
            {paired.tests.map((test) => (
              <tr key={test.metric}>
                <th scope="row">{capital(test.label)}</th>
                <td class="r">{signed(test.metric, test.difference)}</td>
                <td class="r">
                  {signed(test.metric, test.low)} to {signed(test.metric, test.high)}
                </td>
                <td class="interval-plot">
                  <IntervalPlot test={test} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {paired.mcnemar_p !== null && <p class="muted">McNemar’s test of the rows that only one of them has right: p = {paired.mcnemar_p < 0.001 ? "below 0.001" : fixed(paired.mcnemar_p, 3)}.</p>}
    </Card>
  );
}

function signed(metric: string, value: number | null): string {
  return (value !== null && value > 0 ? "+" : "") + (metric === "accuracy" && value !== null ? `${fixed(100 * value, 1)}\u00a0points` : number(value, 3));
}

/** Better to the right, each metric on its own scale. */
function IntervalPlot({ test: { difference, low, high, higher_is_better } }: { test: PairedTest }) {
  if (difference === null || low === null || high === null) return null;
  const most = Math.max(1e-12, Math.abs(low), Math.abs(high), Math.abs(difference));
  const at = (value: number) => 80 + ((higher_is_better ? value : -value) / most) * 74;
  const sure = low > 0 || high < 0;
  return (
    <svg viewBox="0 0 160 20" width="160" height="20" class={sure ? "sure" : ""} aria-hidden="true">
      <path class="axis" d="M80 1v18" />
      <path class="whisker" d={`M${at(low)} 10H${at(high)}`} />
      <circle cx={at(difference)} cy="10" r="4" />
    </svg>
  );
}

function Differences({ comparison }: { comparison: Comparison }) {
  const { runs, configuration } = comparison;
  return (
    <Card title="Configuration" note={configuration.length > 0 ? "The options in which the runs differ; auto is what was left open." : undefined}>
      {configuration.length === 0 ? (
        <p class="muted">The runs have the same options.</p>
      ) : (
        <SideBySide label="Options that differ" first="Option" runs={runs}>
          {configuration.map((option) => (
            <tr key={option.key}>
              <th scope="row">
                <code>{option.key}</code>
              </th>
              {option.values.map((value, at) => (
                <td key={at} class="r">
                  {value === null ? <span class="muted">auto</span> : <code>{value}</code>}
                </td>
              ))}
            </tr>
          ))}
        </SideBySide>
      )}
    </Card>
  );
}
