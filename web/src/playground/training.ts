// A network that trains on the server, a few steps at a time.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import { Refusal } from "../api.ts";
import { play, type Begun, type Snapshot } from "./api.ts";

export interface Training {
  begun: Begun | null;
  now: Snapshot | null;
  error: Refusal | null;
  playing: boolean;
  start: () => void;
  pause: () => void;
  /** Takes this many steps and rests. */
  step: (steps: number) => void;
  reset: () => void;
}

/** Steps that a request may take. */
const MOST = 2000;

/** Begins anew when the settings change, once they have settled; `pace` is the number of steps a picture. */
export function useTraining(settings: object | null, pace: number): Training {
  const [begun, setBegun] = useState<Begun | null>(null);
  const [now, setNow] = useState<Snapshot | null>(null);
  const [error, setError] = useState<Refusal | null>(null);
  const [playing, setPlaying] = useState(false);
  const [turn, setTurn] = useState(0);
  const latest = useRef({ begun, now, settings, pace });
  latest.current = { begun, now, settings, pace };
  const abort = useRef<AbortController | null>(null);
  const busy = useRef(false);
  const key = JSON.stringify(settings);

  useEffect(() => {
    setPlaying(false);
    abort.current?.abort();
    if (settings === null) {
      setBegun(null);
      setNow(null);
      return;
    }
    const control = new AbortController();
    abort.current = control;
    busy.current = false;
    const timer = setTimeout(() => {
      play.begin(settings, control.signal).then(
        (told) => {
          if (control.signal.aborted) return;
          setBegun(told);
          setNow(told);
          setError(null);
        },
        (error: Refusal) => control.signal.aborted || setError(error),
      );
    }, 180);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [key, turn]);

  /** Some steps on; a network that gave way on the server is trained anew as far, which gives the same. */
  const advance = useCallback(async (steps: number): Promise<Snapshot | null> => {
    const { begun, now, settings } = latest.current;
    const signal = abort.current!.signal;
    if (!begun || !now || settings === null || busy.current) return null;
    busy.current = true;
    try {
      let told = await play.advance(begun.id, steps, signal).catch(async (error: Refusal) => {
        if (error.status !== 404) throw error;
        const again = await play.begin(settings, signal);
        setBegun(again);
        let told: Snapshot = again;
        for (let left = now.step + steps; left > 0 && !told.done; left -= MOST) {
          told = await play.advance(again.id, Math.min(MOST, left), signal);
        }
        return told;
      });
      if (signal.aborted) return null;
      setNow(told);
      return told;
    } catch (error) {
      if (signal.aborted) return null;
      setError(error as Refusal);
      setPlaying(false);
      return null;
    } finally {
      if (!signal.aborted) busy.current = false;
    }
  }, []);

  useEffect(() => {
    if (!playing) return;
    let on = true;
    const loop = async () => {
      while (on) {
        const told = await advance(latest.current.pace);
        if (!on) return;
        if (told?.done) return setPlaying(false);
        await new Promise(document.hidden ? (next) => setTimeout(next, 500) : requestAnimationFrame);
      }
    };
    void loop();
    return () => {
      on = false;
    };
  }, [playing]);

  return {
    begun,
    now,
    error,
    playing,
    start: () => setPlaying(true),
    pause: () => setPlaying(false),
    step: (steps) => void advance(steps),
    reset: () => setTurn((turn) => turn + 1),
  };
}
