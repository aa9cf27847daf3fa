// Numbers and words as the report writes them.

/** What stands where there is no value. */
export const NONE = "–";

/** `1,234`. */
export function count(n: number): string {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 row`, `2 rows`. */
export function plural(n: number, thing: string): string {
  return `${count(n)} ${thing}${n === 1 ? "" : "s"}`;
}

/** With this many decimals, grouped thousands and a true minus sign. */
export function fixed(value: number, decimals: number): string {
  const text = Math.abs(value).toFixed(decimals);
  const [whole = "", fraction] = text.split(".");
  const sign = value < 0 && Number(text) !== 0 ? "−" : "";
  return sign + whole.replace(/\B(?=(\d{3})+$)/g, ",") + (fraction === undefined ? "" : `.${fraction}`);
}

/** To a few significant digits: `0.0312`, `61,250`, `1.2 × 10⁻⁹`; a dash where there is none. */
export function number(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined || Number.isNaN(value)) return NONE;
  if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
  if (value === 0) return "0";
  const exponent = Number(value.toExponential(digits - 1).split("e")[1]);
  if (exponent >= -4 && exponent < 7) return fixed(value, Math.max(0, digits - 1 - exponent));
  const [mantissa = "", power = "0"] = value.toExponential(Math.min(digits - 1, 1)).split("e");
  return `${mantissa.replace("-", "−")} × 10${raised(Number(power))}`;
}

/** Like `number`, without what an axis can do without: `0.5` of `0.500`, `10⁻⁵` of `1.0 × 10⁻⁵`. */
export function short(value: number | null | undefined, digits = 4): string {
  const text = number(value, digits);
  if (text.includes("×")) return text.replace(".0 ×", " ×").replace(/^(−?)1 × /, "$1");
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** A number written out, cut to the digits that matter: `154.38`; other text as it is. */
export function decimal(text: string, digits: number): string {
  const value = Number(text);
  return text.trim() === "" || !Number.isFinite(value) ? text : String(Number(value.toPrecision(digits)));
}

function raised(power: number): string {
  return String(power).replace(/./g, (c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)]!));
}

/** `97.2 %`. */
export function percent(share: number): string {
  return `${fixed(share * 100, Math.abs(share) < 0.0995 && share !== 0 ? 2 : 1)}\u00a0%`;
}

/** `41 ms`, `2.1 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !(seconds >= 0 && seconds < 1e12)) return NONE;
  if (seconds < 0.9995) return `${fixed(seconds * 1e3, 0)}\u00a0ms`;
  if (seconds < 59.95) return `${fixed(seconds, 1)}\u00a0s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)}\u00a0min ${whole % 60}\u00a0s`;
  return `${count(Math.floor(whole / 3600))}\u00a0h ${Math.floor((whole % 3600) / 60)}\u00a0min`;
}

const SHARES = new Set(["accuracy", "mape"]);
const FOUR_DECIMALS = new Set(["roc_auc", "pr_auc", "f1", "f1_macro", "r2", "brier", "ece"]);

/** A metric's value in its usual unit. */
export function metricValue(name: string, value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return number(value);
  if (SHARES.has(name)) return percent(value);
  if (FOUR_DECIMALS.has(name)) return fixed(value, 4);
  return number(value, name === "log_loss" ? 3 : 4);
}

/** `just now`, `5 min ago`, `yesterday`, `30 Nov`, `30 Nov 2025`. */
export function ago(iso: string | null, now = new Date()): string {
  const then = iso === null ? NaN : Date.parse(iso);
  if (Number.isNaN(then)) return NONE;
  const date = new Date(then);
  const seconds = (now.getTime() - then) / 1000;
  if (seconds < 45) return "just now";
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))}\u00a0min ago`;
  if (date.toDateString() === now.toDateString()) return `${Math.round(seconds / 3600)}\u00a0h ago`;
  if (date.toDateString() === new Date(now.getTime() - 86_400_000).toDateString()) return "yesterday";
  const day = `${date.getDate()}\u00a0${MONTHS[date.getMonth()]}`;
  return date.getFullYear() === now.getFullYear() ? day : `${day} ${date.getFullYear()}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A letter that begins a sentence. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Cut to `most` characters, with an ellipsis if anything was cut. */
export function shorten(text: string, most: number): string {
  const letters = [...text];
  return letters.length <= most ? text : `${letters.slice(0, most - 1).join("").trimEnd()}…`;
}
