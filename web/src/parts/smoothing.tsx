// The slider of β, with the formula of the exponentially weighted average.

import { useId } from "preact/hooks";

import { short } from "../format.ts";
import { horizon } from "../series.ts";

const BETAS = [0, 0.5, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99];

export function Smoothing({ beta, set, unit }: { beta: number; set: (beta: number) => void; unit: string }) {
  const id = useId();
  const words = beta === 0 ? "none" : `β = ${beta}, about the last ${horizon(beta)} ${unit}`;
  return (
    <div class="smoothing">
      <label for={id}>Smoothing</label>
      <input
        id={id}
        type="range"
        min={0}
        max={BETAS.length - 1}
        step={1}
        value={BETAS.indexOf(beta)}
        aria-valuetext={words}
        onInput={(event) => set(BETAS[Number(event.currentTarget.value)]!)}
      />
      <output>{beta === 0 ? "off" : `β = ${beta}`}</output>
      {beta > 0 && (
        <span class="formula" title={`Exponentially weighted average with bias correction: about the last ${horizon(beta)} ${unit}`}>
          <i>v</i> ← {beta} <i>v</i> + {short(1 - beta, 2)} <i>θ</i>, drawn <i>v</i> ⁄ (1 − {beta}
          <sup>
            <i>t</i>
          </sup>
          ): about the last {horizon(beta)} {unit}
        </span>
      )}
    </div>
  );
}
