// A run as it is now: loaded once, then kept up to date by its stream.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { api, streamOf, type Curves, type EpochEnded, type Progress, type Run, type Scales } from "../api.ts";
import { useLoad, useStream, useThrottled, type Loaded } from "../hooks.ts";
import type { Range } from "../series.ts";

const POINTS = 800;

export interface Live {
  run: Loaded<Run>;
  curves: Curves | null;
  scales: Scales | null;
  progress: Progress | null;
  /** The epochs zoomed into; null for all. */
  range: Range | null;
  zoom: (range: Range | null) => void;
}

export function useLive(id: string): Live {
  const run = useLoad(`run ${id}`, () => api.run(id));
  const [range, zoom] = useState<Range | null>(null);
  const [curves, setCurves] = useState<Curves | null>(null);
  const [progress, setProgress] = useState<Progress | null>(null);
  const scales = useLoad(`scales ${id}`, () => api.scales(id));

  const asked = useRef(0);
  const load = useCallback(() => {
    const turn = ++asked.current;
    const [from, to] = range ?? [undefined, undefined];
    // Curves that cannot be had leave their place empty; what the run's own request tells is shown above.
    api.curves(id, POINTS, from, to).then((told) => turn === asked.current && setCurves(told), () => undefined);
  }, [id, range]);
  useEffect(load, [load]);

  // Epochs may end faster than a chart should be drawn.
  const waiting = useRef<EpochEnded[]>([]);
  const flush = useThrottled(() => {
    const ended = waiting.current;
    waiting.current = [];
    if (curves && range === null && curves.epochs.length > 2 * POINTS) load();
    else setCurves((old) => old && ended.reduce((grown, epoch) => grow(grown, epoch, range === null), old));
  }, 200);
  const changed = useThrottled(run.reload, 500);
  const scaled = useThrottled(scales.reload, 2000);
  useStream(
    streamOf(id),
    {
      progress: (told: Progress) => setProgress(told),
      epoch: (ended: EpochEnded) => {
        waiting.current.push(ended);
        flush();
      },
      scales: scaled,
      changed: () => {
        changed();
        scaled();
      },
    },
    // After a break the stream does not repeat what was missed.
    useThrottled(() => {
      load();
      run.reload();
    }, 500),
  );
  const running = run.data?.status === "running";
  useEffect(() => {
    if (!running) setProgress(null);
  }, [running]);
  return { run, curves, scales: scales.data, progress, range, zoom };
}

/** Curves with one more epoch; of those zoomed into, only what is told of all grows. */
export function grow(curves: Curves, ended: EpochEnded, all: boolean): Curves {
  const grown = {
    ...curves,
    total_epochs: Math.max(curves.total_epochs ?? 0, ended.epoch),
    best_epoch: ended.best ? ended.epoch : curves.best_epoch,
  };
  const last = curves.epochs[curves.epochs.length - 1] ?? 0;
  if (!all || ended.epoch <= last) return grown;
  const names = new Set([...Object.keys(curves.dev), ...Object.keys(ended.dev)]);
  const gap = curves.epochs.map(() => null);
  return {
    ...grown,
    epochs: [...curves.epochs, ended.epoch],
    cost: [...curves.cost, ended.cost],
    dev_loss: [...curves.dev_loss, ended.dev_loss],
    dev: Object.fromEntries([...names].map((name) => [name, [...(curves.dev[name] ?? gap), ended.dev[name] ?? null]])),
    learning_rate: [...curves.learning_rate, ended.learning_rate],
    seconds: [...curves.seconds, ended.seconds],
    phases: growPhases(curves, ended.phases ?? null),
  };
}

/** The phases by the names that the curves have for them. */
function growPhases({ phases, epochs }: Curves, ended: EpochEnded["phases"] | null): Curves["phases"] {
  if (!phases && !ended) return null;
  const now: Record<string, number | undefined> = ended ? { data: ended.data, compute: ended.passes, update: ended.update, dev: ended.evaluation } : {};
  const names = Object.keys(phases ?? now);
  return Object.fromEntries(names.map((name) => [name, [...(phases?.[name] ?? epochs.map(() => null)), now[name] ?? null]]));
}
