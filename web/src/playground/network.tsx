// The network playground: points, a network, and how it learns them.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { count, number, percent, short } from "../format.ts";
import { useLoad } from "../hooks.ts";
import { Plot } from "../parts/plot.tsx";
import { Button, Card, Choice, Command, Failure, Icon, Loading, Toggle } from "../parts/ui.tsx";
import { asked, play, type Begun, type Choices, type Histogram, type Probed, type Snapshot } from "./api.ts";
import { Formula, Matrix, NumberField, Seed, Select, Slider, named } from "./controls.tsx";
import { headerOf } from "./csv.ts";
import { Plane } from "./plane.tsx";
import { Diagram, Weights } from "./diagram.tsx";
import { useSettings } from "./settings.ts";
import { useTraining } from "./training.ts";

const DEFAULTS = {
  data: "circles",
  rows: 300,
  noise: 0.1,
  train: 0.7,
  layers: "4,2",
  activation: "tanh",
  init: "",
  init_scale: 0.01,
  optimizer: "gradient_descent",
  learning_rate: 0.1,
  batch_size: 10,
  epochs: 300,
  l2: 0,
  dropout: 0,
  batch_norm: false,
  schedule: "constant",
  seed: 0,
  // Columns of a learner's own file.
  x: "",
  y: "",
  target: "",
};

type Settings = typeof DEFAULTS;

/** A file of a learner's own: it stays in the browser and is sent with the settings. */
interface Table {
  name: string;
  text: string;
  columns: string[];
}

const PACES = [["1", "Slow"], ["20", "Steady"], ["100", "Fast"], ["400", "Fastest"]] as const;
const LARGEST = 1_000_000;

const hidden = (layers: string) => layers.split(",").map(Number).filter((units) => units > 0 && Number.isInteger(units));

export function NetworkLesson() {
  const [settings, change] = useSettings("network", DEFAULTS);
  const [table, setTable] = useState<Table | null>(null);
  const [pace, setPace] = useState("20");
  // On narrow pages they are folded away, unless there is something to choose first.
  const [wide] = useState(() => matchMedia("(min-width: 861px)").matches || settings.data === "csv");
  const { data: choices, error, reload } = useLoad("play choices", play.choices);
  const sent = useMemo(() => toSend(settings, table), [settings, table]);
  const training = useTraining(sent, Number(pace));
  if (choices === null) return error ? <Failure error={error} retry={reload} /> : <Loading />;
  const { begun, now } = training;
  return (
    <div class="play-network">
      <details class="play-settings" open={wide}>
        <summary>
          <Icon name="down" /> Points and settings
        </summary>
        <div class="play-side">
          <DataCard settings={settings} change={change} choices={choices} table={table} setTable={setTable} />
          <OptionsCard settings={settings} change={change} choices={choices} />
        </div>
      </details>
      <div class="play-main">
        {training.error && <Failure error={training.error} retry={training.reset} />}
        {sent === null && (
          <Card title="Your own points">
            <p class="muted">Choose a CSV file, two of its columns of numbers, and the column to predict.</p>
          </Card>
        )}
        {begun && now ? (
          <>
            <Transport training={training} begun={begun} now={now} pace={pace} setPace={setPace} />
            <div class="play-pictures">
              <Card title="Network" class="play-diagram">
                <Diagram begun={begun} now={now} layers={hidden(settings.layers)} limits={choices.limits} change={(layers) => change({ layers: layers.join(",") || "none" })} />
                <Weights begun={begun} now={now} />
              </Card>
              <PlaneCard begun={begun} now={now} />
            </div>
            <div class="pair">
              <Card title="Loss" side={<span class="muted">after each epoch</span>}>
                <Plot
                  title="Loss by epoch"
                  x={now.history.epochs}
                  xName="epoch"
                  height={200}
                  lines={[
                    { name: "train", colour: "train", y: now.history.train },
                    { name: "test", colour: "test", y: now.history.test },
                  ]}
                />
              </Card>
              <Card title={begun.metric === "accuracy" ? "Accuracy" : "Root mean squared error"}>
                <Plot
                  title={`${begun.metric} by epoch`}
                  x={now.history.epochs}
                  xName="epoch"
                  height={200}
                  lines={[
                    { name: "train", colour: "train", y: now.history.train_metric, format: metricFormat(begun) },
                    { name: "test", colour: "test", y: now.history.test_metric, format: metricFormat(begun) },
                  ]}
                  yFormat={begun.metric === "accuracy" ? (value) => `${short(100 * value, 3)} %` : (value) => short(value, 3)}
                />
              </Card>
            </div>
            <Histograms now={now} />
            <FormulaCard settings={settings} begun={begun} now={now} />
            <Card title="The same in a terminal" note={commandNote(settings, begun)}>
              <Command text={begun.command} />
              {settings.data !== "csv" && (
                <p class="muted small">
                  The points: <a href={`api/play/points.csv?${asked({ data: settings.data, rows: settings.rows, noise: settings.noise, seed: settings.seed })}`}>points.csv</a>
                </p>
              )}
            </Card>
          </>
        ) : (
          sent !== null && !training.error && <Loading lines={8} />
        )}
      </div>
    </div>
  );
}

