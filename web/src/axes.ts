// Axes of parallel coordinates: options that differ, and the metric they led to.

import type { Comparison } from "./api.ts";
import { capital, short } from "./format.ts";

export interface Axis {
  name: string;
  /** Of each run a height from 0 to 1; null where it has no result. */
  at: (number | null)[];
  /** Ticks from the lowest to the highest. */
  ticks: { at: number; text: string }[];
}

/** A number as an option's value is written: `0.002`, `1e-4`, `"0.5"`. */
function numeric(value: string | null): number | null {
  const text = String(value ?? "").replace(/^"(.*)"$/, "$1").trim();
  return text === "" || Number.isNaN(Number(text)) ? null : Number(text);
}

/** The place below all values of runs that left an option open. */
const OPEN = { at: 0, text: "auto" };
const LOWEST = 0.22;

/** Numbers on a line, by their logarithm where they span more than a factor of 30. */
export function numberAxis(name: string, values: (number | null)[]): Axis {
  const known = values.filter((value) => value !== null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const open = known.length < values.length;
  const log = low > 0 && high > 30 * low;
  const scale = (value: number) => (log ? Math.log(value) : value);
  const span = scale(high) - scale(low);
  const from = open ? LOWEST : 0;
  const height = (value: number) => from + (1 - from) * (span > 0 ? (scale(value) - scale(low)) / span : 0.5);
  const ticks = (high > low ? [low, high] : [low]).map((value) => ({ at: height(value), text: short(value, 4) }));
  return { name, at: values.map((value) => (value === null ? 0 : height(value))), ticks: open ? [OPEN, ...ticks] : ticks };
}

/** Words one above the other, in the order in which they first occur. */
export function wordAxis(name: string, values: (string | null)[]): Axis {
  const words = [...new Set(values.filter((value) => value !== null))];
  const open = words.length > 0 && values.includes(null);
  const from = open ? LOWEST : 0;
  const height = (word: string) => from + (1 - from) * (words.length > 1 ? words.indexOf(word) / (words.length - 1) : 0.5);
  const ticks = words.map((word) => ({ at: height(word), text: word }));
  return { name, at: values.map((value) => (value === null ? 0 : height(value))), ticks: open ? [OPEN, ...ticks] : ticks };
}

/** Where the data or the run lie tells nothing of how good it is. */
const worthAnAxis = ({ key }: Comparison["configuration"][number]) => !/^(data\.path|output\..*)$/.test(key);

/** Axes of the options that differ, at most `most`, and last that of the results if all are of one metric. */
export function axesOf({ runs, configuration }: Comparison, most: number): Axis[] {
  const options = configuration.filter(worthAnAxis).slice(0, most).map(({ key, values }) => {
    const numbers = values.map(numeric);
    const all = values.every((value, i) => value === null || numbers[i] !== null);
    return all ? numberAxis(key, numbers) : wordAxis(key, values);
  });
  const headlines = runs.flatMap((row) => (row.headline ? [row.headline] : []));
  const [first] = headlines;
  const shared = first && headlines.every((other) => other.name === first.name && other.split === first.split);
  if (!shared) return options;
  const result = numberAxis(`${capital(first.split)} ${first.label}`, headlines.map((headline) => headline.value ?? 0));
  const heights = result.at.values();
  const at = runs.map((row) => (row.headline ? heights.next().value! : null));
  const named = result.ticks.map((tick) => ({ ...tick, text: headlines[result.at.indexOf(tick.at)]?.text ?? tick.text }));
  return [...options, { ...result, at, ticks: named }];
}
