import { createHash } from "node:crypto";
import type { Cluster, Redis } from "ioredis";
import beginRecord from "./lua/begin-record.lua" with { type: "text" };
import beginWrite from "./lua/begin-write.lua" with { type: "text" };
import clearStale from "./lua/clear-stale.lua" with { type: "text" };
import endWrite from "./lua/end-write.lua" with { type: "text" };
import fillHash from "./lua/fill-hash.lua" with { type: "text" };
import markStale from "./lua/mark-stale.lua" with { type: "text" };
import purgeHash from "./lua/purge-hash.lua" with { type: "text" };
import readHash from "./lua/read-hash.lua" with { type: "text" };
import recordEpoch from "./lua/record-epoch.lua" with { type: "text" };
import reopenSeen from "./lua/reopen-seen.lua" with { type: "text" };
import revokeUser from "./lua/revoke-user.lua" with { type: "text" };
import shared from "./lua/shared.lua" with { type: "text" };
import { prepareCommand } from "./prepared-command.ts";

/**
 * All Lua scripts as functions; nothing else sends Lua. Each script has one key, and takes and returns what its
 * header says. Epochs are in hex.
 */
export const scripts = {
  recordEpoch: script<[keepMs: number], number>(shared + recordEpoch),
  readHash: script<
    [token: string, tokenMs: number],
    | [state: "hit", value: string]
    | [state: "ask"]
    | [state: "miss", token: string, epoch: string]
    | [state: "stale", mark: string]
  >(shared + readHash),
  fillHash: script<[epoch: string, token: string, value: string, ttlMs: number], 0 | 1>(shared + fillHash),
  beginWrite: script<
    [writer: string, token: string, quarantineMs: number, ...repeatable: [] | [seen: string, lockMs: number]],
    | [
        isSolo: 0 | 1,
        epoch: string,
        token: string,
        isStale: 0 | 1,
        heldToken: string | null,
        heldValue: string | null,
      ]
    | null
  >(shared + beginWrite),
  endWrite: script<
    [
      writer: string,
      epoch: string,
      token: string,
      freshToken: string,
      value: string,
      ttlMs: number,
      tokenMs: number,
    ],
    0 | 1
  >(shared + endWrite),
  markStale: script<[token: string, freshToken: string, markLifeMs: number], 0 | 1>(shared + markStale),
  clearStale: script<[mark: string], 0 | 1>(clearStale),
  purgeHash: script<[token: string, tokenMs: number], 0 | 1 | 2 | 3>(shared + purgeHash),
  beginRecord: script<[latestIssueTime: number], string>(shared + beginRecord),
  revokeUser: script<[latestIssueTime: number, keepMs: number], number>(revokeUser),
  reopenSeen: script<[failed: string, open: string], 0 | 1>(reopenSeen),
};

/** The installation whose epochs a client's scripts compute; none if it was never set. */
const installations = new WeakMap<Redis | Cluster, string>();

/**
 * Sets the installation that this client's scripts include in epochs, in hex. Hashes that other installations have
 * written under the same prefix then have other epochs.
 */
export function speakFor(installation: string, client: Redis | Cluster): void {
  installations.set(client, installation);
}

/**
 * Sends a script by its digest, and with its text if the server does not have it. A client's first call sends the text
 * at once, because a retry after NOSCRIPT would run after commands that were pipelined behind it. Such a retry still
 * happens when a server has restarted, and on the other masters of a Cluster.
 */
function script<Arguments extends readonly (string | number)[], Reply>(body: string) {
  const spellings = new Map<string, ReturnType<typeof spell<Reply>>>();
  const clientsThatSentIt = new WeakSet<Redis | Cluster>();

  function spelling(installation: string) {
    const known = spellings.get(installation) ?? spell<Reply>(body, installation);
    spellings.set(installation, known);
    return known;
  }

  function run(client: Redis | Cluster, key: string, ...rest: Arguments): Promise<Reply> {
    const { bySha, byText } = spelling(installations.get(client) ?? "");
    const texts = rest.map(String);
    if (!clientsThatSentIt.has(client)) {
      clientsThatSentIt.add(client);
      return byText(client, key, ...texts);
    }
    return bySha(client, key, ...texts).catch((error: Error) => {
      if (!error.message.startsWith("NOSCRIPT")) throw error;
      return byText(client, key, ...texts);
    });
  }

  const { lua, sha } = spelling("");
  return Object.assign(run, { lua, sha });
}

function spell<Reply>(body: string, installation: string) {
  const lua = `local installation = '${installation}'\n${body}`;
  const sha = createHash("sha1").update(lua).digest("hex");
  return {
    lua,
    sha,
    bySha: prepareCommand<Reply>({ name: "evalsha", before: [sha, "1"], replyIn: "text" }),
    byText: prepareCommand<Reply>({ name: "eval", before: [lua, "1"], replyIn: "text" }),
  };
}
