// Small parts that every page uses.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { Refusal, Status } from "../api.ts";

/** Line icons on a grid of 16. */
const ICONS = {
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.6 10.6 14 14",
  copy: "M5.5 5.5V3A1 1 0 0 1 6.5 2h6.5a1 1 0 0 1 1 1v6.5a1 1 0 0 1-1 1h-2.5M3 5.5h6.5a1 1 0 0 1 1 1v6.5a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1V6.5a1 1 0 0 1 1-1z",
  check: "M3 8.5 6.5 12 13 4.5",
  stop: "M4 4h8v8H4z",
  play: "M5 3v10l8-5z",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  trash: "M2.5 4h11M6 4V2.5h4V4M4 4l.6 9.5h6.8L12 4M6.5 7v4M9.5 7v4",
  pen: "M3 13l.6-3L10.5 3l2.5 2.5L6 12.4zM9.5 4l2.5 2.5",
  sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  moon: "M13.5 9.5A6 6 0 0 1 6.5 2.5 6 6 0 1 0 13.5 9.5z",
  auto: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 2v12M8 5h4.5M8 8h6M8 11h4.5",
  close: "M4 4l8 8M12 4l-8 8",
  up: "M8 13V3M4 7l4-4 4 4",
  down: "M8 3v10M4 9l4 4 4-4",
  back: "M10 3 5 8l5 5",
  reset: "M3 8a5 5 0 1 0 1.6-3.7M4.5 1.5v3h3",
  file: "M4 14.5h8a1 1 0 0 0 1-1V5.5L9 1.5H4a1 1 0 0 0-1 1v11a1 1 0 0 0 1 1zM9 1.5v4h4",
} as const;

export type IconName = keyof typeof ICONS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={ICONS[name]} />
    </svg>
  );
}

type ButtonProps = Omit<JSX.IntrinsicElements["button"], "icon"> & {
  icon?: IconName;
  kind?: "plain" | "primary" | "danger" | "quiet";
};

/** Without children, `aria-label` names the icon. */
export function Button({ icon, kind = "plain", children, class: more, ...rest }: ButtonProps) {
  const bare = children === undefined ? " bare" : "";
  return (
    <button type="button" class={`button ${kind}${bare} ${more ?? ""}`} title={bare ? rest["aria-label"] : undefined} {...rest}>
      {icon && <Icon name={icon} />}
      {children !== undefined && <span>{children}</span>}
    </button>
  );
}

export function Card(props: { title?: ComponentChildren; note?: ComponentChildren; side?: ComponentChildren; children?: ComponentChildren; class?: string; id?: string }) {
  return (
    <section class={`card ${props.class ?? ""}`} id={props.id}>
      {(props.title || props.side) && (
        <div class="card-head">
          <h3>{props.title}</h3>
          {props.side}
        </div>
      )}
      {props.note && <p class="note">{props.note}</p>}
      {props.children}
    </section>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <svg viewBox="0 0 120 48" width="120" height="48" aria-hidden="true">
        <path class="bank" d="M4 8c26 0 22 34 54 34S90 8 116 8" />
        <path class="bed" d="M28 22c12 4 16 20 30 20s20-16 32-20" />
      </svg>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** What went wrong and what to do about it. */
export function Failure({ error, retry }: { error: Refusal; retry?: () => void }) {
  return (
    <div class="failure" role="alert">
      <strong>{error.message}</strong>
      {error.remedy && <p>{error.remedy}</p>}
      {retry && <Button icon="reset" onClick={retry}>Try again</Button>}
    </div>
  );
}

/** Grey bars where something is about to be. */
export function Loading({ lines = 3 }: { lines?: number }) {
  return (
    <div class="loading" role="status">
      <span class="hidden">Loading</span>
      {Array.from({ length: lines }, (_, i) => (
        <i key={i} style={{ width: `${90 - ((i * 23) % 40)}%` }} />
      ))}
    </div>
  );
}

export const STATUS: Record<Status, string> = {
  running: "Running",
  finished: "Finished",
  interrupted: "Interrupted",
  diverged: "Diverged",
  stopped: "Stopped",
};

export function StatusPill({ status }: { status: Status }) {
  return <span class={`status ${status}`}>{STATUS[status] ?? status}</span>;
}

/** Copies text, and says so. */
export function Copy({ text, label, children }: { text: string; label: string; children?: ComponentChildren }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 1600);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = async () => {
    await copyText(text);
    setDone(true);
    announce(`Copied ${text}`);
  };
  return (
    <button type="button" class={`copy ${done ? "done" : ""}`} aria-label={label} title={label} onClick={copy}>
      {children}
      <Icon name={done ? "check" : "copy"} />
    </button>
  );
}

async function copyText(text: string) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // The clipboard is only for secure contexts: over plain HTTP from elsewhere the old way is left.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

/** A command to type into a terminal. */
export function Command({ text }: { text: string }) {
  return (
    <div class="command">
      <code>{text}</code>
      <Copy text={text} label="Copy the command" />
    </div>
  );
}

/** A modal dialog; Escape and a click beside it close it. */
export function Dialog(props: { title: string; close: () => void; children: ComponentChildren; actions: ComponentChildren; submit?: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  // Before it is painted: keys are its own as soon as it is seen.
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    dialog.current?.showModal();
    return () => before?.focus();
  }, []);
  const submit = (event: Event) => {
    event.preventDefault();
    props.submit?.();
  };
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onClose={props.close}
      onClick={(event) => event.target === dialog.current && props.close()}
    >
      <form onSubmit={submit}>
        <h2 id={id}>{props.title}</h2>
        {props.children}
        <div class="actions">{props.actions}</div>
      </form>
    </dialog>
  );
}

/** A row of choices of which one holds. */
export function Choice<T extends string>(props: { label: string; value: T; options: readonly (readonly [T, string])[]; choose: (value: T) => void }) {
  return (
    <div class="choice" role="group" aria-label={props.label}>
      {props.options.map(([value, name]) => (
        <button key={value} type="button" aria-pressed={value === props.value} onClick={() => props.choose(value)}>
          {name}
        </button>
      ))}
    </div>
  );
}

export function Toggle({ label, on, set }: { label: string; on: boolean; set: (on: boolean) => void }) {
  return (
    <label class="toggle">
      <input type="checkbox" role="switch" checked={on} onChange={(event) => set(event.currentTarget.checked)} />
      <i aria-hidden="true" />
      {label}
    </label>
  );
}

const listeners = new Set<(text: string, error: boolean) => void>();

/** Says something to people who look and to people who listen. */
export function announce(text: string, error = false) {
  for (const listener of listeners) listener(text, error);
}

/** Tells of a change that failed. */
export function complain(error: unknown) {
  const refusal = error as Refusal;
  announce([refusal.message, refusal.remedy].filter(Boolean).join(" "), true);
}

/** Where announcements appear: the page has one. */
export function Announcements() {
  const [said, say] = useState<{ text: string; error: boolean; shown: boolean }>({ text: "", error: false, shown: false });
  useEffect(() => {
    let timer = 0;
    const listener = (text: string, error: boolean) => {
      say({ text, error, shown: true });
      clearTimeout(timer);
      timer = window.setTimeout(() => say((old) => ({ ...old, shown: false })), error ? 8000 : 2500);
    };
    listeners.add(listener);
    return () => {
      clearTimeout(timer);
      listeners.delete(listener);
    };
  }, []);
  return (
    <div class={`toast ${said.shown ? "shown" : ""} ${said.error ? "bad" : ""}`} role="status" aria-live="polite">
      {said.text}
    </div>
  );
}
