// Try the model: fill in a form, or drop a picture or a sound, and see what it answers.

import { useEffect, useRef, useState } from "preact/hooks";

import { api, type Answered, type Field, type Form, type Prediction, type Refusal } from "../api.ts";
import { decimal, fixed, number, percent, short } from "../format.ts";
import { useLoad, useTitle } from "../hooks.ts";
import { Button, Card, Empty, Failure, Icon, Loading } from "../parts/ui.tsx";
import { link } from "../router.ts";
import { Tabs } from "./run.tsx";

export function TryPage({ id }: { id: string }) {
  useTitle(`Try ${id}`);
  const { data: form, error, reload } = useLoad(`form ${id}`, () => api.form(id));
  return (
    <>
      <div class="run-head">
        <a class="back" href={link.run(id)}>
          <Icon name="back" />
          {id}
        </a>
        <div class="run-title">
          <h1>Try {id}</h1>
        </div>
      </div>
      <Tabs id={id} tab="try" hasModel />
      <div class="tab">{form === null ? error ? <Failure error={error} retry={reload} /> : <Loading /> : <Ask id={id} form={form} />}</div>
    </>
  );
}

function Ask({ id, form }: { id: string; form: Form }) {
  switch (form.kind) {
    case "table":
      return <TableForm id={id} fields={form.fields} />;
    case "image":
    case "clip":
    case "sound":
      return <DropForm id={id} kind={form.kind} accept={form.accept} />;
    case "none":
      return (
        <Empty title="This model cannot be tried here">
          <p>
            Its inputs have no form. In the terminal, <code>thalweg predict</code> answers whole files.
          </p>
        </Empty>
      );
  }
}

interface Answer {
  told: Answered | null;
  error: Refusal | null;
}

/** Asks when the question settles; an answer that was overtaken is dropped, the old one stays until the new is there. */
function useAnswer<Q>(question: Q | null, ask: (question: Q, signal: AbortSignal) => Promise<Answered>, wait: number): Answer & { busy: boolean } {
  const [answer, set] = useState<Answer>({ told: null, error: null });
  const [busy, setBusy] = useState(false);
  const latest = useRef(ask);
  latest.current = ask;
  useEffect(() => {
    if (question === null) {
      set({ told: null, error: null });
      return;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      setBusy(true);
      latest
        .current(question, abort.signal)
        .then(
          (told) => abort.signal.aborted || set({ told, error: null }),
          (error: Refusal) => abort.signal.aborted || set((old) => ({ ...old, error })),
        )
        .finally(() => abort.signal.aborted || setBusy(false));
    }, wait);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [question]);
  return { ...answer, busy };
}

const typical = (fields: Field[]) => Object.fromEntries(fields.map((field) => [field.name, field.typical == null ? "" : decimal(String(field.typical), 5)]));

function TableForm({ id, fields }: { id: string; fields: Field[] }) {
  const [inputs, set] = useState(() => typical(fields));
  const missing = fields.filter((field) => field.required && (inputs[field.name] ?? "") === "");
  const answer = useAnswer(missing.length > 0 ? null : inputs, (inputs, signal) => api.predict(id, inputs, signal), 200);
  return (
    <div class="try">
      <Card
        title="Inputs"
        side={
          <Button icon="reset" onClick={() => set(typical(fields))}>
            Typical row
          </Button>
        }
      >
        <form class="inputs-form" onSubmit={(event) => event.preventDefault()}>
          {fields.map((field) => (
            <Input key={field.name} field={field} value={inputs[field.name] ?? ""} set={(value) => set((old) => ({ ...old, [field.name]: value }))} />
          ))}
        </form>
      </Card>
      <Answers {...answer} waiting={missing.length > 0 ? `Fill in ${missing.map((field) => field.name).join(", ")}.` : "The answer appears here."} />
    </div>
  );
}

/** More categories than this are searched rather than listed. */
const LIST = 40;