function commandNote(settings: Settings, begun: Begun): string {
  const rows = settings.data === "csv" ? "the file’s rows" : "the same points";
  return `It trains the same network on ${rows} for ${count(begun.epochs)} epochs with the same steps, and ends with the losses and the ${begun.metric === "accuracy" ? "accuracy" : "error"} that stand here then.`;
}

/** The settings as the server takes them, or nothing as long as columns are to be chosen. */
function toSend(settings: Settings, table: Table | null): object | null {
  const { layers, init, init_scale, x, y, target, ...rest } = settings;
  const scaled = init === "normal" || init === "uniform";
  const sent = { ...rest, layers: hidden(layers), ...(init !== "" && { init }), ...(scaled && { init_scale }) };
  if (settings.data !== "csv") return sent;
  const chosen = [x, y, target];
  if (table === null || !chosen.every((name) => table.columns.includes(name)) || new Set(chosen).size < 3) return null;
  return { ...sent, csv: { name: table.name, text: table.text, inputs: [x, y], target } };
}

const metricFormat = (begun: Begun) => (begun.metric === "accuracy" ? percent : (value: number) => number(value, 3));

interface Shared {
  settings: Settings;
  change: (changes: Partial<Settings>) => void;
  choices: Choices;
}

function DataCard({ settings, change, choices, table, setTable }: Shared & { table: Table | null; setTable: (table: Table) => void }) {
  const [trouble, setTrouble] = useState("");
  const take = async (file: File | undefined) => {
    if (!file) return;
    if (file.size > LARGEST) return setTrouble("The file is larger than 1 MB. Here a part of it is enough; thalweg train takes all of it.");
    const text = await file.text();
    const columns = headerOf(text);
    if (columns.length < 3) return setTrouble("The first line names fewer than three columns.");
    setTrouble("");
    setTable({ name: file.name, text, columns });
    const keep = (name: string, at: number) => (columns.includes(name) ? name : columns[at]!);
    change({ x: keep(settings.x, 0), y: keep(settings.y, 1), target: keep(settings.target, columns.length - 1) });
  };
  const sets = [...choices.sets.map(({ name, title }) => [name, title] as const), ["csv", "A CSV file of your own"] as const];
  const choose = (data: string) => change({ data, noise: choices.sets.find((set) => set.name === data)?.noise ?? settings.noise });
  const columns = (table?.columns ?? []).map((name) => [name, name] as const);
  return (
    <Card title="Points">
      <div class="play-fields">
        <Select label="Data" value={settings.data} options={sets} set={choose} />
        {settings.data === "csv" ? (
          <>
            <label class="drop-zone small-zone" onDragOver={(event) => event.preventDefault()} onDrop={(event) => (event.preventDefault(), void take(event.dataTransfer?.files[0]))}>
              <input class="hidden" type="file" accept=".csv,.tsv,.txt,text/csv" onChange={(event) => void take(event.currentTarget.files?.[0])} />
              <span>
                <b>{table ? table.name : "Choose or drop a CSV file"}</b>
                <small class="muted">up to 5,000 rows; it goes to this machine’s server alone</small>
              </span>
            </label>
            {trouble && (
              <p class="wrong" role="alert">
                {trouble}
              </p>
            )}
            {table && (
              <>
                <Select label="Across" value={settings.x} options={columns} set={(x) => change({ x })} />
                <Select label="Upwards" value={settings.y} options={columns} set={(y) => change({ y })} />
                <Select label="To predict" value={settings.target} options={columns} set={(target) => change({ target })} />
              </>
            )}
          </>
        ) : (
          <>
            <Slider label="Noise" value={settings.noise} set={(noise) => change({ noise })} min={0} max={1} step={0.05} />
            <NumberField label="Points" value={settings.rows} set={(rows) => change({ rows })} min={20} max={choices.limits.rows} />
          </>
        )}
        <Slider label="To train on" value={settings.train} set={(train) => change({ train })} min={0.1} max={0.9} step={0.05} format={(share) => `${Math.round(share * 100)} %`} />
        <Seed seed={settings.seed} set={(seed) => change({ seed })} />
      </div>
    </Card>
  );
}

