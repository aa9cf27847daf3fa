// What the server tells, and how it is asked.

import type { Value } from "./series.ts";

export type Status = "running" | "finished" | "interrupted" | "diverged" | "stopped";
export type Part = "train" | "dev" | "test";

export interface Session {
  version: string;
  folder: string;
  writable: boolean;
}

export interface Row {
  id: string;
  name: string;
  status: Status;
  data: string;
  task: string;
  targets: string[];
  started: string | null;
  seconds: number;
  epoch: number;
  epochs: number;
  best_epoch: number | null;
  parameters: number;
  headline: Headline | null;
  monitor: { name: string; value: number | null; text: string } | null;
  tags: string[];
  notes: string;
  warnings: number;
  has_model: boolean;
}

interface Headline extends Metric {
  split: Part;
  name: string;
  label: string;
  text: string;
  higher_is_better: boolean;
}

export interface Metric {
  value: number | null;
  low: number | null;
  high: number | null;
}

export type Metrics = Record<string, Metric>;

export interface Mistake {
  place: string;
  truth: string;
  prediction: string;
  loss: number | null;
  confidence: number | null;
  inputs: [string, string][];
  /** A PNG in base64. */
  picture?: string | null;
  /** A WAV in base64. */
  sound?: string | null;
}

export type Cut = [threshold: number, found: number, falseAlarms: number];

export interface OperatingCurve {
  threshold: number;
  positives: number;
  negatives: number;
  chosen: [number, number];
  /** From high thresholds to low. */
  points: Cut[];
}

export interface Answers {
  part: Part;
  confusion: number[][];
  mistakes: Mistake[];
  unsure?: Mistake[];
  points: [number, number][];
  operating?: OperatingCurve | null;
}

export interface Finding {
  code: string;
  severity: "severe" | "warning" | "hint";
  what: string;
  evidence: string;
  prescription: { command: string; expected: string } | null;
}

interface Layer {
  name: string;
  description: string;
  output: number[];
  parameters: number;
}

export interface Section {
  /** Its name in code: `calibration`. */
  id: string;
  /** The report's own markup, escaped by the server. */
  html: string;
}

interface Decision {
  what: string;
  why: string;
  instead: string;
}

export interface Run extends Row {
  classes: string[];
  examples: Record<Part, number>;
  features: number;
  layers: Layer[];
  steps_per_epoch: number;
  command: string;
  facts: [string, string][];
  decisions: Decision[];
  /** Each with its remedy on a line of its own. */
  warning_texts: string[];
  metrics: Partial<Record<Part, Metrics>> | null;
  metric_names: Record<string, { label: string; higher_is_better: boolean }>;
  baselines: { name: string; metrics: Partial<Record<Part, Metrics>> }[];
  reason: string | null;
  resumed: number[];
  configuration: { key: string; value: string; default: boolean }[];
  can_resume: boolean;
  answers: Answers | null;
  findings?: Finding[];
  sections: Section[];
  css: string;
}

export interface Curves {
  epochs: number[];
  cost: Value[];
  dev_loss: Value[];
  dev: Record<string, Value[]>;
  learning_rate: Value[];
  seconds: number[];
  best_epoch: number | null;
  total_epochs: number | null;
  phases: Record<string, Value[]> | null;
}

export interface LayerScales {
  name: string;
  title: string;
  activation: Value[];
  gradient: Value[];
  zeros: Value[];
  /** Null where the run did not record it. */
  weight: Value[] | null;
  update: Value[] | null;
  dead: Value[] | null;
  saturated: Value[] | null;
}

export interface Scales {
  steps: number[];
  layers: LayerScales[];
}

/** How far the current epoch is. */
export interface Progress {
  epoch: number;
  step: number;
  steps: number;
  cost: number | null;
}

export interface EpochEnded {
  epoch: number;
  cost: number | null;
  dev_loss: number | null;
  dev: Record<string, number | null>;
  learning_rate: number;
  seconds: number;
  best: boolean;
  phases?: { data: number; passes: number; update: number; evaluation: number } | null;
}

export interface Comparison {
  runs: Row[];
  configuration: { key: string; values: (string | null)[] }[];
  metrics: { split: Part; name: string; label: string; values: (Metric | null)[]; higher_is_better: boolean }[];
  /** Of two runs: the test, or a note why there is none. */
  paired: Paired | { note: string } | null;
}

export interface Paired {
  rows: number;
  tests: PairedTest[];
  text: string;
  mcnemar_p: number | null;
}

/** What B has more than A, with its 95 % interval over the same rows. */
export interface PairedTest {
  metric: string;
  label: string;
  difference: number | null;
  low: number | null;
  high: number | null;
  higher_is_better: boolean;
}

