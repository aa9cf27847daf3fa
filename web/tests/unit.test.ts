// Pure functions: smoothing, zooming, formats, addresses, the list.

import assert from "node:assert/strict";
import { test } from "node:test";

import { alternatives, readWarning } from "../src/advice.ts";
import type { Comparison, Curves, EpochEnded, Row } from "../src/api.ts";
import { axesOf, numberAxis, wordAxis } from "../src/axes.ts";
import { ago, count, decimal, duration, fixed, metricValue, number, percent, plural, short, shorten } from "../src/format.ts";
import { filter, readTags, sort } from "../src/list.ts";
import { link, parse } from "../src/router.ts";
import { grow } from "../src/run/grow.ts";
import { horizon, lastOf, meanCost, operatingAt, pace, pointAt, smooth, wide, zoomBy, zoomTo } from "../src/series.ts";

const close = (a: number | null | undefined, b: number) => assert.ok(Math.abs((a ?? NaN) - b) < 1e-12, `${a} is not ${b}`);

test("smoothing is the average of the course, with bias correction", () => {
  // v₁ = 0.9·0 + 0.1·40 = 4 and v₁ ⁄ (1 − 0.9) = 40; v₂ = 0.9·4 + 0.1·49 = 8.5 and v₂ ⁄ (1 − 0.81) = 44.7368…
  const smoothed = smooth([1, 2, 3], [40, 49, 45], 0.9);
  close(smoothed[0], 40);
  close(smoothed[1], 8.5 / 0.19);
  close(smoothed[2], (0.9 * 8.5 + 4.5) / (1 - 0.9 ** 3));
  assert.deepEqual(smooth([1, 2], [3, 4], 0), [3, 4]);
});

test("a constant stays itself, gaps stay gaps", () => {
  const smoothed = smooth([1, 2, 3, 4], [7, null, 7, 7], 0.95);
  assert.equal(smoothed[1], null);
  for (const at of [0, 2, 3]) close(smoothed[at], 7);
});

test("a thinned curve is smoothed over as many epochs", () => {
  // Equal values in between make no difference: epoch 5 weighs as four epochs would.
  const whole = smooth([1, 2, 3, 4, 5], [0, 1, 1, 1, 1], 0.8);
  const thinned = smooth([1, 5], [0, 1], 0.8);
  close(thinned[1], whole[4]!);
});

test("β averages over about 1 ⁄ (1 − β)", () => {
  assert.deepEqual([0.5, 0.9, 0.98].map(horizon), [2, 10, 50]);
});

test("zooms to whole epochs, never to nothing, and all is no zoom", () => {
  const limits = [1, 100] as const;
  assert.deepEqual(zoomTo(10.4, 20.6, limits), [10, 21]);
  assert.deepEqual(zoomTo(20.6, 10.4, limits), [10, 21]);
  assert.deepEqual(zoomTo(50.1, 50.2, limits), [50, 51]);
  assert.deepEqual(zoomTo(99.9, 100, limits), [99, 100]);
  assert.deepEqual(zoomTo(-50, 30, limits), [1, 30]);
  assert.equal(zoomTo(0, 200, limits), null);
  assert.deepEqual(zoomBy([1, 100], 50, 0.5, limits), [26, 75]);
  assert.equal(zoomBy([26, 75], 50, 3, limits), null);
});

test("a log scale suits positive values over many sizes", () => {
  assert.ok(wide([[1, 0.01]]));
  assert.ok(!wide([[1, 0.5]]));
  assert.ok(!wide([[1, 0]]));
  assert.ok(!wide([[null], []]));
});

test("the last value, past gaps", () => {
  assert.deepEqual(lastOf([1, 2, null]), { value: 2, at: 1 });
  assert.equal(lastOf([null]), null);
});

test("the pace is that of the last epochs", () => {
  // A first epoch of 100 s, then 2 a second.
  const epochs = Array.from({ length: 30 }, (_, i) => i + 1);
  assert.equal(pace(epochs, epochs.map((epoch) => 100 + epoch / 2)), 2);
  assert.equal(pace([1], [3]), null);
});

test("precision, recall and cost are those of scikit-learn's example", () => {
  // precision_recall_curve of [0, 0, 1, 1] with [0.1, 0.4, 0.35, 0.8]: 1/2, 2/3, 1/2, 1 and 1, 1, 1/2, 1/2.
  const points: [number, number, number][] = [
    [0.8, 1, 0],
    [0.4, 1, 1],
    [0.35, 2, 1],
    [0.1, 2, 2],
  ];
  const at = points.map((point) => operatingAt(point, 2, 2));
  assert.deepEqual(at.map((one) => one.precision), [1, 1 / 2, 2 / 3, 1 / 2]);
  assert.deepEqual(at.map((one) => one.recall), [1 / 2, 1 / 2, 1, 1]);
  assert.equal(operatingAt([1, 0, 0], 2, 2).precision, 1);
  assert.equal(meanCost(at[1]!, { missed: 5, falseAlarm: 1 }, 4), 1.5);
  assert.deepEqual([0.9, 0.8, 0.5, 0.35, 0].map((threshold) => pointAt(points, threshold)), [-1, 0, 0, 2, 3]);
});