function OptionsCard({ settings, change, choices }: Shared) {
  const scaled = settings.init === "normal" || settings.init === "uniform";
  const batches = ["1", "2", "5", "10", "20", "32", "64", "128", "0"];
  const listed = batches.includes(String(settings.batch_size)) ? batches : [String(settings.batch_size), ...batches];
  return (
    <Card title="Settings">
      <div class="play-fields">
        <Select label="Activation" value={settings.activation} options={named(choices.activations)} set={(activation) => change({ activation })} />
        <Select label="First weights" value={settings.init} options={[["", "As suits the activation"], ...named(choices.initialisers)]} set={(init) => change({ init })} />
        {scaled && <NumberField label="Their scale" value={settings.init_scale} set={(init_scale) => change({ init_scale })} min={0} max={100} step="any" />}
        <Select label="Optimiser" value={settings.optimizer} options={named(choices.optimizers)} set={(optimizer) => change({ optimizer })} />
        <Slider label="Learning rate α" value={settings.learning_rate} set={(learning_rate) => change({ learning_rate })} min={0.0001} max={10} log format={(rate) => short(rate, 2)} />
        <Select label="Schedule" value={settings.schedule} options={named(choices.schedules)} set={(schedule) => change({ schedule })} />
        <Select label="Batch size" value={String(settings.batch_size)} options={listed.map((size) => [size, size === "0" ? "All points" : size] as const)} set={(size) => change({ batch_size: Number(size) })} />
        <NumberField label="Epochs" value={settings.epochs} set={(epochs) => change({ epochs })} min={1} max={10_000} />
        <NumberField label="L2 term λ" value={settings.l2} set={(l2) => change({ l2 })} min={0} max={1000} step="any" />
        <Slider label="Dropout" value={settings.dropout} set={(dropout) => change({ dropout })} min={0} max={0.8} step={0.05} />
        <Toggle label="Batch norm" on={settings.batch_norm} set={(batch_norm) => change({ batch_norm })} />
      </div>
    </Card>
  );
}