function Input({ field, value, set }: { field: Field; value: string; set: (value: string) => void }) {
  const { name, type, low = null, high = null, values = [], required, format } = field;
  const change = (event: { currentTarget: { value: string } }) => set(event.currentTarget.value);
  const label = (
    <span class="label">
      {name}
      {required && <small>needed</small>}
    </span>
  );
  if ((type === "category" || type === "boolean") && values.length > 0 && values.length <= LIST) {
    return (
      <label class="field">
        {label}
        <select value={value} onChange={change}>
          {(!required || value === "") && <option value="">unknown</option>}
          {values.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </label>
    );
  }
  if (type === "number") {
    const ranged = low !== null && high !== null && high > low;
    const whole = [low, high, field.typical].every(Number.isInteger);
    return (
      <div class="field">
        <label for={`field ${name}`}>{label}</label>
        <div class="number">
          {ranged && (
            <input
              type="range"
              aria-label={`${name}, from ${short(low)} to ${short(high)}`}
              min={low}
              max={high}
              step={whole ? 1 : "any"}
              value={value === "" ? (low + high) / 2 : value}
              onInput={(event) => set(decimal(event.currentTarget.value, 5))}
            />
          )}
          <input id={`field ${name}`} type="number" step="any" value={value} placeholder="unknown" onInput={change} />
        </div>
        {ranged && (
          <small class="muted">
            {short(low)} to {short(high)}
            {value !== "" && (Number(value) < low || Number(value) > high) && <b class="outside"> outside what it has seen</b>}
          </small>
        )}
      </div>
    );
  }
  const options = `options ${name}`;
  return (
    <label class="field">
      {label}
      <input type={type === "date" && format === "%Y-%m-%d" ? "date" : "text"} value={value} placeholder={format ?? "unknown"} list={values.length > 0 ? options : undefined} onInput={change} />
      {values.length > 0 && (
        <datalist id={options}>
          {values.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </label>
  );
}

const THINGS = {
  image: { title: "A picture", thing: "picture", hint: "or choose one; pasting works, too" },
  clip: {
    title: "A clip",
    thing: "GIF, WebP or PNG that is animated",
    hint: "or choose one; thalweg predict takes folders of frames, too",
  },
  sound: { title: "A sound", thing: "sound", hint: "or choose one; pasting works, too" },
};

function DropForm({ id, kind, accept }: { id: string; kind: keyof typeof THINGS; accept: string[] | undefined }) {
  const [file, setFile] = useState<File | null>(null);
  const [shown, setShown] = useState<string | null>(null);
  const [over, setOver] = useState(false);
  const answer = useAnswer(file, (file, signal) => api.predictFile(id, file, signal), 0);
  const { title, thing, hint } = THINGS[kind];
  // The policy of the page lets pictures and sounds come from data: addresses, not from blob: ones.
  useEffect(() => {
    setShown(null);
    if (!file) return;
    const reader = new FileReader();
    reader.onload = () => setShown(reader.result as string);
    reader.readAsDataURL(file);
    return () => (reader.onload = null);
  }, [file]);
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const pasted = event.clipboardData?.files[0];
      if (pasted) setFile(pasted);
    };
    addEventListener("paste", paste);
    return () => removeEventListener("paste", paste);
  }, []);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const dropped = event.dataTransfer?.files[0];
    if (dropped) setFile(dropped);
  };
  return (
    <div class="try">
      <Card title={title}>
        <label
          class={`drop-zone ${over ? "over" : ""}`}
          onDragOver={(event) => (event.preventDefault(), setOver(true))}
          onDragLeave={() => setOver(false)}
          onDrop={drop}
        >
          <input class="hidden" type="file" accept={(accept ?? []).join(",")} onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)} />
          {shown && kind !== "sound" ? <img src={shown} alt={`The ${kind === "clip" ? "clip" : "picture"} ${file?.name}`} /> : <Icon name="file" />}
          <span>
            <b>{file ? file.name : `Drop a ${thing} here`}</b>
            <small class="muted">{file ? "Drop or choose another" : hint}</small>
          </span>
        </label>
        {shown && kind === "sound" && <audio controls src={shown} aria-label={`The sound ${file?.name}`} />}
      </Card>
      <Answers {...answer} waiting={`The answer appears here when there is a ${thing}.`} />
    </div>
  );
}

