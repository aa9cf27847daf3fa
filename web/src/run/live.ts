// A run as it is now: loaded once, then kept up to date by its stream.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { api, streamOf, type Curves, type EpochEnded, type Progress, type Run, type Scales } from "../api.ts";
import { useLoad, useStream, useThrottled, type Loaded } from "../hooks.ts";
import type { Range } from "../series.ts";
import { grow } from "./grow.ts";

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
  const running = run.data?.status === "running";
  // The stream does not repeat what was missed before it began, or while it was broken.
  const openings = useRef(0);
  const catchUp = useThrottled(() => {
    if (!running && openings.current < 2) return;
    load();
    run.reload();
  }, 500);
  const changed = useThrottled(() => {
    // A run that is resumed may begin before the last epoch that is drawn.
    load();
    run.reload();
  }, 500);
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
    () => {
      openings.current++;
      catchUp();
    },
  );
  useEffect(() => {
    if (!running) setProgress(null);
  }, [running]);
  return { run, curves, scales: scales.data, progress, range, zoom };
}
