// The model's answers: confusion by class, the threshold of two classes, and the examples worth a look.

import { useRef, useState } from "preact/hooks";

import type { Answers, Mistake, Run } from "../api.ts";
import { count, decimal, fixed, number, percent, plural } from "../format.ts";
import { Button, Card, Choice, Empty } from "../parts/ui.tsx";
import { Sections } from "./report.tsx";
import { Threshold } from "./threshold.tsx";

/** Beyond this number of classes the commonest confusions are listed instead of a matrix. */
const MATRIX = 30;
/** Sections of the report that belong with the answers. */
const SECTIONS = new Set(["forecast", "baselines", "calibration", "intervals", "columns"]);

type Cell = readonly [truth: number, prediction: number];

export function AnswersTab({ run }: { run: Run }) {
  const { answers } = run;
  const [cell, choose] = useState<Cell | null>(null);
  if (answers === null) {
    return (
      <Empty title="No answers yet">
        <p>{run.status === "running" ? "They are measured when training ends." : "The run did not come to its end."}</p>
      </Empty>
    );
  }
  return (
    <>
      {answers.confusion.length > 0 && (
        <Card
          title="Right and wrong by class"
          note={`A row is a true class of the ${answers.part} part, a column what the model said. Choose a number to see its examples.`}
        >
          <div class="confusion">
            {answers.confusion.length <= MATRIX ? (
              <Matrix run={run} answers={answers} cell={cell} choose={choose} />
            ) : (
              <Commonest run={run} answers={answers} cell={cell} choose={choose} />
            )}
            {cell && <CellExamples run={run} answers={answers} cell={cell} close={() => choose(null)} />}
          </div>
        </Card>
      )}
      {answers.operating && answers.operating.points.length > 0 && (
        <Threshold curve={answers.operating} part={answers.part} positive={run.classes[1] ?? "the second class"} />
      )}
      <Examples answers={answers} />
      <Sections run={run} which={({ id }) => SECTIONS.has(id) || (id === "results" && answers.confusion.length === 0)} />
    </>
  );
}

