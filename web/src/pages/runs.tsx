// The list of runs: search, sort, label, compare, delete.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import { api, type Row, type Status } from "../api.ts";
import { ago, count, duration, metricValue, NONE, plural } from "../format.ts";
import { useLoad, useStream, useThrottled, useTitle } from "../hooks.ts";
import { filter, sort, type Key, type Order } from "../list.ts";
import { LabelsDialog, DeleteDialog } from "../parts/labels.tsx";
import { Button, Command, Empty, Failure, Icon, Loading, STATUS, StatusPill } from "../parts/ui.tsx";
import { link } from "../router.ts";

const COLUMNS: { key: Key; name: string; class?: string; down: boolean }[] = [
  { key: "name", name: "Run", down: false },
  { key: "result", name: "Result", down: true },
  { key: "data", name: "Data", down: false },
  { key: "epoch", name: "Epochs", class: "r", down: true },
  { key: "parameters", name: "Parameters", class: "r", down: true },
  { key: "seconds", name: "Time", class: "r", down: true },
  { key: "started", name: "Started", class: "r", down: true },
];

/** More rows than this are shown on demand. */
const PAGE = 250;

interface View {
  text: string;
  tags: ReadonlySet<string>;
  status: Status | "";
  order: Order;
  chosen: ReadonlySet<string>;
}

/** Kept while other pages are shown. */
let kept: View = { text: "", tags: new Set(), status: "", order: { key: "started", down: true }, chosen: new Set() };