test("numbers are written as in the report", () => {
  assert.equal(count(1234567), "1,234,567");
  assert.equal(plural(1, "row"), "1 row");
  assert.equal(number(61249.7), "61,250");
  assert.equal(number(0.03124, 3), "0.0312");
  assert.equal(number(9.9996), "10.00");
  assert.equal(number(-1.234e-9, 3), "−1.2 × 10⁻⁹");
  assert.equal(number(1e308, 3), "1.0 × 10³⁰⁸");
  assert.equal(number(null), "–");
  assert.equal(number(-0), "0");
  assert.equal(fixed(-0.001, 1), "0.0");
  assert.equal(fixed(-1234.5, 1), "−1,234.5");
  assert.equal(percent(0.9722), "97.2\u00a0%");
  assert.equal(percent(0.0123), "1.23\u00a0%");
  assert.deepEqual([0.5, 100, 1e-5, 2e-9].map((value) => short(value, 3)), ["0.5", "100", "10⁻⁵", "2 × 10⁻⁹"]);
  assert.deepEqual(
    [0.041, 2.06, 200.2, 119.7, 7500, NaN, null].map(duration),
    ["41\u00a0ms", "2.1\u00a0s", "3\u00a0min 20\u00a0s", "2\u00a0min 0\u00a0s", "2\u00a0h 5\u00a0min", "–", "–"],
  );
  assert.deepEqual(
    [metricValue("accuracy", 0.975), metricValue("roc_auc", 0.99943), metricValue("log_loss", 0.0874), metricValue("rmse", 57.664)],
    ["97.5\u00a0%", "0.9994", "0.0874", "57.66"],
  );
  assert.deepEqual(["154.38402", "", "red", "1e-7", "3"].map((text) => decimal(text, 5)), ["154.38", "", "red", "1e-7", "3"]);
  assert.equal(shorten("ankle boot", 7), "ankle…");
});

test("times are told as they are far", () => {
  const now = new Date(2026, 10, 30, 12, 0);
  const before = (minutes: number) => ago(new Date(now.getTime() - minutes * 60_000).toISOString(), now);
  assert.deepEqual([0.1, 5, 150].map(before), ["just now", "5\u00a0min ago", "3\u00a0h ago"]);
  assert.equal(before(24 * 60), "yesterday");
  assert.equal(before(24 * 60 * 10), "20\u00a0Nov");
  assert.equal(before(24 * 60 * 365), "30\u00a0Nov 2025");
  assert.equal(ago(null), "–");
  assert.equal(ago("soon"), "–");
});

test("addresses keep ids whole, whatever is in them", () => {
  for (const id of ["digits-1", "a/b", "a,b", "50%", "#?&=", "<b>x</b>", "é 1"]) {
    assert.deepEqual(parse(link.run(id)), { page: "run", id, tab: "learning" });
    assert.deepEqual(parse(link.run(id, "answers")), { page: "run", id, tab: "answers" });
    assert.deepEqual(parse(link.attempt(id)), { page: "try", id });
    assert.deepEqual(parse(link.compare([id, "other"])), { page: "compare", runs: [id, "other"] });
    assert.deepEqual(parse(link.study(id)), { page: "study", id });
  }
  assert.deepEqual(parse(""), { page: "runs" });
  assert.deepEqual(parse("#/"), { page: "runs" });
  assert.deepEqual(parse("#/compare"), { page: "compare", runs: [] });
  assert.equal(parse("#/nowhere").page, "missing");
  assert.equal(parse("#/run/a/b/c").page, "missing");
  assert.deepEqual(parse("#/run/50%"), { page: "run", id: "50%", tab: "learning" });
});

test("an advice is taken apart into flags to copy", () => {
  assert.deepEqual(alternatives("--split 0.8,0.1,0.1"), [{ text: "--split 0.8,0.1,0.1", flag: true }]);
  assert.deepEqual(
    alternatives("--header, or --names a,b").map(({ text }) => text),
    ["--header", "--names a,b"],
  );
  assert.deepEqual(alternatives("rename files"), [{ text: "rename files", flag: false }]);
  assert.deepEqual(alternatives(""), []);
});

test("a warning has its remedy apart", () => {
  assert.deepEqual(readWarning("few rows\n  fix: add some"), { what: "few rows", remedy: "add some" });
  assert.deepEqual(readWarning("few rows"), { what: "few rows", remedy: "" });
});

test("tags are read once each", () => {
  assert.deepEqual(readTags(" a, b ,,a, two words "), ["a", "b", "two words"]);
});

