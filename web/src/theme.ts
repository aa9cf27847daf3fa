// Light, dark, or as the system has it; and the colours for canvases, which know no CSS variables.

import { useEffect, useState } from "preact/hooks";

export type Theme = "auto" | "light" | "dark";

const KEY = "thalweg-theme";
const CHANGED = "thalweg-theme-changed";
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

export function theme(): Theme {
  const kept = stored();
  return kept === "light" || kept === "dark" ? kept : "auto";
}

function setTheme(theme: Theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  apply(theme);
}

export function apply(chosen = theme()) {
  const dark = chosen === "dark" || (chosen === "auto" && prefersDark.matches);
  document.documentElement.dataset["theme"] = dark ? "dark" : "light";
  dispatchEvent(new Event(CHANGED));
}

prefersDark.addEventListener("change", () => apply());

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** The value of a colour such as `train`, now. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Calls when the colours change. */
export function useThemeChange(changed: () => void) {
  useEffect(() => {
    addEventListener(CHANGED, changed);
    return () => removeEventListener(CHANGED, changed);
  });
}

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [chosen, choose] = useState(theme);
  return [
    chosen,
    (next) => {
      choose(next);
      setTheme(next);
    },
  ];
}

/** A layer's colour, from the first to the last as in the report. */
export function layerColour(at: number, of: number): string {
  return `layer-${of < 2 ? 0 : Math.round((at * 7) / (of - 1))}`;
}

/** Colours of compared runs, told apart also by their dashes from the ninth on. */
const RUNS = ["train", "dev", "test", "layer-2", "layer-4", "layer-7", "layer-0", "ink-2"];

export function runColour(at: number): { colour: string; dash: number[] } {
  return { colour: RUNS[at % RUNS.length]!, dash: at < RUNS.length ? [] : [6, 4] };
}
