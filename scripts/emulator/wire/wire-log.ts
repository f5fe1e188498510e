import type { WireCall, WireEvent } from "../api/wire-api.ts";

const callsMax = 500;

/** The calls of this run. They are kept in memory only, because they contain login ids, `ownIdData` and session tokens. */
export interface WireLog {
  /** Returns the id of the next call, counted from 1. */
  nextId(): number;
  /** Adds the call, or replaces the one with its id. */
  put(call: WireCall): void;
  find(id: number): WireCall | null;
  /** Returns the calls, oldest first. */
  list(): readonly WireCall[];
  clear(): void;
  /** Calls `onEvent` for every change, until the returned function is called. */
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
