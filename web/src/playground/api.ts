// What the playground's server tells.

import { ask, change } from "../api.ts";
import type { Value } from "../series.ts";

export interface Choices {
  sets: { name: string; title: string; noise: number }[];
  activations: string[];
  initialisers: string[];
  optimizers: string[];
  schedules: string[];
  limits: { layers: number; units: number; rows: number };
}

export interface Histogram {
  low: number | null;
  high: number | null;
  counts: number[];
  /** Root mean square. */
  size: number | null;
}

export interface Unit {
  /** Its largest activation over the plane, in size. */
  most: number | null;
  /** Two hexadecimal digits a point, from minus to plus `most`. */
  map: string;
}

export interface PlayLayer {
  activation: string;
  units: Unit[];
  inputs: number;
  /** A row of `inputs` numbers a unit. */
  weights: (number | null)[];
  bias: (number | null)[] | null;
  gamma: (number | null)[] | null;
  histogram: Histogram;
  activations: Histogram;
  gradient: Histogram;
}

/** What changes as a network trains. */
export interface Snapshot {
  step: number;
  epoch: number;
  done: boolean;
  diverged: { message: string; remedy: string | null } | null;
  learning_rate: number;
  loss: { train: Value; test: Value };
  metric_value: { train: Value; test: Value };
  history: { epochs: number[]; train: Value[]; test: Value[]; train_metric: Value[]; test_metric: Value[] };
  /** The answers over the plane, from `low` to `high`: four hexadecimal digits a point. */
  plane: { low: number; high: number; classes: string[] };
  layers: PlayLayer[];
}

export type Point = [x: number, y: number, target: number];

export interface Axis {
  name: string;
  low: number;
  high: number;
}

export interface Begun extends Snapshot {
  id: number;
  task: string;
  classes: string[];
  target: string[];
  metric: string;
  axes: [Axis, Axis];
  points: { train: Point[]; test: Point[] };
  steps_per_epoch: number;
  epochs: number;
  command: string;
  side: { plane: number; unit: number };
}

export interface Probed {
  x: [number, number];
  activations: number[][];
  answer: string | null;
  probabilities: number[];
  value: number | null;
}

export interface Example {
  x: number[];
  y: number;
  layers: { w: number[][]; b: number[]; z: number[]; a: number[]; slope: number[] | null; dz: number[]; dw: number[][]; db: number[] }[];
  losses: Value[];
  loss: Value;
  after: { w: number[][]; b: number[] }[];
}

export interface Depth {
  layers: number[];
  curves: { name: string; activations: Value[]; gradients: Value[] }[];
}

export interface Average {
  theta: number[];
  plain: number[];
  corrected: number[];
  window: number;
}

export interface Surface {
  side: number;
  ranges: [[number, number], [number, number]];
  grid: Value[];
  paths: { name: string; points: [Value, Value, Value][] }[];
}

export interface Trial {
  alpha: number;
  epsilon: number;
  loss: Value;
}

export interface Search {
  grid: Trial[];
  random: Trial[];
  ranges: { alpha: [number, number]; epsilon: [number, number] };
  command: string;
}

export interface BatchCurve {
  batch_size: number;
  size: number;
  steps: number;
  epochs: number[];
  costs: Value[];
  whole: Value[];
  diverged: string | null;
  command: string;
}

export interface Check {
  relative: Value;
  parameters: { name: string; rows: number; columns: number; relative: Value; numeric: Value[]; backward: Value[] }[];
  mistakes: string[];
  rows: number;
  lambda: number;
  cube: { one_sided: number; two_sided: number };
  answer: { mistake: string; parameter: string } | null;
}

export type Query = Record<string, string | number | boolean>;

export function asked(query: Query): string {
  return new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)])).toString();
}

export const play = {
  choices: () => ask<Choices>("play/choices"),
  begin: (settings: object, signal: AbortSignal) => change<Begun>("POST", "play/network", JSON.stringify(settings), undefined, signal),
  advance: (id: number, steps: number, signal: AbortSignal) =>
    change<Snapshot>("POST", `play/network/${id}/advance`, JSON.stringify({ steps }), undefined, signal),
  probe: (id: number, x: number, y: number, signal: AbortSignal) => ask<Probed>(`play/network/${id}/probe?x=${x}&y=${y}`, { signal }),
  compute: <T>(what: string, query: Query) => ask<T>(`play/${what}?${asked(query)}`),
};