export function RunsPage({ writable }: { writable: boolean }) {
  useTitle("Runs");
  const { data: rows, error, reload } = useLoad("runs", api.runs);
  useStream("stream", { runs: useThrottled(reload, 1000) }, useThrottled(reload, 1000));
  const [view, set] = useState(kept);
  kept = view;
  const change = (part: Partial<View>) => set((old) => ({ ...old, ...part }));
  const [all, showAll] = useState(false);
  const [editing, edit] = useState<Row | null>(null);
  const [deleting, remove] = useState<Row[]>([]);
  const search = useRef<HTMLInputElement>(null);

  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      const typing = (event.target as HTMLElement).closest("input, textarea, select, dialog");
      if (event.key !== "/" || typing) return;
      event.preventDefault();
      search.current?.focus();
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, []);

  const found = useMemo(() => sort(filter(rows ?? [], view), view.order), [rows, view.text, view.tags, view.status, view.order]);
  const chosen = (rows ?? []).filter((row) => view.chosen.has(row.id));

  if (rows === null) return error ? <Failure error={error} retry={reload} /> : <Loading lines={8} />;
  if (rows.length === 0) {
    return (
      <Empty title="No runs yet">
        <p>Train a network in this folder, and it appears here while it learns.</p>
        <Command text="thalweg train sample:digits" />
      </Empty>
    );
  }

  const tags = [...new Set(rows.flatMap((row) => row.tags))].sort();
  const statuses = (Object.keys(STATUS) as Status[]).filter((status) => rows.some((row) => row.status === status));
  const shown = all ? found : found.slice(0, PAGE);
  const choose = (ids: string[], on: boolean) => {
    const next = new Set(view.chosen);
    for (const id of ids) on ? next.add(id) : next.delete(id);
    change({ chosen: next });
  };
  const flip = <T,>(from: ReadonlySet<T>, value: T) => {
    const next = new Set(from);
    if (!next.delete(value)) next.add(value);
    return next;
  };
  const by = (key: Key, down: boolean) =>
    change({ order: { key, down: view.order.key === key ? !view.order.down : down } });
  const allChosen = shown.length > 0 && shown.every((row) => view.chosen.has(row.id));

  return (
    <>
      <div class="page-head">
        <h1>Runs</h1>
        <p class="muted" role="status">
          {found.length === rows.length ? plural(rows.length, "run") : `${count(found.length)} of ${plural(rows.length, "run")}`}
        </p>
      </div>
      {error && <Failure error={error} retry={reload} />}
      <div class="filters">
        <label class="search">
          <Icon name="search" />
          <span class="hidden">Search runs</span>
          <input
            ref={search}
            type="search"
            placeholder="Search by name, data, tag or note"
            value={view.text}
            onInput={(event) => change({ text: event.currentTarget.value })}
          />
          <kbd aria-hidden="true">/</kbd>
        </label>
        <label class="sort-by">
          <span class="hidden">Sort by</span>
          <select
            value={`${view.order.key} ${view.order.down}`}
            onChange={(event) => {
              const [key, down] = event.currentTarget.value.split(" ");
              change({ order: { key: key as Key, down: down === "true" } });
            }}
          >
            {COLUMNS.flatMap(({ key, name, down }) =>
              [down, !down].map((way) => (
                <option key={`${key} ${way}`} value={`${key} ${way}`}>
                  {name} {way ? "↓" : "↑"}
                </option>
              )),
            )}
          </select>
        </label>
        {statuses.length > 1 && (
          <div class="chips" role="group" aria-label="Status">
            {statuses.map((status) => (
              <button
                key={status}
                type="button"
                class={`chip status ${status}`}
                aria-pressed={view.status === status}
                onClick={() => change({ status: view.status === status ? "" : status })}
              >
                {STATUS[status]}
              </button>
            ))}
          </div>
        )}
        {tags.length > 0 && (
          <div class="chips" role="group" aria-label="Tags">
            {tags.map((tag) => (
              <button key={tag} type="button" class="chip tag" aria-pressed={view.tags.has(tag)} onClick={() => change({ tags: flip(view.tags, tag) })}>
                {tag}
              </button>
            ))}
          </div>
        )}
      </div>
      {found.length === 0 ? (
        <Empty title="No run is like that">
          <Button onClick={() => change({ text: "", tags: new Set(), status: "" })}>Show all runs</Button>
        </Empty>
      ) : (
        <div class="card flush">
          <table class="runs">
            <thead>
              <tr>
                <th class="check">
                  <input
                    type="checkbox"
                    aria-label="Select all runs shown"
                    checked={allChosen}
                    onChange={(event) => choose(shown.map((row) => row.id), event.currentTarget.checked)}
                  />
                </th>
                {COLUMNS.map(({ key, name, class: more, down }) => {
                  const sorted = view.order.key === key;
                  return (
                    <th key={key} class={more} aria-sort={sorted ? (view.order.down ? "descending" : "ascending") : "none"}>
                      <button type="button" class="sort" onClick={() => by(key, down)}>
                        {name}
                        {sorted && <Icon name={view.order.down ? "down" : "up"} />}
                      </button>
                    </th>
                  );
                })}
                <td class="actions" />
              </tr>
            </thead>
            <tbody>
              {shown.map((row) => (
                <RunRow
                  key={row.id}
                  row={row}
                  writable={writable}
                  chosen={view.chosen.has(row.id)}
                  choose={(on) => choose([row.id], on)}
                  edit={() => edit(row)}
                  remove={() => remove([row])}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {shown.length < found.length && (
        <p class="more">
          <Button onClick={() => showAll(true)}>Show all {count(found.length)} runs</Button>
        </p>
      )}
      {chosen.length > 0 && (
        <div class="tray" role="region" aria-label="Selected runs">
          <span>{chosen.length === 1 ? "1 run selected" : `${chosen.length} runs selected`}</span>
          {chosen.length > 1 ? (
            <a class="button primary" href={link.compare(chosen.map((row) => row.id))}>
              Compare
            </a>
          ) : (
            <span class="muted">Select another to compare</span>
          )}
          {writable && (
            <Button kind="danger" icon="trash" onClick={() => remove(chosen)}>
              Delete
            </Button>
          )}
          <Button kind="quiet" icon="close" aria-label="Select none" onClick={() => change({ chosen: new Set() })} />
        </div>
      )}
      {editing && <LabelsDialog row={editing} known={tags} close={() => edit(null)} saved={reload} />}
      {deleting.length > 0 && (
        <DeleteDialog
          runs={deleting}
          close={() => remove([])}
          deleted={() => {
            choose(deleting.map((row) => row.id), false);
            reload();
          }}
        />
      )}
    </>
  );
}

interface RunRowProps {
  row: Row;
  writable: boolean;
  chosen: boolean;
  choose: (on: boolean) => void;
  edit: () => void;
  remove: () => void;
}

function RunRow({ row, writable, chosen, choose, edit, remove }: RunRowProps) {
  const { headline, monitor } = row;
  const name = row.name || row.id;
  return (
    <tr class={chosen ? "chosen" : ""}>
      <td class="check">
        <input type="checkbox" aria-label={`Select ${row.id}`} checked={chosen} onChange={(event) => choose(event.currentTarget.checked)} />
      </td>
      <td class="name">
        <a class="stretched" href={link.run(row.id)}>
          {row.id}
        </a>
        {!row.id.endsWith(name) && <span class="muted"> {name}</span>}
        <div class="below">
          {row.status !== "finished" && <StatusPill status={row.status} />}
          {row.warnings > 0 && <span class="warn-count">{plural(row.warnings, "warning")}</span>}
          {row.tags.map((tag) => (
            <span key={tag} class="tag">
              {tag}
            </span>
          ))}
        </div>
        {row.notes && <p class="notes">{row.notes}</p>}
      </td>
      <td class="result">
        {headline ? (
          <>
            <b>{headline.text}</b>
            <small>
              {headline.split} {headline.label}
              {headline.low !== null && headline.high !== null && (
                <span class="interval" title="95 % interval">
                  {" "}
                  {metricValue(headline.name, headline.low)} – {metricValue(headline.name, headline.high)}
                </span>
              )}
            </small>
          </>
        ) : monitor ? (
          <>
            <b class="soft">{monitor.text}</b>
            <small>dev so far</small>
          </>
        ) : (
          <span class="muted">{NONE}</span>
        )}
      </td>
      <td class="data">
        <span title={row.data}>{row.data}</span>
        <small>{row.task}</small>
      </td>
      <td class="r" data-name="epochs">
        {row.status === "running" ? (
          <>
            {count(row.epoch)} <small class="inline">of {count(row.epochs)}</small>
            <span class="mini" aria-hidden="true">
              <i style={{ width: `${(100 * row.epoch) / Math.max(1, row.epochs)}%` }} />
            </span>
          </>
        ) : (
          <>
            {count(row.epoch)}
            {row.best_epoch !== null && <small>best {count(row.best_epoch)}</small>}
          </>
        )}
      </td>
      <td class="r" data-name="parameters">
        {count(row.parameters)}
      </td>
      <td class="r" data-name="time">
        {duration(row.seconds)}
      </td>
      <td class="r" data-name="started">
        <time dateTime={row.started ?? undefined} title={row.started ?? undefined}>
          {ago(row.started)}
        </time>
      </td>
      <td class="actions">
        {writable && (
          <>
            <Button kind="quiet" icon="pen" aria-label={`Tags and notes of ${row.id}`} onClick={edit} />
            <Button kind="quiet" icon="trash" aria-label={`Delete ${row.id}`} disabled={row.status === "running"} onClick={remove} />
          </>
        )}
      </td>
    </tr>
  );
}