const row = (id: string, part: Partial<Row> = {}): Row => ({
  id,
  name: id,
  status: "finished",
  data: "sample:digits",
  task: "multiclass",
  targets: ["digit"],
  started: null,
  seconds: 1,
  epoch: 1,
  epochs: 1,
  best_epoch: 1,
  parameters: 1,
  headline: null,
  monitor: null,
  tags: [],
  notes: "",
  warnings: 0,
  has_model: true,
  ...part,
});

const result = (name: string, value: number, higher: boolean) => ({
  split: "test" as const,
  name,
  label: name,
  value,
  low: null,
  high: null,
  text: String(value),
  higher_is_better: higher,
});

test("every word and every tag must be there", () => {
  const rows = [row("a", { tags: ["wide", "best"], notes: "Too slow" }), row("b", { tags: ["wide"] }), row("c", { status: "diverged" })];
  const ids = (text: string, tags: string[] = [], status = "") =>
    filter(rows, { text, tags: new Set(tags), status }).map((found) => found.id).join("");
  assert.equal(ids(""), "abc");
  assert.equal(ids("slow WIDE"), "a");
  assert.equal(ids("", ["wide", "best"]), "a");
  assert.equal(ids("", ["wide"]), "ab");
  assert.equal(ids("", [], "diverged"), "c");
  assert.equal(ids("digits wrong"), "");
});

test("the best result comes first whichever way its metric goes, and none comes last", () => {
  const rows = [
    row("none"),
    row("a", { headline: result("accuracy", 0.8, true) }),
    row("b", { headline: result("accuracy", 0.9, true) }),
    row("x", { headline: result("rmse", 3, false) }),
    row("y", { headline: result("rmse", 2, false) }),
  ];
  const ids = (down: boolean) => sort(rows, { key: "result", down }).map((found) => found.id);
  assert.deepEqual(ids(true), ["b", "a", "y", "x", "none"]);
  assert.deepEqual(ids(false), ["a", "b", "x", "y", "none"]);
});

test("names are sorted as people count", () => {
  const names = sort([row("run-10"), row("run-9"), row("Run-1")], { key: "name", down: false }).map((found) => found.id);
  assert.deepEqual(names, ["Run-1", "run-9", "run-10"]);
});

test("axes place numbers, words, and what was left open", () => {
  assert.deepEqual(numberAxis("rate", [1, 3, 2]).at, [0, 1, 0.5]);
  const log = numberAxis("rate", [1e-4, 1e-2, 1]).at;
  close(log[1], 0.5);
  const open = numberAxis("rate", [null, 1, 3]);
  assert.equal(open.at[0], 0);
  assert.ok(open.at[1]! > 0.1 && open.at[2] === 1);
  assert.equal(open.ticks[0]!.text, "auto");
  assert.deepEqual(wordAxis("recipe", ["a", "b", "a"]).at, [0, 1, 0]);
});

test("the last axis is the result, if all results are of one metric", () => {
  const comparison = (other: string): Comparison => ({
    runs: [row("a", { headline: result("accuracy", 0.8, true) }), row("b", { headline: result(other, 0.9, true) }), row("c")],
    configuration: [
      { key: "train.learning_rate", values: ["0.1", "0.001", null] },
      { key: "output.out", values: ['"x"', '"y"', '"z"'] },
    ],
    metrics: [],
    paired: null,
  });
  const same = axesOf(comparison("accuracy"), 8);
  assert.deepEqual(same.map((axis) => axis.name), ["train.learning_rate", "Test accuracy"]);
  assert.deepEqual(same[1]!.at, [0, 1, null]);
  assert.equal(axesOf(comparison("rmse"), 8).length, 1);
});

test("curves grow by the epochs that they do not have", () => {
  const curves: Curves = {
    epochs: [1],
    cost: [1],
    dev_loss: [2],
    dev: { accuracy: [0.5] },
    learning_rate: [0.1],
    seconds: [1],
    best_epoch: 1,
    total_epochs: 1,
    phases: null,
  };
  const ended = (epoch: number): EpochEnded => ({
    epoch,
    cost: null,
    dev_loss: 1,
    dev: { rmse: 3 },
    learning_rate: 0.1,
    seconds: 2,
    best: true,
    phases: { data: 1, passes: 2, update: 3, evaluation: 4 },
  });
  const grown = grow(curves, ended(2), true);
  assert.deepEqual(grown.epochs, [1, 2]);
  assert.deepEqual(grown.dev, { accuracy: [0.5, null], rmse: [null, 3] });
  assert.deepEqual(grown.phases, { data: [null, 1], compute: [null, 2], update: [null, 3], dev: [null, 4] });
  assert.equal(grown.best_epoch, 2);
  assert.deepEqual(grow(curves, ended(1), true).epochs, [1]);
  const zoomed = grow(curves, ended(2), false);
  assert.deepEqual([zoomed.epochs, zoomed.total_epochs], [[1], 2]);
});
