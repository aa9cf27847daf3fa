// Loading, live streams and the address, as Preact hooks.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { listen, onConnection, type Refusal } from "./api.ts";
import { parse, type Route } from "./router.ts";

export interface Loaded<T> {
  data: T | null;
  error: Refusal | null;
  loading: boolean;
  reload: () => void;
}

/** Loads when `key` changes; a reload, or a failed one, keeps what was there. */
export function useLoad<T>(key: string, load: () => Promise<T>): Loaded<T> {
  const [state, set] = useState<{ key: string; data: T | null; error: Refusal | null; loading: boolean }>({
    key,
    data: null,
    error: null,
    loading: true,
  });
  const latest = useRef(load);
  latest.current = load;
  const asked = useRef(0);
  const reload = useCallback(() => {
    const turn = ++asked.current;
    set((old) => ({ ...old, loading: true }));
    latest.current().then(
      (data) => turn === asked.current && set({ key, data, error: null, loading: false }),
      (error: Refusal) =>
        turn === asked.current && set((old) => ({ key, data: old.key === key ? old.data : null, error, loading: false })),
    );
  }, [key]);
  useEffect(() => {
    reload();
    return () => void asked.current++;
  }, [reload]);
  return { ...state, reload };
}

/** Calls again and again, every so many milliseconds, while the page is looked at. */
export function useEvery(milliseconds: number, call: () => void): void {
  useEffect(() => {
    const timer = setInterval(() => document.hidden || call(), milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds, call]);
}

/** Whether the server is there, as far as streams tell. */
export function useConnection(): boolean {
  const [connected, set] = useState(true);
  useEffect(() => onConnection(set), []);
  return connected;
}

/** Listens while the component is in sight. Handlers may change between renders. */
export function useStream(path: string | null, handlers: Record<string, (data: never) => void>, opened?: () => void) {
  const latest = useRef({ handlers, opened });
  latest.current = { handlers, opened };
  useEffect(() => {
    if (path === null) return;
    const forward = Object.keys(latest.current.handlers).map((name) => [
      name,
      (data: never) => latest.current.handlers[name]?.(data),
    ]);
    // Browsers have few connections for all of a server's pages: those behind others give theirs back.
    let stop: (() => void) | null = null;
    const follow = () => {
      stop?.();
      stop = document.hidden ? null : listen(path, Object.fromEntries(forward), () => latest.current.opened?.());
    };
    follow();
    document.addEventListener("visibilitychange", follow);
    return () => {
      document.removeEventListener("visibilitychange", follow);
      stop?.();
    };
  }, [path]);
}

/** Calls at most once per `wait` ms, and once more after the last call. */
export function useThrottled(call: () => void, wait: number): () => void {
  const latest = useRef(call);
  latest.current = call;
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return useCallback(() => {
    timer.current ??= window.setTimeout(() => {
      timer.current = undefined;
      latest.current();
    }, wait);
  }, [wait]);
}

export function useRoute(): Route {
  const [hash, set] = useState(location.hash);
  useEffect(() => {
    const changed = () => set(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return parse(hash);
}

export function useTitle(title: string) {
  useEffect(() => {
    document.title = title ? `${title} · Thalweg` : "Thalweg";
  }, [title]);
}