export interface Field {
  name: string;
  type: "number" | "category" | "boolean" | "text" | "date";
  low?: number | null;
  high?: number | null;
  typical?: string | number | boolean | null;
  values?: string[];
  /** How a date is written: `%Y-%m-%d`. */
  format?: string;
  required: boolean;
}

export interface Form {
  kind: "table" | "image" | "clip" | "sound" | "none";
  fields: Field[];
  accept?: string[];
}

export interface Prediction {
  target: string;
  answer: string;
  probabilities: { class: string; probability: number }[] | null;
  interval: { low: number; high: number; level: number } | null;
  contributions: { name: string; contribution: number }[] | null;
}

export interface Answered {
  predictions: Prediction[];
  /** Of labels, of which any number may hold: the probability of each. */
  labels?: { class: string; probability: number }[];
}

export interface Study {
  id: string;
  path: string;
  trials: number;
  best: number | null;
  metric: string;
  state: string;
}

/** What the server refused, with what to do about it. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly remedy: string,
  ) {
    super(message);
  }
}

export async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`api/${path}`, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Refusal(0, "The server does not answer.", "Is thalweg ui still running?");
  }
  if (response.ok) return (await response.json()) as T;
  throw refusal(response.status, await response.text().catch(() => ""));
}

/** An error as the server writes it; one that never came so far is told in plain words. */
function refusal(status: number, text: string): Refusal {
  try {
    const { message, place, remedy } = JSON.parse(text).error;
    return new Refusal(status, place ? `${place}: ${message}` : message, remedy ?? "");
  } catch {
    return new Refusal(status, text.trim() || `The server answers ${status}.`, "");
  }
}

export function change<T>(method: string, path: string, body?: BodyInit, type = "application/json", signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { "X-Thalweg": "1" };
  if (body !== undefined) headers["Content-Type"] = type;
  return ask<T>(path, { method, headers, ...(body !== undefined && { body }), ...(signal && { signal }) });
}

const run = (id: string) => `runs/${encodeURIComponent(id)}`;

export const api = {
  session: () => ask<Session>("session"),
  runs: () => ask<{ runs: Row[] }>("runs").then((told) => told.runs),
  run: (id: string) => ask<Run>(run(id)),
  curves: (id: string, points: number, from?: number, to?: number) =>
    ask<Curves>(`${run(id)}/curves?points=${points}${from === undefined ? "" : `&from=${from}&to=${to}`}`),
  scales: (id: string) => ask<Scales>(`${run(id)}/scales?points=400`),
  stop: (id: string) => change<unknown>("POST", `${run(id)}/stop`),
  resume: (id: string) => change<unknown>("POST", `${run(id)}/resume`),
  remove: (id: string) => change<unknown>("DELETE", run(id)),
  label: (id: string, labels: { tags: string[]; notes: string }) =>
    change<unknown>("PUT", `${run(id)}/labels`, JSON.stringify(labels)),
  compare: (ids: string[]) => ask<Comparison>(`compare?runs=${ids.map(encodeURIComponent).join(",")}`),
  form: (id: string) => ask<Form>(`${run(id)}/form`),
  predict: (id: string, inputs: Record<string, string>, signal: AbortSignal) =>
    change<Answered>("POST", `${run(id)}/predict`, JSON.stringify({ inputs }), undefined, signal),
  predictFile: (id: string, file: Blob, signal: AbortSignal) =>
    change<Answered>("POST", `${run(id)}/predict`, file, file.type || "application/octet-stream", signal),
  studies: () => ask<{ studies: Study[] }>("studies").then((told) => told.studies),
  study: (id: string) => ask<{ html?: string; sections?: Section[]; css?: string }>(`studies/${encodeURIComponent(id)}`),
};

const watchers = new Set<(connected: boolean) => void>();

/** Calls when the stream of events is lost, and when it is there again. */
export function onConnection(told: (connected: boolean) => void): () => void {
  watchers.add(told);
  return () => void watchers.delete(told);
}

/** Listens to a stream of events until the returned function is called; the browser reconnects by itself. */
export function listen(path: string, handlers: Record<string, (data: never) => void>, opened?: () => void): () => void {
  const source = new EventSource(`api/${path}`);
  for (const [name, handle] of Object.entries(handlers)) {
    source.addEventListener(name, (event) => handle(JSON.parse((event as MessageEvent<string>).data) as never));
  }
  const tell = (connected: boolean) => watchers.forEach((told) => told(connected));
  source.addEventListener("open", () => {
    tell(true);
    opened?.();
  });
  // A stream that is refused is closed for good: what asked for it tells of that.
  source.addEventListener("error", () => tell(source.readyState === EventSource.CLOSED));
  return () => source.close();
}

export const streamOf = (id: string) => `${run(id)}/stream`;
