// A run: how it does, how it learns, what it answers, how it was made.

import { useEffect, useRef, useState } from "preact/hooks";

import { api, type Part, type Progress, type Run } from "../api.ts";
import { capital, count, duration, fixed, metricValue, NONE, number, plural } from "../format.ts";
import { useTitle } from "../hooks.ts";
import { pace } from "../series.ts";
import { DeleteDialog, LabelsDialog } from "../parts/labels.tsx";
import { announce, Button, complain, Empty, Failure, Icon, Loading, STATUS, StatusPill } from "../parts/ui.tsx";
import { link } from "../router.ts";
import { AnswersTab } from "../run/answers.tsx";
import { Configuration } from "../run/configuration.tsx";
import { Learning } from "../run/learning.tsx";
import { useLive, type Live } from "../run/live.ts";
import { Network } from "../run/network.tsx";
import { ReportTab } from "../run/report.tsx";

const TABS = [
  ["learning", "Learning"],
  ["network", "Network"],
  ["answers", "Answers"],
  ["configuration", "Configuration"],
  ["report", "Report"],
] as const;

export function RunPage({ id, tab, writable }: { id: string; tab: string; writable: boolean }) {
  useTitle(id);
  const live = useLive(id);
  const { data: run, error, reload } = live.run;
  const status = run?.status;
  const before = useRef(status);
  useEffect(() => {
    if (before.current && status && before.current !== status) announce(`${id}: ${STATUS[status].toLowerCase()}`);
    before.current = status;
  }, [status]);
  if (run === null && error?.status === 404) {
    return (
      <Empty title="There is no such run">
        <p>
          {id} is not in this folder. <a href={link.runs()}>All runs</a>
        </p>
      </Empty>
    );
  }
  if (run === null) return error ? <Failure error={error} retry={reload} /> : <Loading lines={8} />;
  return (
    <>
      {error && <Failure error={error} retry={reload} />}
      <Head run={run} live={live} writable={writable} />
      {run.status === "running" ? <Strip run={run} live={live} progress={live.progress} /> : <Unfinished run={run} />}
      {run.status !== "running" && tab !== "report" && <Tiles run={run} brief={tab !== "learning"} />}
      <Tabs id={id} tab={tab} hasModel={run.has_model} />
      <div class="tab">
        <Tab tab={tab} run={run} live={live} />
      </div>
    </>
  );
}

function Tab({ tab, run, live }: { tab: string; run: Run; live: Live }) {
  switch (tab) {
    case "network":
      return <Network run={run} scales={live.scales} />;
    case "answers":
      return <AnswersTab run={run} />;
    case "configuration":
      return <Configuration run={run} />;
    case "report":
      return <ReportTab run={run} />;
    default:
      return <Learning run={run} live={live} />;
  }
}

export function Tabs({ id, tab, hasModel }: { id: string; tab: string; hasModel: boolean }) {
  const nav = useRef<HTMLElement>(null);
  // Where not all fit, the current one is in sight.
  useEffect(() => {
    const current = nav.current?.querySelector<HTMLElement>("[aria-current]");
    if (current) nav.current!.scrollLeft = current.offsetLeft - nav.current!.offsetLeft - 40;
  }, [tab]);
  return (
    <nav class="tabs" aria-label="Parts of the run" ref={nav}>
      {TABS.map(([key, name]) => (
        <a key={key} href={link.run(id, key)} aria-current={key === tab ? "page" : undefined}>
          {name}
        </a>
      ))}
      {hasModel && (
        <a href={link.attempt(id)} aria-current={tab === "try" ? "page" : undefined}>
          Try it
        </a>
      )}
    </nav>
  );
}

