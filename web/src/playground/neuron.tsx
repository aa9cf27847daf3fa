// Forward and backward through one example, formula by formula.

import type { ComponentChildren } from "preact";

import { number } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { Plot } from "../parts/plot.tsx";
import { Button, Card, Choice, Command, Failure, Loading } from "../parts/ui.tsx";
import { asked, play, type Example } from "./api.ts";
import { Matrix, NumberField, Seed, Select, Slider, column } from "./controls.tsx";
import { useSettings } from "./settings.ts";

const DEFAULTS = { x1: 1.5, x2: -2, y: 1, layers: "", activation: "tanh", alpha: 0.5, steps: 0, seed: 0, at: 0 };

const NETWORKS = [["", "A neuron alone"], ["2", "2 hidden units"], ["3", "3 hidden units"], ["3,2", "Layers of 3 and 2 units"]] as const;
const ACTIVATIONS = [["tanh", "tanh"], ["sigmoid", "σ"], ["relu", "ReLU"], ["leaky_relu", "Leaky ReLU"]] as const;
const DERIVATIVES: Record<string, string> = { tanh: "1 − a²", sigmoid: "a (1 − a)", relu: "1 where z > 0, else 0", leaky_relu: "1 where z > 0, else 0.01" };
const NAMES: Record<string, string> = { tanh: "tanh(z)", sigmoid: "σ(z)", relu: "max(0, z)", leaky_relu: "max(0.01 z, z)" };

interface Stage {
  pass: "forward" | "loss" | "backward" | "update";
  title: string;
  formula: ComponentChildren;
  value: ComponentChildren;
}

export function NeuronLesson() {
  const [settings, change] = useSettings("neuron", DEFAULTS);
  const { x1, x2, y, layers, activation, alpha, steps, seed, at } = settings;
  const query = { x: `${x1},${x2}`, y, layers, activation, alpha, steps, seed };
  const { data, error, reload } = useLoad(asked(query), () => play.compute<Example>("example", query));
  const fresh = (changes: Partial<typeof DEFAULTS>) => change({ ...changes, steps: 0 });
  const stages = data ? stagesOf(data, activation, alpha) : [];
  const shown = at === 0 ? stages.length : Math.min(at, stages.length);
  const command = `thalweg train sample:blobs,seed=${seed} --recipe course --layers ${layers || "none"} ${layers ? `--activation ${activation} ` : ""}--learning-rate ${alpha} --batch-size 0 --epochs 100 --seed ${seed}`;
  return (
    <>
      <Card title="An example and a network">
        <div class="play-row">
          <Slider label={<>x<sub>1</sub></>} value={x1} set={(x1) => fresh({ x1 })} min={-3} max={3} step={0.1} />
          <Slider label={<>x<sub>2</sub></>} value={x2} set={(x2) => fresh({ x2 })} min={-3} max={3} step={0.1} />
          <div class="field">
            <span>Its label y</span>
            <Choice label="Label y" value={String(y)} options={[["0", "0"], ["1", "1"]]} choose={(y) => fresh({ y: Number(y) })} />
          </div>
          <Select label="Network" value={layers} options={NETWORKS} set={(layers) => fresh({ layers, at: at === 0 ? 0 : 1 })} />
          {layers !== "" && <Select label="Activation g" value={activation} options={ACTIVATIONS} set={(activation) => fresh({ activation })} />}
          <NumberField label="Learning rate α" value={alpha} set={(alpha) => fresh({ alpha })} min={0} max={100} step="any" />
          <Seed seed={seed} set={(seed) => fresh({ seed })} />
        </div>
      </Card>
      {error && <Failure error={error} retry={reload} />}
      {data === null ? (
        !error && <Loading lines={6} />
      ) : (
        <>
          <Card
            title={steps === 0 ? "Before the first step" : `After ${steps === 1 ? "1 step" : `${steps} steps`} of gradient descent`}
            side={
              <div class="buttons">
                <Button disabled={steps === 0} onClick={() => change({ steps: steps - 1 })}>
                  Step back
                </Button>
                <Button kind="primary" disabled={steps >= 500} onClick={() => change({ steps: steps + 1 })}>
                  Take the step
                </Button>
              </div>
            }
          >
            <div class="controls">
              <div class="buttons">
                <Button disabled={at === 1} onClick={() => change({ at: at === 0 ? 1 : at - 1 })}>
                  {at === 0 ? "Walk through" : "Previous formula"}
                </Button>
                {at > 0 && (
                  <>
                    <Button disabled={at >= stages.length} onClick={() => change({ at: at + 1 })}>
                      Next formula
                    </Button>
                    <Button onClick={() => change({ at: 0 })}>Show all</Button>
                  </>
                )}
              </div>
              {at > 0 && (
                <span class="muted">
                  {shown} of {stages.length}
                </span>
              )}
            </div>
            <ol class="stages" aria-live="polite">
              {stages.slice(0, shown).map((stage, i) => (
                <li key={i} class={`${stage.pass} ${at > 0 && i === shown - 1 ? "current" : ""}`}>
                  <b>{stage.title}</b>
                  <span class="math">{stage.formula}</span>
                  <span class="value-of">{stage.value}</span>
                </li>
              ))}
            </ol>
          </Card>
          {data.losses.length > 1 && (
            <Card title="The loss, step by step" note="Gradient descent on this one example alone.">
              <Plot title="Loss by step" x={data.losses.map((_, i) => i)} xName="step" height={150} lines={[{ name: "L", colour: "train", y: data.losses }]} />
            </Card>
          )}
        </>
      )}
      <Card title="On many examples, in a terminal" note="The same formulas with m examples at once: dw = X dZᵀ / m, db = mean dZ. Here all of them make one batch.">
        <Command text={command} />
      </Card>
    </>
  );
}

