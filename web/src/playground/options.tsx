// What a learner sets of the network playground: the points, the network and how it is trained.

import { useState } from "preact/hooks";

import { short } from "../format.ts";
import { Card, Toggle } from "../parts/ui.tsx";
import type { Choices } from "./api.ts";
import { NumberField, Seed, Select, Slider, named } from "./controls.tsx";
import { headerOf } from "./csv.ts";

export const DEFAULTS = {
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

export type Settings = typeof DEFAULTS;

/** A file of a learner's own: it stays in the browser and is sent with the settings. */
export interface Table {
  name: string;
  text: string;
  columns: string[];
}

/** The largest file, in bytes. */
const LARGEST = 1_000_000;

interface Shared {
  settings: Settings;
  change: (changes: Partial<Settings>) => void;
  choices: Choices;
}

export function DataCard({ settings, change, choices, table, setTable }: Shared & { table: Table | null; setTable: (table: Table) => void }) {
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

export function OptionsCard({ settings, change, choices }: Shared) {
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