function Transport({ training, begun, now, pace, setPace }: { training: ReturnType<typeof useTraining>; begun: Begun; now: Snapshot; pace: string; setPace: (pace: string) => void }) {
  const { playing } = training;
  const format = metricFormat(begun);
  const name = begun.metric === "accuracy" ? "accuracy" : "error";
  return (
    <section class="strip play-strip" aria-label="Training">
      <div class="bar">
        <i style={{ width: `${(100 * now.epoch) / begun.epochs}%` }} />
      </div>
      <div class="play-transport">
        <div class="buttons">
          <Button kind="primary" icon={playing ? "stop" : "play"} disabled={now.done} onClick={playing ? training.pause : training.start}>
            {playing ? "Pause" : "Play"}
          </Button>
          <Button disabled={playing || now.done} onClick={() => training.step(1)}>
            One step
          </Button>
          <Button disabled={playing || now.done} onClick={() => training.step(begun.steps_per_epoch)}>
            One epoch
          </Button>
          <Button icon="reset" disabled={now.step === 0} onClick={training.reset}>
            Reset
          </Button>
        </div>
        <Choice label="Pace" value={pace} options={PACES} choose={setPace} />
      </div>
      <dl class="figures">
        <Figure name="Epoch" value={count(now.epoch)} more={`of ${count(begun.epochs)}`} />
        <Figure name="Step" value={count(now.step)} more={`α ${short(now.learning_rate, 3)}`} />
        <Figure name="Train loss" value={number(now.loss.train, 3)} />
        <Figure name="Test loss" value={number(now.loss.test, 3)} />
        <Figure name={`Train ${name}`} value={now.metric_value.train === null ? "–" : format(now.metric_value.train)} />
        <Figure name={`Test ${name}`} value={now.metric_value.test === null ? "–" : format(now.metric_value.test)} />
      </dl>
      {now.diverged && (
        <p class="wrong" role="alert">
          {now.diverged.message}. {now.diverged.remedy}
        </p>
      )}
    </section>
  );
}

function Figure({ name, value, more }: { name: string; value: string; more?: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <b>{value}</b> {more && <small>{more}</small>}
      </dd>
    </div>
  );
}

function PlaneCard({ begun, now }: { begun: Begun; now: Snapshot }) {
  const [test, showTest] = useState(true);
  const [point, setPoint] = useState<[number, number] | null>(null);
  const [told, tell] = useState<Probed | null>(null);
  const abort = useRef<AbortController | null>(null);
  useEffect(() => setPoint(null), [begun.id]);
  useEffect(() => {
    abort.current?.abort();
    tell((old) => (point === null ? null : old));
    if (point === null) return;
    const control = new AbortController();
    abort.current = control;
    play.probe(begun.id, ...point, control.signal).then(
      (told) => control.signal.aborted || tell(told),
      () => control.signal.aborted || tell(null),
    );
  }, [point, now]);
  const middle = begun.axes.map((axis) => (axis.low + axis.high) / 2) as [number, number];
  const move = (at: 0 | 1, value: number) => {
    const next: [number, number] = [...(point ?? middle)];
    next[at] = value;
    setPoint(next);
  };
  const rounded = (value: number) => Number(value.toPrecision(3));
  return (
    <Card title="What it answers" class="play-plane" side={<Toggle label="Test points" on={test} set={showTest} />}>
      <Plane begun={begun} now={now} test={test} probed={point} probe={(x, y) => setPoint([x, y])} />
      <div class="probe">
        <p class="muted small">Ask about a point: press on the picture, or type.</p>
        <div class="probe-fields">
          {([0, 1] as const).map((at) => (
            <NumberField key={at} label={begun.axes[at].name} value={rounded((point ?? middle)[at])} set={(value) => move(at, value)} min={-1e9} max={1e9} step="any" />
          ))}
        </div>
        {point !== null && told && <ProbeAnswer begun={begun} told={told} />}
      </div>
    </Card>
  );
}

