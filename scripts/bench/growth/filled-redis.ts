import { Redis } from "ioredis";
import { createKeys } from "../../../src/redis/keys.ts";
import { plainConnection, type RedisConnectionOptions } from "../../../src/redis/options.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { programPath } from "../../servers/server-binaries.ts";
import { openRedisPopulation } from "../../sync/population.ts";
import { loginIdOf, ownIdDataOf } from "../population.ts";
import { keyPrefix } from "../site.ts";

/** A Redis of its own that holds so many users, and what they take. */
export interface FilledRedis extends AsyncDisposable {
  readonly server: RedisServer;
  readonly client: Redis;
  readonly users: number;
  readonly memory: UserMemory;
}

/** Bytes for one user: of everything Redis uses, and of the key alone as MEMORY USAGE says. */
export interface UserMemory {
  readonly hash: number;
  readonly string: number;
  readonly hashAlone: number;
  readonly stringAlone: number;
}

interface Made {
  readonly key: string;
  /** The fields of a hash that the store itself has filled, with the value last. */
  readonly fields: readonly (readonly [name: string, content: string])[];
  readonly value: string;
  readonly bytes: number;
}

/** T of a sidecar that nobody has told otherwise. */
const valueLifeMs = 3_600_000;
export const limits = { valueLifeMs, tokenLifeMs: 10_000, markerLifeMs: 900_000 };
const { user: userKey } = createKeys(keyPrefix);
const usersAtOnce = 1000;
const sampleSize = 100;

/**
 * Fills one user by the store's own steps, and all with copies of that hash that hold their own values:
 * a million are there in seconds. Only sidecars of this installation believe them. Before that it holds the same values as plain strings, to be compared with.
 *
 * @throws {Error} a copy does not take the memory that the store's own hash takes
 */
export async function startFilledRedis(users: number, installation: string): Promise<FilledRedis> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startRedis());
  const client = stack.adopt(new Redis(server.url()), (open) => open.disconnect());
  const made = await fillByProtocol(server, client, loginIdOf("user", users - 1), installation);
  await client.flushall("SYNC");
  const empty = await memoryInUse(client);

  const life = () => String(Math.round(valueLifeMs * (0.9 + 0.2 * Math.random())));
  await pipe(server, users, (key, value) => [["SET", key, value, "PX", life()]]);
  const strings = await memoryInUse(client);
  const stringAlone = await meanUsage(client, users);
  await client.flushall("SYNC");

  await pipe(server, users, (key, value) => commandsFor(made, key, value, life()));
  const hashes = await memoryInUse(client);
  const hashAlone = await meanUsage(client, users);
  const copied = await usageOf(client, made.key);
  if (copied !== made.bytes) {
    throw new Error(`a copied hash takes ${copied} bytes, the same one filled by the store ${made.bytes}`);
  }

  const rest = stack.move();
  return {
    server,
    client,
    users,
    memory: {
      hash: (hashes - empty) / users,
      string: (strings - empty) / users,
      hashAlone,
      stringAlone,
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

/** READ and FILL, with the epoch of this very server. */
async function fillByProtocol(
  server: RedisServer,
  client: Redis,
  loginId: string,
  installation: string,
): Promise<Made> {
  const value = ownIdDataOf(loginId);
  const population = openRedisPopulation({
    connection: connectionTo(server),
    keyPrefix,
    installation,
    limits,
    graceMs: 0,
  });
  try {
    await population.untilFilling(() => {});
    const read = await population.hotCopy().read(loginId);
    if (read.state !== "miss") throw new Error(`an empty Redis answers "${read.state}"`);
    await read.fill(value);
  } finally {
    population.close();
  }
  const key = userKey(loginId);
  const found = Object.entries(await client.hgetallBuffer(key)).map(
    ([name, content]) => [name, content.toString("latin1")] as const,
  );
  const fields = found.toSorted((a, b) => Number(a[1].includes(value)) - Number(b[1].includes(value)));
  return { key, fields, value, bytes: await usageOf(client, key) };
}

export function connectionTo({ port }: RedisServer): RedisConnectionOptions {
  const node = { host: "127.0.0.1", port, username: null, password: null, database: 0, tls: false };
  return { ...plainConnection, mode: "single", nodes: [node] };
}

/** The value comes by a command of its own, as it does in the store: a hash that grows may end up in another shape. */
function commandsFor({ fields, value: own }: Made, key: string, value: string, life: string): string[][] {
  const words = fields.map(([name, content]) => [name, content.replace(own, () => value)]);
  const first = words.slice(0, -1).flat();
  return [
    ...(first.length === 0 ? [] : [["HSET", key, ...first]]),
    ["HSET", key, ...(words.at(-1) ?? [])],
    ["PEXPIRE", key, life],
  ];
}

async function pipe(
  { port }: RedisServer,
  users: number,
  commands: (key: string, value: string) => string[][],
): Promise<void> {
  const child = Bun.spawn([programPath("redis-cli"), "-p", String(port), "--pipe"], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  for (let first = 0; first < users; first += usersAtOnce) {
    const chunk = Array.from({ length: Math.min(usersAtOnce, users - first) }, (_, offset) => {
      const loginId = loginIdOf("user", first + offset);
      return commands(userKey(loginId), ownIdDataOf(loginId)).map(encoded).join("");
    });
    child.stdin.write(Buffer.from(chunk.join(""), "latin1"));
    await child.stdin.flush();
  }
  await child.stdin.end();
  const [output, complaints] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (!output.includes("errors: 0")) throw new Error(`redis-cli --pipe failed:\n${output}${complaints}`);
}

/** RESP. Every character is one byte. */
function encoded(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}

/** Once it does not change any more: Redis enlarges its tables bit by bit. */
export async function memoryInUse(client: Redis): Promise<number> {
  for (let before = Number.NaN; ; await Bun.sleep(120)) {
    const [, bytes] = /^used_memory:(\d+)/m.exec(await client.info("memory")) ?? [];
    const now = Number(bytes);
    if (Math.abs(now - before) < 1024) return now;
    before = now;
  }
}

async function meanUsage(client: Redis, users: number): Promise<number> {
  const samples = Array.from({ length: sampleSize }, () =>
    userKey(loginIdOf("user", Math.floor(Math.random() * users))),
  );
  const usages = await Promise.all(samples.map((key) => usageOf(client, key)));
  return usages.reduce((sum, bytes) => sum + bytes, 0) / sampleSize;
}

async function usageOf(client: Redis, key: string): Promise<number> {
  return Number(await client.memory("USAGE", key, "SAMPLES", 0));
}