function Head({ run, live, writable }: { run: Run; live: Live; writable: boolean }) {
  const [dialog, open] = useState<"labels" | "delete" | null>(null);
  const [busy, setBusy] = useState(false);
  const act = async (action: () => Promise<unknown>, said: string) => {
    setBusy(true);
    try {
      await action();
      announce(said);
      live.run.reload();
    } catch (error) {
      complain(error);
    }
    setBusy(false);
  };
  const running = run.status === "running";
  return (
    <div class="run-head">
      <a class="back" href={link.runs()}>
        <Icon name="back" />
        Runs
      </a>
      <div class="run-title">
        <h1>{run.id}</h1>
        <StatusPill status={run.status} />
        {run.tags.map((tag) => (
          <span key={tag} class="tag">
            {tag}
          </span>
        ))}
        <span class="spring" />
        {writable && (
          <div class="buttons">
            {running && (
              <Button icon="stop" kind="danger" disabled={busy} onClick={() => act(() => api.stop(run.id), "Stopping: the checkpoint is kept")}>
                Stop
              </Button>
            )}
            {run.can_resume && !running && (
              <Button icon="play" kind="primary" disabled={busy} onClick={() => act(() => api.resume(run.id), "Resuming from the last checkpoint")}>
                Resume
              </Button>
            )}
            <Button icon="pen" aria-label="Tags and notes" onClick={() => open("labels")} />
            <Button icon="trash" aria-label="Delete the run" disabled={running} onClick={() => open("delete")} />
          </div>
        )}
      </div>
      {run.notes && <p class="run-notes">{run.notes}</p>}
      <dl class="about">
        <Fact name="Data">{run.data}</Fact>
        <Fact name="Task">{task(run)}</Fact>
        {PARTS.some((part) => run.examples[part] > 0) && (
          <Fact name="Rows">
            <Split examples={run.examples} />
          </Fact>
        )}
        <Fact name="Parameters">{count(run.parameters)}</Fact>
        {!running && (
          <>
            <Fact name="Epochs">
              {count(run.epoch)}
              {run.best_epoch !== null && <span class="muted"> best {count(run.best_epoch)}</span>}
            </Fact>
            <Fact name="Time">{duration(run.seconds)}</Fact>
          </>
        )}
        {run.reason && <Fact name="Ended because">{run.reason}</Fact>}
      </dl>
      {dialog === "labels" && <LabelsDialog row={run} known={[]} close={() => open(null)} saved={live.run.reload} />}
      {dialog === "delete" && <DeleteDialog runs={[run]} close={() => open(null)} deleted={() => (location.hash = link.runs())} />}
    </div>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function task(run: Run): string {
  const targets = run.targets.join(", ");
  switch (run.task) {
    case "regression":
      return `Regression of ${targets}`;
    case "binary":
      return `${targets}: ${run.classes.join(" or ")}`;
    case "multiclass":
      return `${targets}: one of ${count(run.classes.length)} classes`;
    case "multilabel":
      return `${targets}: any of ${count(run.classes.length)} labels`;
    default:
      return run.task;
  }
}

const PARTS: Part[] = ["train", "dev", "test"];

function Split({ examples }: { examples: Record<Part, number> }) {
  const parts = PARTS.filter((part) => examples[part] > 0);
  return (
    <>
      <span class="split" aria-hidden="true">
        {parts.map((part) => (
          <i key={part} class={part} style={{ flex: examples[part] }} />
        ))}
      </span>
      <span class="keys">
        {parts.map((part) => (
          <span key={part}>
            <i class={`dot ${part}`} />
            {part} {count(examples[part])}
          </span>
        ))}
      </span>
    </>
  );
}

/** What a run is doing right now. */
function Strip({ run, live, progress }: { run: Run; live: Live; progress: Progress | null }) {
  const { curves } = live;
  const done = Math.max(curves?.total_epochs ?? 0, run.epoch);
  const epochs = run.epochs;
  const ahead = progress !== null && progress.epoch > done;
  const within = ahead && progress.steps > 0 ? progress.step / progress.steps : 0;
  const share = Math.min(1, (done + within) / Math.max(1, epochs));
  const rate = curves && curves.epochs.length > 1 && live.range === null ? pace(curves.epochs, curves.seconds) : null;
  const last = (curves?.epochs.length ?? 0) - 1;
  const metric = run.headline?.name ?? run.monitor?.name ?? "accuracy";
  const devValue = curves?.dev[metric]?.[last];
  const figures: [string, string][] = [
    ["Epoch", `${count(ahead ? progress.epoch : done)} of ${count(epochs)}`],
    ["Time left, at most", rate === null ? NONE : duration((epochs - done - within) / rate)],
    ["Rows a second", rate === null ? NONE : count(Number((rate * run.examples.train).toPrecision(3)))],
    ["Cost", number(ahead ? progress.cost : curves?.cost[last], 3)],
    ["Dev loss", number(curves?.dev_loss[last], 3)],
    ...(typeof devValue === "number" ? [[`Dev ${run.metric_names[metric]?.label ?? metric}`, metricValue(metric, devValue)] as [string, string]] : []),
    ["Best epoch", curves?.best_epoch == null ? NONE : count(curves.best_epoch)],
    ["So far", duration(curves?.seconds[last] ?? run.seconds)],
  ];
  return (
    <section class="strip" aria-label="Progress">
      <div class="bar" role="progressbar" aria-label="Epochs done" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.floor(share * 100)}>
        <i style={{ width: `${fixed(share * 100, 2)}%` }} />
      </div>
      <dl class="figures">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <b>{value}</b>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** One tile per split: its headline metric large, the others below where there is room for them. */
function Tiles({ run, brief }: { run: Run; brief: boolean }) {
  const name = run.headline?.name;
  const tiles = PARTS.flatMap((part) => {
    const metrics = run.metrics?.[part];
    const metric = name ? metrics?.[name] : undefined;
    return metrics && metric ? [{ part, metrics, metric }] : [];
  });
  if (!name || tiles.length === 0) return null;
  const label = (metric: string) => capital(run.metric_names[metric]?.label ?? metric);
  return (
    <div class={`tiles ${brief ? "brief" : ""}`}>
      {tiles.map(({ part, metrics, metric }) => (
        <section key={part} class={`tile ${part}`}>
          <h2>
            {capital(part)} <span>{plural(run.examples[part], "row")}</span>
          </h2>
          <p class="value">{metricValue(name, metric.value)}</p>
          <p class="of">
            {label(name)}
            {metric.low !== null && metric.high !== null && (
              <span title="95 % interval">
                {" "}
                {metricValue(name, metric.low)} – {metricValue(name, metric.high)}
              </span>
            )}
          </p>
          <dl>
            {Object.entries(metrics)
              .filter(([other]) => other !== name)
              .map(([other, { value }]) => (
                <div key={other}>
                  <dt>{label(other)}</dt>
                  <dd>{metricValue(other, value)}</dd>
                </div>
              ))}
          </dl>
        </section>
      ))}
    </div>
  );
}

function Unfinished({ run }: { run: Run }) {
  if (run.status === "diverged") {
    return (
      <div class="failure">
        <strong>The cost stopped being a finite number.</strong>
        <p>A lower --learning-rate or --clip-norm 1 usually mends it.</p>
      </div>
    );
  }
  const left = run.epochs - run.epoch;
  if (run.status === "finished" || left <= 0) return null;
  return (
    <div class="notice">
      <strong>The run stopped with {plural(left, "epoch")} left.</strong>
      {run.can_resume && <span> It can go on from its last checkpoint.</span>}
    </div>
  );
}
