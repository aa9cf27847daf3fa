// The mathematics of curves: smoothing, zooming, and growing with a live run.

export type Value = number | null;

/**
 * The exponentially weighted average v = βv + (1 − β)θ with bias correction v ⁄ (1 − βᵗ).
 *
 * Of curves that were thinned out, a point stands for the steps since the one before it: its weight is β to that
 * power, so that β means the same at every zoom. Gaps stay gaps.
 */
export function smooth(x: readonly number[], y: readonly Value[], beta: number): Value[] {
  if (beta <= 0) return y.slice();
  let average = 0;
  let missing = 1; // βᵗ
  let last: number | undefined;
  return y.map((value, i) => {
    if (value === null) return null;
    const steps = last === undefined ? 1 : Math.max(x[i]! - last, 1e-9);
    last = x[i]!;
    const keep = beta ** steps;
    average = keep * average + (1 - keep) * value;
    missing *= keep;
    return average / (1 - missing);
  });
}

/** Epochs a second over the last of them: of what is told now, and not of a first epoch that loaded the data. */
export function pace(epochs: readonly number[], seconds: readonly number[], over = 20): number | null {
  const last = epochs.length - 1;
  const first = Math.max(0, last - over);
  const passed = (seconds[last] ?? 0) - (seconds[first] ?? 0);
  return passed > 0 ? (epochs[last]! - epochs[first]!) / passed : null;
}

/** About how many values are averaged: 1 ⁄ (1 − β). */
export function horizon(beta: number): number {
  return Math.round(1 / (1 - beta));
}

export type Range = readonly [number, number];

/** A range of whole epochs within `limits`, at least one epoch wide; null for all of them. */
export function zoomTo(from: number, to: number, limits: Range): Range | null {
  let low = Math.max(limits[0], Math.round(Math.min(from, to)));
  let high = Math.min(limits[1], Math.round(Math.max(from, to)));
  if (high <= low) {
    low = Math.max(limits[0], Math.min(low, limits[1] - 1));
    high = Math.min(limits[1], low + 1);
  }
  return low <= limits[0] && high >= limits[1] ? null : [low, high];
}

/** The range scaled by `factor` about `centre`: below 1 zooms in. */
export function zoomBy(range: Range, centre: number, factor: number, limits: Range): Range | null {
  return zoomTo(centre - (centre - range[0]) * factor, centre + (range[1] - centre) * factor, limits);
}

/** Whether positive values span so many decades that they need a log scale. */
export function wide(columns: readonly (readonly (Value | undefined)[])[]): boolean {
  let low = Infinity;
  let high = 0;
  for (const column of columns) {
    for (const value of column) {
      if (value === null || value === undefined) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return low > 0 && Number.isFinite(low) && high > 12 * low;
}

/** The last value there is, and its index. */
export function lastOf(values: readonly Value[]): { value: number; at: number } | null {
  for (let at = values.length - 1; at >= 0; at--) {
    const value = values[at];
    if (value !== null && value !== undefined) return { value, at };
  }
  return null;
}

/** Counts at a threshold, and what follows from them. */
export interface Operating {
  threshold: number;
  found: number;
  falseAlarms: number;
  missed: number;
  precision: number;
  recall: number;
  f1: number;
  falsePositiveRate: number;
}

/** TP and FP as precision, recall and F1, of P positives and N negatives; precision is 1 where nothing is predicted. */
export function operatingAt(
  [threshold, found, falseAlarms]: readonly [number, number, number],
  positives: number,
  negatives: number,
): Operating {
  const predicted = found + falseAlarms;
  return {
    threshold,
    found,
    falseAlarms,
    missed: positives - found,
    precision: predicted > 0 ? found / predicted : 1,
    recall: found / positives,
    f1: (2 * found) / (predicted + positives),
    falsePositiveRate: falseAlarms / negatives,
  };
}

/** The mean cost of a row: (c_FN · FN + c_FP · FP) ⁄ (P + N). */
export function meanCost(at: Operating, costs: { missed: number; falseAlarm: number }, rows: number): number {
  return (at.missed * costs.missed + at.falseAlarms * costs.falseAlarm) / rows;
}

/** The points of a curve from high thresholds to low: the last whose threshold is not below `threshold`. */
export function pointAt<P extends readonly [number, ...unknown[]]>(points: readonly P[], threshold: number): number {
  let at = -1;
  while (at + 1 < points.length && points[at + 1]![0] >= threshold) at++;
  return at;
}
