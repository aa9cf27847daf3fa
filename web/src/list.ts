// Searching, sorting and labelling the list of runs.

import type { Row } from "./api.ts";

export type Key = "name" | "result" | "data" | "epoch" | "parameters" | "seconds" | "started";

export interface Order {
  key: Key;
  down: boolean;
}

interface Wanted {
  text: string;
  tags: ReadonlySet<string>;
  status: string;
}

/** The rows that have every word somewhere, every tag, and the status. */
export function filter(rows: readonly Row[], wanted: Wanted): Row[] {
  const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    if (wanted.status !== "" && row.status !== wanted.status) return false;
    if (![...wanted.tags].every((tag) => row.tags.includes(tag))) return false;
    const text = [row.id, row.name, row.data, row.task, row.status, ...row.targets, ...row.tags, row.notes].join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** Sorted; runs without a value come last whichever way. Results of different metrics are kept apart. */
export function sort(rows: readonly Row[], { key, down }: Order): Row[] {
  const sign = down ? -1 : 1;
  return [...rows].sort((a, b) => {
    if (key === "result") {
      const kinds = compare(a.headline?.name, b.headline?.name, 1);
      if (kinds !== 0) return kinds;
      // Best first whichever way the metric goes.
      const better = a.headline?.higher_is_better === false ? -1 : 1;
      return compare(a.headline?.value, b.headline?.value, sign * better) || compare(a.id, b.id, 1);
    }
    return compare(a[key], b[key], sign) || compare(a.id, b.id, 1);
  });
}

type Comparable = string | number | null | undefined;

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

function compare(a: Comparable, b: Comparable, sign: number): number {
  const none = (value: Comparable) => value === null || value === undefined;
  if (none(a) || none(b)) return Number(none(a)) - Number(none(b));
  return sign * (typeof a === "number" && typeof b === "number" ? a - b : collator.compare(String(a), String(b)));
}

/** Tags as typed, each once: `digits, baseline`. */
export function readTags(text: string): string[] {
  return [...new Set(text.split(",").map((tag) => tag.trim()).filter(Boolean))];
}
