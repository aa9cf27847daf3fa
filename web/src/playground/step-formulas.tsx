// The formulas of a step with the settings that are made, and what they come to now.

import type { ComponentChildren } from "preact";

import { count, number, short } from "../format.ts";
import { Card } from "../parts/ui.tsx";
import type { Begun, Snapshot } from "./api.ts";
import { Formula } from "./controls.tsx";
import type { Settings } from "./options.tsx";

const UPDATES: Record<string, ComponentChildren> = {
  gradient_descent: <>θ := θ − α dθ</>,
  momentum: <>V := βV + (1−β) dθ, θ := θ − αV</>,
  nesterov: <>V := βV + (1−β) dθ, θ := θ − α(βV + (1−β) dθ)</>,
  rmsprop: <>S := βS + (1−β) dθ², θ := θ − α dθ / √(S + ε)</>,
  adam: <>V := β₁V + (1−β₁) dθ, S := β₂S + (1−β₂) dθ², θ := θ − α V̂ / (√Ŝ + ε)</>,
  adamw: <>Adam, and W := W − α · decay · W</>,
};

/** What a step computes with these settings, and what it comes to now. */
export function FormulaCard({ settings, begun, now }: { settings: Settings; begun: Begun; now: Snapshot }) {
  const hiddenLayers = now.layers.length > 1;
  const squares = now.layers.reduce((sum, layer) => sum + layer.weights.reduce<number>((sum, w) => sum + (w ?? 0) ** 2, 0), 0);
  const m = begun.points.train.length;
  const gradient = Math.sqrt(now.layers.reduce((sum, layer) => sum + (layer.gradient.size ?? 0) ** 2 * layer.weights.length, 0));
  const multiclass = begun.classes.length > 2;
  return (
    <Card title="What a step computes" note={`m = ${count(m)} training points; the numbers are those of step ${count(now.step)}.`}>
      <dl class="play-formulas">
        <Formula title="Inputs">x := (x − μ) / σ, μ and σ of the training points</Formula>
        {hiddenLayers && (
          <Formula title="Forward">
            Z<sup>[l]</sup> = W<sup>[l]</sup> A<sup>[l−1]</sup> + b<sup>[l]</sup>, A<sup>[l]</sup> = g(Z<sup>[l]</sup>)
          </Formula>
        )}
        {settings.batch_norm && hiddenLayers && (
          <Formula title="Batch norm">
            z̃ = γ (z − μ) / √(σ² + ε) + β, μ and σ² of the mini-batch
          </Formula>
        )}
        {settings.dropout > 0 && hiddenLayers && (
          <Formula title="Dropout" value={`p = ${number(1 - settings.dropout, 2)}`}>
            a := a · mask / p, mask = rand &lt; p, in training only
          </Formula>
        )}
        <Formula title="Output">{begun.classes.length === 0 ? "ŷ = z" : multiclass ? "t = eᶻ, ŷ = t / Σt" : "ŷ = σ(z) = 1 / (1 + e⁻ᶻ)"}</Formula>
        <Formula title="Cost" value={`J = ${number(now.loss.train, 4)} on train`}>
          {begun.classes.length === 0 ? "J = 1/m Σ ½ (ŷ − y)²" : multiclass ? "J = 1/m Σ −ln ŷ of the true class" : "J = 1/m Σ −y ln ŷ − (1−y) ln(1−ŷ)"}
        </Formula>
        {settings.l2 > 0 && (
          <Formula title="L2 term" value={`+ ${number((settings.l2 / 2 / m) * squares, 4)}`}>
            J += λ / (2m) Σ ‖W‖², dW += λ / m W
          </Formula>
        )}
        <Formula title="Backward" value={`‖dW‖ = ${number(gradient, 3)}`}>
          dZ<sup>[L]</sup> = A<sup>[L]</sup> − Y, dW<sup>[l]</sup> = 1/m dZ<sup>[l]</sup> A<sup>[l−1]ᵀ</sup>, db<sup>[l]</sup> = mean dZ<sup>[l]</sup>
        </Formula>
        <Formula title="Update" value={`α = ${short(now.learning_rate || settings.learning_rate, 3)}`}>
          {UPDATES[settings.optimizer]}
        </Formula>
      </dl>
    </Card>
  );
}
