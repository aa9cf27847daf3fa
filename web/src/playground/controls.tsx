// Controls that lessons share: sliders with their values, numbers, lists, and formulas with live numbers.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useState } from "preact/hooks";

import { number, short } from "../format.ts";
import { Button } from "../parts/ui.tsx";

interface SliderProps {
  label: ComponentChildren;
  value: number;
  set: (value: number) => void;
  min: number;
  max: number;
  step?: number;
  /** Powers of ten between the ends: the slider moves by exponents. */
  log?: boolean;
  format?: (value: number) => string;
}

export function Slider({ label, value, set, min, max, step = 1, log = false, format = (value) => short(value, 4) }: SliderProps) {
  const id = useId();
  const there = (shown: number) => (log ? Number((10 ** shown).toPrecision(2)) : shown);
  const here = (real: number) => (log ? Math.log10(real) : real);
  return (
    <div class="play-slider">
      <label for={id}>{label}</label>
      <output>{format(value)}</output>
      <input
        id={id}
        type="range"
        min={here(min)}
        max={here(max)}
        step={log ? 0.05 : step}
        value={here(value)}
        aria-valuetext={format(value)}
        onInput={(event) => set(there(event.currentTarget.valueAsNumber))}
      />
    </div>
  );
}

/** A number that is typed; it is taken when it is whole and within its range. */
export function NumberField(props: { label: ComponentChildren; value: number; set: (value: number) => void; min: number; max: number; step?: number | "any" }) {
  const { label, value, set, min, max, step = 1 } = props;
  const [text, setText] = useState(String(value));
  useEffect(() => setText(String(value)), [value]);
  const take = (text: string) => {
    setText(text);
    const typed = Number(text);
    if (text.trim() !== "" && typed >= min && typed <= max && (step !== 1 || Number.isInteger(typed))) set(typed);
  };
  const wrong = text.trim() === "" || !(Number(text) >= min && Number(text) <= max);
  return (
    <label class="field">
      {label}
      <input type="number" min={min} max={max} step={step} value={text} aria-invalid={wrong} onInput={(event) => take(event.currentTarget.value)} onBlur={() => setText(String(value))} />
    </label>
  );
}

export function Select(props: { label: ComponentChildren; value: string; options: readonly (readonly [value: string, name: string])[]; set: (value: string) => void }) {
  return (
    <label class="field">
      {props.label}
      <select value={props.value} onChange={(event) => props.set(event.currentTarget.value)}>
        {props.options.map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The seed, and a button for another one. */
export function Seed({ seed, set }: { seed: number; set: (seed: number) => void }) {
  return (
    <div class="play-seed">
      <NumberField label="Seed" value={seed} set={set} min={0} max={1e9} />
      <Button icon="reset" aria-label="Next seed" onClick={() => set(seed + 1)} />
    </div>
  );
}

/** A name as a sentence begins with it: `gradient_descent` is “Gradient descent”. */
export function words(name: string): string {
  const known: Record<string, string> = { relu: "ReLU", leaky_relu: "Leaky ReLU", elu: "ELU", selu: "SELU", gelu: "GELU", gelu_tanh: "GELU (tanh)", silu: "SiLU", rmsprop: "RMSprop", adamw: "AdamW" };
  const spaced = name.replace(/_/g, " ");
  const plain = spaced.charAt(0).toUpperCase() + spaced.slice(1);
  return known[name] ?? plain.replace(/^(He|Xavier|Glorot) (normal|uniform)$/, "$1, $2");
}

export const named = (names: readonly string[]) => names.map((name) => [name, words(name)] as const);

/** A formula of the course, or what is to be said of one in plain words, and its numbers now. */
export function Formula({ title, children, value, plain = false }: { title: ComponentChildren; children: ComponentChildren; value?: ComponentChildren; plain?: boolean }) {
  return (
    <div class="play-formula">
      <dt>{title}</dt>
      <dd>
        <span class={plain ? "" : "math"}>{children}</span>
        {value !== undefined && <span class="now">{value}</span>}
      </dd>
    </div>
  );
}

/** Rows of numbers in brackets. */
export function Matrix({ values, digits = 3 }: { values: readonly (readonly (number | null)[])[]; digits?: number }) {
  const size = `${values.length} × ${values[0]?.length ?? 0}`;
  if (values.length === 1 && values[0]!.length === 1) return <span class="scalar">{number(values[0]![0], digits)}</span>;
  return (
    <span class="matrix-of" role="img" aria-label={`${size}: ${values.map((row) => row.map((value) => number(value, digits)).join(", ")).join("; ")}`}>
      <span style={{ gridTemplateColumns: `repeat(${values[0]?.length ?? 1}, auto)` }}>
        {values.flatMap((row, i) => row.map((value, j) => <b key={`${i} ${j}`}>{number(value, digits)}</b>))}
      </span>
    </span>
  );
}

export const column = (values: readonly (number | null)[]) => values.map((value) => [value]);
