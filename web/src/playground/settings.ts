// Settings of an experiment, kept in the address so that a link repeats it.

import { useCallback, useEffect, useState } from "preact/hooks";

export type Settings = Record<string, string | number | boolean>;

/** The settings in a query; what it lacks, or holds of another type, is as in `defaults`. */
export function decode<T extends Settings>(query: string, defaults: T): T {
  const found = new URLSearchParams(query);
  const read = ([key, usual]: [string, string | number | boolean]) => {
    const text = found.get(key);
    if (text === null) return [key, usual];
    if (typeof usual === "number") return [key, text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : usual];
    if (typeof usual === "boolean") return [key, text === "true"];
    return [key, text];
  };
  return Object.fromEntries(Object.entries(defaults).map(read)) as T;
}

/** The query of settings: those that are not as in `defaults`, and the seed. */
export function encode<T extends Settings>(settings: T, defaults: T): string {
  const told = Object.entries(settings).filter(([key, value]) => key === "seed" || value !== defaults[key]);
  return told.map(([key, value]) => `${key}=${encodeURIComponent(value).replace(/%2C/g, ",")}`).join("&");
}

const queryOf = (hash: string) => hash.split("?", 2)[1] ?? "";

/** Settings that follow the address, and the address them; the history of the browser has a page once. */
export function useSettings<T extends Settings>(lesson: string, defaults: T): [T, (changes: Partial<T>) => void] {
  const [settings, set] = useState(() => decode(queryOf(location.hash), defaults));
  useEffect(() => {
    const changed = () => location.hash.startsWith(`#/play/${lesson}`) && set(decode(queryOf(location.hash), defaults));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, [lesson]);
  const change = useCallback((changes: Partial<T>) => set((old) => ({ ...old, ...changes })), []);
  useEffect(() => {
    const query = encode(settings, defaults);
    history.replaceState(history.state, "", `#/play/${lesson}${query ? `?${query}` : ""}`);
  }, [settings]);
  return [settings, change];
}
