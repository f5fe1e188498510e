import type { Redis } from "ioredis";
import type { ProcessReplayGuard } from "../replay/process-replay-guard.ts";

/** Decides since when the memory of this process stands in for masters that are away or refuse to write. */
export interface StandIn {
  /** The connection to a master was lost. Until now, other sidecars may have used signatures there as well. */
  lose(master: Redis): void;
  /** The master of a key is away; `null` if it is not known which one that is. */
  replace(master: Redis | null): void;
  /** A master refuses to write. */
  replaceRefusing(master: Redis): void;
  /** A master has accepted a claim. */
  accepted(master: Redis): void;
}

/**
 * Creates the stand-in. The memory of a process counts for a signature only if the master of its key has been away, or
 * has refused to write, ever since the request was signed. As there is one memory for all masters, it begins anew
 * whenever one of them begins to be away or to refuse.
 */
export function createStandIn(memory: ProcessReplayGuard): StandIn {
  const reasons = new Map<string, "away" | "refusing">();

  function begin(master: Redis | null, reason: "away" | "refusing"): void {
    reasons.set(addressOf(master), reason);
    memory.beginAnew();
  }

  function beginOnce(master: Redis | null, reason: "away" | "refusing"): void {
    if (reasons.get(addressOf(master)) !== reason) begin(master, reason);
  }

  return {
    lose: (master) => begin(master, "away"),
    replace: (master) => beginOnce(master, "away"),
    replaceRefusing: (master) => beginOnce(master, "refusing"),
    accepted(master) {
      if (reasons.size > 0) reasons.delete(addressOf(master));
    },
  };
}

/** A master that comes back may have another connection, but it has the same address. */
function addressOf(master: Redis | null): string {
  return master === null ? "" : `${master.options.host}:${master.options.port}`;
}
