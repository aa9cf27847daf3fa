// Curves that grow while a run learns.

import type { Curves, EpochEnded } from "../api.ts";

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
