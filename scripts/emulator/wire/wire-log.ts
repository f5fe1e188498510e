import type { WireCall, WireEvent } from "../api/wire-api.ts";

const callsMax = 500;

/** The calls of this run, in memory: they carry login ids, `ownIdData` and session tokens, so they reach no file by themselves. */
export interface WireLog {
  /** The next call's id, counted from 1. */
  nextId(): number;
  /** Adds the call, or replaces the one with its id. */
  put(call: WireCall): void;
  find(id: number): WireCall | null;
  /** Oldest first. */
  list(): readonly WireCall[];
  clear(): void;
  /** Tells every change from now on; returns the function that ends it. */
  follow(onEvent: (event: WireEvent) => void): () => void;
}

export function createWireLog(): WireLog {
  let lastId = 0;
  const calls = new Map<number, WireCall>();
  const followers = new Set<(event: WireEvent) => void>();

  function tell(event: WireEvent): void {
    for (const follower of followers) follower(event);
  }

  return {
    nextId: () => ++lastId,
    put(call) {
      calls.set(call.id, call);
      const [oldest] = calls.keys();
      if (calls.size > callsMax && oldest !== undefined) calls.delete(oldest);
      tell({ event: "call", data: call });
    },
    find: (id) => calls.get(id) ?? null,
    list: () => [...calls.values()],
    clear() {
      calls.clear();
      tell({ event: "cleared", data: {} });
    },
    follow(onEvent) {
      followers.add(onEvent);
      return () => void followers.delete(onEvent);
    },
  };
}