/** More classes than this are shown on demand. */
const CLASSES = 10;

function Answers({ told, error, busy, waiting }: Answer & { busy: boolean; waiting: string }) {
  return (
    <div class={`answers ${busy ? "busy" : ""}`} aria-live="polite" aria-busy={busy}>
      {error && <Failure error={error} />}
      {!told && !error && (
        <Card title="Answer">
          <p class="muted">{waiting}</p>
        </Card>
      )}
      {told?.labels && (
        <Card title="Labels">
          <Probabilities probabilities={told.labels} />
        </Card>
      )}
      {told?.predictions.map((prediction) => <PredictionCard key={prediction.target} prediction={prediction} />)}
    </div>
  );
}

function PredictionCard({ prediction }: { prediction: Prediction }) {
  const { target, answer, probabilities, interval, contributions } = prediction;
  return (
    <Card title={target}>
      <p class="value">{probabilities ? answer : decimal(answer, 5)}</p>
      {interval && (
        <p class="of">
          {number(interval.low)} to {number(interval.high)} <span>in {fixed(100 * interval.level, 0)} % of cases</span>
        </p>
      )}
      {probabilities && <Probabilities probabilities={probabilities} />}
      {contributions && contributions.length > 0 && <Contributions contributions={contributions} />}
    </Card>
  );
}

function Probabilities({ probabilities }: { probabilities: NonNullable<Prediction["probabilities"]> }) {
  const [all, showAll] = useState(false);
  const sorted = [...probabilities].sort((a, b) => b.probability - a.probability);
  return (
    <>
      <ul class="bars">
        {(all ? sorted : sorted.slice(0, CLASSES)).map(({ class: name, probability }) => (
          <li key={name}>
            <span class="bar-name" title={name}>
              {name}
            </span>
            <span class="bar">
              <i style={{ width: `${100 * probability}%` }} />
            </span>
            <span class="bar-value">{percent(probability)}</span>
          </li>
        ))}
      </ul>
      {sorted.length > CLASSES && !all && (
        <p class="more">
          <Button onClick={() => showAll(true)}>All {sorted.length} classes</Button>
        </p>
      )}
    </>
  );
}

/** More columns than this would bury those that matter. */
const COLUMNS = 15;

function Contributions({ contributions }: { contributions: NonNullable<Prediction["contributions"]> }) {
  const sorted = [...contributions].sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution)).slice(0, COLUMNS);
  const most = Math.max(1e-12, ...sorted.map((one) => Math.abs(one.contribution)));
  return (
    <>
      <h4>What each input did to the answer</h4>
      <p class="muted small">Shapley values: how far it moves the answer away from that for usual rows.</p>
      <ul class="bars signed">
        {sorted.map(({ name, contribution }) => {
          const width = (50 * Math.abs(contribution)) / most;
          return (
            <li key={name}>
              <span class="bar-name" title={name}>
                {name}
              </span>
              <span class="bar">
                <i class={contribution < 0 ? "minus" : ""} style={{ width: `${width}%`, left: `${contribution < 0 ? 50 - width : 50}%` }} />
              </span>
              <span class="bar-value">
                {contribution > 0 ? "+" : ""}
                {number(contribution, 2)}
              </span>
            </li>
          );
        })}
      </ul>
      {contributions.length > COLUMNS && <p class="muted small">The {COLUMNS} of {contributions.length} columns that did most.</p>}
    </>
  );
}
