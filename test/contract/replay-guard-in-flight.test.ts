import { expect, setDefaultTimeout, test } from "bun:test";
import type { Command } from "ioredis";
import { sharedRedis } from "../../scripts/servers/redis-server.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { openRedisKeyspace } from "../../src/redis/keyspace.ts";
import { createRedisReplayGuard } from "../../src/redis/redis-replay-guard.ts";
import { createProcessReplayGuard } from "../../src/replay/process-replay-guard.ts";
import type { Claim } from "../../src/replay/replay-guard.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { placeOf } from "../support/redis-places.ts";
import { replaceProperty } from "../support/replaced-property.ts";

setDefaultTimeout(30_000);

const newMac = () => crypto.getRandomValues(new Uint8Array(32));

/** Opens a guard on a real Redis. `beforeCommand` is called before each of its commands leaves. */
async function openGuard(beforeCommand: (name: string) => void) {
  const { connection } = placeOf(await sharedRedis());
  const keyPrefix = `test:${crypto.randomUUID()}:`;
  const keyspace = openRedisKeyspace({ connection, keyPrefix, installation: "", graceMs: 0, tokenMs: 5000 });
  const fallback = createProcessReplayGuard({
    keepMs: 60_000,
    now: Date.now,
    elapsed: () => performance.now(),
  });
  let firstSeenAtMs: number | null = null;
  const epochs = {
    ...keyspace.epochs,
    firstSeenAtMs: () => firstSeenAtMs ?? keyspace.epochs.firstSeenAtMs(),
  };
  const guard = createRedisReplayGuard({ ...keyspace, epochs, fallback, keepMs: 60_000, onEvent: () => {} });
  await keyspace.epochs.start();
  expect(await eventually(async () => keyspace.epochs.areAllLive(), true)).toBe(true);
  const send = keyspace.client.sendCommand.bind(keyspace.client);
  replaceProperty(keyspace.client, "sendCommand", (command: Command) => {
    beforeCommand(command.name);
    return send(command);
  });
  return {
    guard,
    fallback,
    /** A new epoch is seen now. */
    seeEpoch() {
      firstSeenAtMs = Date.now() + 10_000;
    },
    [Symbol.asyncDispose]: async () => keyspace.close(),
  };
}

/** Signed after any memory here began. */
const later = () => Date.now() + 1000;

describeWithPrivate("redis", "the replay guard while a command is in flight", () => {
  test("runs no failed request again if a new epoch is seen while its record is being reopened", async () => {
    let beforeCommand = (_: string) => {};
    await using opened = await openGuard((name) => beforeCommand(name));
    const { guard, seeEpoch } = opened;
    const [mac, signedAtMs] = [newMac(), later()];
    expect(await guard.claim(mac, "session", signedAtMs)).toBe("run");
    await guard.settle(mac, "session", "failed");
    beforeCommand = (name) => {
      if (name.startsWith("eval")) seeEpoch();
    };
    expect(await guard.claim(mac, "session", signedAtMs)).toBe("open");
  });

  test("runs no request that this process claims alone while the claim in Redis is in flight", async () => {
    let beforeCommand = (_: string) => {};
    await using opened = await openGuard((name) => beforeCommand(name));
    const { guard, fallback } = opened;
    const [mac, signedAtMs] = [newMac(), later()];
    const claimedAlone: (Claim | Promise<Claim>)[] = [];
    beforeCommand = (name) => {
      if (name === "set") claimedAlone.push(fallback.claim(mac, "session", signedAtMs));
    };
    expect(await guard.claim(mac, "session", signedAtMs)).toBe("open");
    expect(await Promise.all(claimedAlone)).toEqual(["run"]);
  });
});
