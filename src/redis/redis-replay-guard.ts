import type { Redis } from "ioredis";
import type { ProcessReplayGuard } from "../replay/process-replay-guard.ts";
import {
  type Claim,
  judge,
  openState,
  type ReplayGuard,
  type SeenState,
  type SignedEndpoint,
} from "../replay/replay-guard.ts";
import { isRefusal } from "./failures.ts";
import type { RedisKeyspace } from "./keyspace.ts";
import { prepareCommand } from "./prepared-command.ts";
import { scripts } from "./scripts.ts";
import { createStandIn } from "./stand-in.ts";

export interface RedisReplayGuardOptions
  extends Pick<RedisKeyspace, "client" | "masterOf" | "epochs" | "keys"> {
  /** Guards this process while Redis is away. */
  readonly fallback: ProcessReplayGuard;
  /** How long a signature is remembered, in milliseconds. */
  readonly keepMs: number;
  readonly onEvent: (event: ReplayGuardEvent) => void;
}

export type ReplayGuardEvent = "fell back" | "returned";

/**
 * Creates the replay guard that any number of sidecars share. A claim is one command that is sent together with the
 * lookup's own: the first sidecar to set the key has the signature, and every other one learns what it was used for.
 */
export function createRedisReplayGuard(options: RedisReplayGuardOptions): ReplayGuard {
  const { client, masterOf, epochs, keys, fallback, keepMs, onEvent } = options;
  const standIn = createStandIn(fallback);
  let isFallenBack = false;
  epochs.onLoss(standIn.lose);

  function reportFallenBack(): void {
    if (!isFallenBack) onEvent("fell back");
    isFallenBack = true;
  }

  function comeBack(master: Redis): void {
    standIn.accepted(master);
    if (!isFallenBack || !epochs.areAllLive()) return;
    isFallenBack = false;
    onEvent("returned");
  }

  /**
   * Records the use of a signature unless there is a record, and returns the record that was there; `null` for a
   * first use.
   */
  const claimFirst = (endpoint: SignedEndpoint) =>
    prepareCommand<string | null>({
      name: "set",
      after: [openState(endpoint), "PX", `${keepMs}`, "NX", "GET"],
      replyIn: "text",
    });
  const first = { get: claimFirst("get"), set: claimFirst("set"), session: claimFirst("session") };

  /** Records how the use of a signature ended. It replaces any earlier record. */
  const record = (state: SeenState) =>
    prepareCommand<"OK">({ name: "set", after: [state, "PX", `${keepMs}`], replyIn: "text" });
  const outcomes = {
    set: { done: record("set:done"), failed: record("set:failed") },
    session: { done: record("session:done"), failed: record("session:failed") },
  };

  /** Redis remembers no signature from before its epoch, so a request signed earlier may have been used already. */
  const mayBeForgotten = (endpoint: SignedEndpoint, signedAtMs: number) =>
    endpoint !== "get" && signedAtMs < (epochs.firstSeenAtMs() ?? Number.POSITIVE_INFINITY);

  /**
   * Returns whether the answer came from a master whose epoch is known. The Cluster may have redirected the command to a
   * replica that was promoted just now, and that never received what its master remembered.
   */
  const isFromSeenMaster = (key: string, asked: Redis) => {
    const owner = masterOf(key);
    return owner === asked || (owner !== null && epochs.isConnected(owner));
  };

  /** Lets a request run again if its first use is known to have failed, but only one of several copies. */
  async function claimAgain(
    key: string,
    seen: string,
    endpoint: SignedEndpoint,
    isUnsure: () => boolean,
  ): Promise<Claim> {
    const verdict = judge(seen, endpoint);
    if (verdict !== "retry") return verdict;
    // If Redis may have lost later records, a copy may have succeeded since.
    if (isUnsure()) return "open";
    const isFirst = await scripts.reopenSeen(client, key, seen, openState(endpoint));
    if (isFirst === 1) return isUnsure() ? "open" : "run";
    return endpoint === "set" ? "open" : "refuse";
  }

  return {
    async claim(mac, endpoint, signedAtMs) {
      const key = keys.seen(mac);
      const master = masterOf(key);
      if (master === null || !epochs.isConnected(master)) {
        standIn.replace(master);
        reportFallenBack();
        return fallback.claim(mac, endpoint, signedAtMs);
      }
      // Only this process knows what was claimed while Redis was away. If that failed, another sidecar may have
      // succeeded with a copy, so Redis is asked as for a first use.
      if (fallback.has(mac) && !fallback.forgetFailed(mac)) return fallback.claim(mac, endpoint, signedAtMs);
      try {
        const isOld = mayBeForgotten(endpoint, signedAtMs);
        const seen = await (isOld ? client.get(key) : first[endpoint](client, key));
        if (!isOld) comeBack(master);
        // It is decided after each reply, since the command may have reached a server that has just been promoted, and a
        // copy may have been claimed in this process meanwhile.
        const isUnsure = () =>
          isOld ||
          mayBeForgotten(endpoint, signedAtMs) ||
          (endpoint !== "get" && (!isFromSeenMaster(key, master) || fallback.has(mac)));
        if (seen === null) return isUnsure() ? "open" : "run";
        return await claimAgain(key, seen, endpoint, isUnsure);
      } catch (error) {
        // Without an answer, Redis may hold a claim that it could not report, this one included. The master then counts
        // as lost, so the memory of this process has begun after the request was signed.
        epochs.reportFailure(master, error);
        if (isRefusal(error)) standIn.replaceRefusing(master);
        reportFallenBack();
        return fallback.claim(mac, endpoint, signedAtMs);
      }
    },

    async settle(mac, endpoint, outcome) {
      if (fallback.has(mac)) {
        await fallback.settle(mac, endpoint, outcome);
        // Another sidecar may have succeeded with a copy meanwhile, so a failure must not replace its record in Redis.
        if (outcome === "failed") return;
      } else if (endpoint === "session" && outcome === "done") {
        // Redis has the claim, so a copy is refused whether the first use is in flight or has succeeded.
        return;
      }
      if (endpoint !== "get") await outcomes[endpoint][outcome](client, keys.seen(mac)).catch(() => {});
    },
  } satisfies ReplayGuard;
}