interface MatrixProps {
  run: Run;
  answers: Answers;
  cell: Cell | null;
  choose: (cell: Cell | null) => void;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const same = (a: Cell | null, b: Cell) => a !== null && a[0] === b[0] && a[1] === b[1];

/** One stop of the tab key; the arrow keys move between its cells. */
function Matrix({ run, answers, cell, choose }: MatrixProps) {
  const { confusion } = answers;
  const n = confusion.length;
  const table = useRef<HTMLTableElement>(null);
  const [[row, column], focus] = useState<Cell>([0, 0]);
  const keys = (event: KeyboardEvent) => {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    const inside = (at: number) => Math.min(n - 1, Math.max(0, at));
    const next: Cell = [inside(row + move[0]!), inside(column + move[1]!)];
    focus(next);
    table.current?.querySelector<HTMLElement>(`[data-cell="${next[0]},${next[1]}"]`)?.focus();
  };
  const name = (i: number) => run.classes[i] ?? String(i);
  const share = (hit: number, of: number) => (of === 0 ? "–" : percent(hit / of));
  return (
    <div class="scroll">
      <table class={`matrix ${n > 12 ? "dense" : ""}`} ref={table} onKeyDown={keys}>
        <caption class="hidden">Confusion matrix on the {answers.part} part</caption>
        <thead>
          <tr>
            <th scope="col">
              <span class="muted">true ↓ said →</span>
            </th>
            {confusion.map((_, j) => (
              <th key={j} scope="col" title={name(j)}>
                <span>{name(j)}</span>
              </th>
            ))}
            <th scope="col">recall</th>
          </tr>
        </thead>
        <tbody>
          {confusion.map((line, i) => {
            const of = sum(line);
            return (
              <tr key={i}>
                <th scope="row" title={name(i)}>
                  <span>{name(i)}</span>
                </th>
                {line.map((times, j) => {
                  // The square root makes rare mistakes visible.
                  const shade = times === 0 ? 0 : 0.1 + 0.9 * Math.sqrt(times / Math.max(1, of));
                  const words = `${name(i)} ${i === j ? "told" : `taken for ${name(j)}`}: ${count(times)} of ${count(of)} (${share(times, of)})`;
                  return (
                    <td key={j}>
                      <button
                        type="button"
                        class={`${i === j ? "hit" : "miss"} ${shade > 0.55 ? "deep" : ""}`}
                        style={{ "--shade": `${Math.round(shade * 100)}%` }}
                        data-cell={`${i},${j}`}
                        tabIndex={row === i && column === j ? 0 : -1}
                        aria-pressed={same(cell, [i, j])}
                        aria-label={words}
                        title={words}
                        onFocus={() => focus([i, j])}
                        onClick={() => choose(same(cell, [i, j]) ? null : [i, j])}
                      >
                        {times === 0 ? "" : count(times)}
                      </button>
                    </td>
                  );
                })}
                <td class="share">{share(line[i] ?? 0, of)}</td>
              </tr>
            );
          })}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">precision</th>
            {confusion.map((line, j) => (
              <td key={j} class="share">
                {share(line[j] ?? 0, sum(confusion.map((other) => other[j] ?? 0)))}
              </td>
            ))}
            <td />
          </tr>
        </tfoot>
      </table>
    </div>
  );
}

function Commonest({ run, answers, cell, choose }: MatrixProps) {
  const all = answers.confusion
    .flatMap((line, i) => line.map((times, j) => ({ i, j, times, of: sum(line) })))
    .filter(({ i, j, times }) => i !== j && times > 0)
    .sort((a, b) => b.times - a.times)
    .slice(0, 20);
  if (all.length === 0) return <p>No example was mistaken.</p>;
  return (
    <ul class="commonest">
      {all.map(({ i, j, times, of }) => (
        <li key={`${i} ${j}`}>
          <button type="button" aria-pressed={same(cell, [i, j])} onClick={() => choose(same(cell, [i, j]) ? null : [i, j])}>
            <b>{run.classes[i]}</b> taken for <b>{run.classes[j]}</b>
            <span class="muted">
              {count(times)} of {count(of)}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function CellExamples({ run, answers, cell, close }: { run: Run; answers: Answers; cell: Cell; close: () => void }) {
  const [truth, prediction] = [run.classes[cell[0]], run.classes[cell[1]]];
  const times = answers.confusion[cell[0]]?.[cell[1]] ?? 0;
  const known = new Map([...answers.mistakes, ...(answers.unsure ?? [])].map((mistake) => [mistake.place, mistake]));
  const listed = [...known.values()].filter((mistake) => mistake.truth === truth && mistake.prediction === prediction);
  return (
    <div class="drill" role="region" aria-label="Examples of the chosen cell">
      <div class="card-head">
        <h4>
          {plural(times, "row")} of {truth} {cell[0] === cell[1] ? "told" : `taken for ${prediction}`}
        </h4>
        <Button kind="quiet" icon="close" aria-label="Close the examples" onClick={close} />
      </div>
      {listed.length > 0 ? (
        <>
          <p class="muted">
            {listed.length < times ? `${listed.length} of them are among the examples that were kept.` : "All of them:"}
          </p>
          <List mistakes={listed} />
        </>
      ) : (
        <p class="muted">
          {times === 0 ? "There is none." : "None of them is among the most wrong or least sure, the examples that were kept."}
        </p>
      )}
    </div>
  );
}

const SHOWN = 12;

function Examples({ answers }: { answers: Answers }) {
  const [which, choose] = useState<"wrong" | "unsure">("wrong");
  const [all, showAll] = useState(false);
  const unsure = answers.unsure ?? [];
  const mistakes = which === "wrong" ? answers.mistakes : unsure;
  if (answers.mistakes.length === 0 && unsure.length === 0) return null;
  const note =
    which === "wrong"
      ? "The highest losses. Wrong labels and odd rows show up here first."
      : "Between whose classes the model can hardly choose. More of their like in the training part would help most.";
  return (
    <Card
      title={`Examples of the ${answers.part} part`}
      note={note}
      side={
        unsure.length > 0 && (
          <Choice
            label="Which examples"
            value={which}
            choose={choose}
            options={[
              ["wrong", "Most wrong"],
              ["unsure", "Least sure"],
            ]}
          />
        )
      }
    >
      <List mistakes={all ? mistakes : mistakes.slice(0, SHOWN)} />
      {mistakes.length > SHOWN && !all && (
        <p class="more">
          <Button onClick={() => showAll(true)}>Show all {mistakes.length}</Button>
        </p>
      )}
    </Card>
  );
}

/** Pictures and sounds as a sheet, rows of a table as a table. */
function List({ mistakes }: { mistakes: Mistake[] }) {
  if (mistakes.some((mistake) => mistake.picture || mistake.sound)) {
    return (
      <div class="sheet">
        {mistakes.map((mistake) => (
          <figure key={mistake.place}>
            {mistake.picture && <img src={`data:image/png;base64,${mistake.picture}`} alt={`The example at ${mistake.place}`} loading="lazy" />}
            {mistake.sound && <audio controls preload="none" src={`data:audio/wav;base64,${mistake.sound}`} aria-label={`The sound at ${mistake.place}`} />}
            <figcaption>
              <Verdict mistake={mistake} />
              <small title={mistake.place}>{mistake.place}</small>
            </figcaption>
          </figure>
        ))}
      </div>
    );
  }
  const classes = mistakes.some((mistake) => mistake.confidence !== null && mistake.confidence !== undefined);
  const written = (text: string) => (classes ? text : decimal(text, 5));
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Examples">
      <table class="examples">
        <thead>
          <tr>
            <th>Where</th>
            <th>True</th>
            <th>Said</th>
            {classes && <th class="r">Sure</th>}
            <th class="r">Loss</th>
            <th>Inputs</th>
          </tr>
        </thead>
        <tbody>
          {mistakes.map((mistake) => (
            <tr key={mistake.place}>
              <td>{mistake.place}</td>
              <td>{written(mistake.truth)}</td>
              <td class={!classes || mistake.truth === mistake.prediction ? "" : "wrong"}>{written(mistake.prediction)}</td>
              {classes && <td class="r">{typeof mistake.confidence === "number" ? percent(mistake.confidence) : "–"}</td>}
              <td class="r">{number(mistake.loss, 3)}</td>
              <td class="inputs">
                {mistake.inputs.map(([name, value]) => (
                  <span key={name}>
                    <b>{name}</b> {value}
                  </span>
                ))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Verdict({ mistake }: { mistake: Mistake }) {
  const right = mistake.truth === mistake.prediction;
  return (
    <span>
      <b class={right ? "" : "wrong"}>{mistake.prediction}</b>
      {right ? "" : <> for {mistake.truth}</>}
      {typeof mistake.confidence === "number" && <span class="muted"> {fixed(100 * mistake.confidence, 0)} %</span>}
    </span>
  );
}