function ProbeAnswer({ begun, told }: { begun: Begun; told: Probed }) {
  const z = told.activations.at(-1) ?? [];
  const sum = z.reduce((sum, z) => sum + Math.exp(z), 0);
  return (
    <div aria-live="polite">
      <p class="small">
        x normalised <Matrix values={[told.x]} />: it answers <b>{told.value === null ? told.answer : number(told.value, 3)}</b>
      </p>
      {begun.classes.length > 2 ? (
        <table class="softmax">
          <caption class="small muted">
            Softmax: t = e<sup>z</sup>, ŷ = t / Σt, with Σt = {number(sum, 3)}
          </caption>
          <thead>
            <tr>
              <th>class</th>
              <th class="r">z</th>
              <th class="r">t</th>
              <th class="r">ŷ</th>
            </tr>
          </thead>
          <tbody>
            {begun.classes.map((name, i) => (
              <tr key={name}>
                <td>{name}</td>
                <td class="r">{number(z[i], 3)}</td>
                <td class="r">{number(Math.exp(z[i] ?? 0), 3)}</td>
                <td class="r">{number(told.probabilities[i], 3)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        begun.classes.length === 2 && (
          <p class="small math">
            z = {number(z[0], 3)}, ŷ = σ(z) = {number(told.probabilities[1], 3)}
          </p>
        )
      )}
    </div>
  );
}

function Histograms({ now }: { now: Snapshot }) {
  return (
    <Card title="Layer by layer" note="How weights, activations and gradients are spread, over all training points. Beside each, its root mean square: layers should be of one size.">
      <div class="scroll" tabIndex={0} role="region" aria-label="Histograms by layer">
        <table class="histograms">
          <thead>
            <tr>
              <th>Layer</th>
              <th>Weights W</th>
              <th>Activations a</th>
              <th>Gradients ∂J/∂W</th>
            </tr>
          </thead>
          <tbody>
            {now.layers.map((layer, i) => {
              const name = i === now.layers.length - 1 ? "Output" : `Layer ${i + 1}`;
              return (
                <tr key={i}>
                  <th scope="row">{name}</th>
                  <td>
                    <Bars of={layer.histogram} colour="train" name={`${name}, weights`} />
                  </td>
                  <td>
                    <Bars of={layer.activations} colour="layer-2" name={`${name}, activations`} />
                  </td>
                  <td>
                    <Bars of={layer.gradient} colour="dev" name={`${name}, gradients`} />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function Bars({ of, colour, name }: { of: Histogram; colour: string; name: string }) {
  const most = Math.max(1, ...of.counts);
  const [width, height] = [168, 40];
  const bar = width / of.counts.length;
  return (
    <figure class="bars-figure">
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${name}: from ${number(of.low, 2)} to ${number(of.high, 2)}, root mean square ${number(of.size, 2)}`}>
        {of.counts.map((n, i) => (
          <rect key={i} x={i * bar + 0.5} width={bar - 1} y={height - (height * n) / most} height={(height * n) / most} style={{ fill: `var(--${colour})` }} />
        ))}
        <path d={`M0 ${height - 0.5}H${width}`} />
      </svg>
      <figcaption>
        <span>{number(of.low, 2)}</span>
        <b title="Root mean square">{number(of.size, 2)}</b>
        <span>{number(of.high, 2)}</span>
      </figcaption>
    </figure>
  );
}

const UPDATES: Record<string, preact.ComponentChildren> = {
  gradient_descent: <>θ := θ − α dθ</>,
  momentum: <>V := βV + (1−β) dθ, θ := θ − αV</>,
  nesterov: <>V := βV + (1−β) dθ, θ := θ − α(βV + (1−β) dθ)</>,
  rmsprop: <>S := βS + (1−β) dθ², θ := θ − α dθ / √(S + ε)</>,
  adam: <>V := β₁V + (1−β₁) dθ, S := β₂S + (1−β₂) dθ², θ := θ − α V̂ / (√Ŝ + ε)</>,
  adamw: <>Adam, and W := W − α · decay · W</>,
};

/** What a step computes with these settings, and what it comes to now. */
function FormulaCard({ settings, begun, now }: { settings: Settings; begun: Begun; now: Snapshot }) {
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