/** Each formula with its numbers, from the input forward to the loss, back, and to the next parameters. */
function stagesOf(example: Example, activation: string, alpha: number): Stage[] {
  const last = example.layers.length - 1;
  const name = (letter: string, l: number) => (
    <>
      {letter}
      {last > 0 && <sup>[{l + 1}]</sup>}
    </>
  );
  const layerName = (l: number) => (last === 0 ? "the neuron" : l === last ? "the output" : `layer ${l + 1}`);
  const forward = example.layers.flatMap((layer, l): Stage[] => {
    const input = l === 0 ? example.x : example.layers[l - 1]!.a;
    const inputName = l === 0 ? <>x</> : name("a", l - 1);
    return [
      {
        pass: "forward",
        title: `Weighted sum of ${layerName(l)}`,
        formula: <>{name("z", l)} = {last === 0 ? <>w<sup>T</sup></> : name("W", l)} {inputName} + {name("b", l)}</>,
        value: <><Matrix values={layer.w} /> <Matrix values={column(input)} /> + <Matrix values={column(layer.b)} /> = <Matrix values={column(layer.z)} /></>,
      },
      {
        pass: "forward",
        title: l === last ? "Answer" : `Activation of ${layerName(l)}`,
        formula: l === last ? <>ŷ = {name("a", l)} = σ(z) = 1 / (1 + e<sup>−z</sup>)</> : <>{name("a", l)} = g(z) = {NAMES[activation]}</>,
        value: <Matrix values={column(layer.a)} />,
      },
    ];
  });
  const answer = example.layers[last]!.a[0]!;
  const loss: Stage = {
    pass: "loss",
    title: "Loss",
    formula: example.y === 1 ? <>L = −y ln ŷ − (1−y) ln(1−ŷ) = −ln ŷ</> : <>L = −y ln ŷ − (1−y) ln(1−ŷ) = −ln(1−ŷ)</>,
    value: <>−ln {number(example.y === 1 ? answer : 1 - answer, 3)} = <b>{number(example.loss, 4)}</b></>,
  };
  const backward = example.layers.map((layer, l) => ({ layer, l })).reverse().flatMap(({ layer, l }): Stage[] => {
    const above = example.layers[l + 1];
    const input = l === 0 ? example.x : example.layers[l - 1]!.a;
    return [
      l === last
        ? {
            pass: "backward",
            title: "Error of the answer",
            formula: <>{name("dz", l)} = a − y</>,
            value: <>{number(layer.a[0], 3)} − {example.y} = <b>{number(layer.dz[0], 3)}</b></>,
          }
        : {
            pass: "backward",
            title: `Back to layer ${l + 1}`,
            formula: <>{name("dz", l)} = {name("W", l + 1)}<sup>T</sup> {name("dz", l + 1)} ∗ g′(z), g′ = {DERIVATIVES[activation]}</>,
            value: <><Matrix values={transposed(above!.w)} /> <Matrix values={column(above!.dz)} /> ∗ <Matrix values={column(layer.slope ?? [])} /> = <Matrix values={column(layer.dz)} /></>,
          },
      {
        pass: "backward",
        title: `Gradient of the weights of ${layerName(l)}`,
        formula: <>{name(last === 0 ? "dw" : "dW", l)} = {name("dz", l)} {l === 0 ? <>x</> : name("a", l - 1)}<sup>T</sup></>,
        value: <><Matrix values={column(layer.dz)} /> <Matrix values={[input]} /> = <Matrix values={layer.dw} /></>,
      },
      { pass: "backward", title: `Gradient of the bias of ${layerName(l)}`, formula: <>{name("db", l)} = {name("dz", l)}</>, value: <Matrix values={column(layer.db)} /> },
    ];
  });
  const update = example.layers.map((layer, l): Stage => ({
    pass: "update",
    title: `Step of ${layerName(l)}`,
    formula: <>{name(last === 0 ? "w" : "W", l)} := {name(last === 0 ? "w" : "W", l)} − α {name(last === 0 ? "dw" : "dW", l)}, {name("b", l)} := {name("b", l)} − α {name("db", l)}</>,
    value: <><Matrix values={layer.w} /> − {alpha} <Matrix values={layer.dw} /> = <Matrix values={example.after[l]!.w} />, b = <Matrix values={column(example.after[l]!.b)} /></>,
  }));
  return [...forward, loss, ...backward, ...update];
}

const transposed = (rows: number[][]) => rows[0]!.map((_, j) => rows.map((row) => row[j]!));
