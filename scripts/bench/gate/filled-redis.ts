import { plainConnection } from "../../../src/redis/options.ts";
import { type RedisServer, startRedis } from "../../servers/redis-server.ts";
import { createPatience } from "../../sync/patience.ts";
import { openRedisPopulation } from "../../sync/population.ts";
import { loginIdOf, ownIdDataOf } from "../population.ts";
import { keyPrefix } from "../site.ts";

/** A private Redis whose hashes hold the data of this many users. */
export interface FilledRedis extends AsyncDisposable {
  readonly server: RedisServer;
  readonly users: number;
}

const limits = { ttlMs: 3_600_000, tokenMs: 10_000, quarantineMs: 900_000 };
const usersAtOnce = 500;

/** Fills the hashes as sidecars do. Only sidecars of this installation use them. */
export async function startFilledRedis(users: number, installation: string): Promise<FilledRedis> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startRedis());
  const patience = createPatience(10_000, new AbortController().signal);
  const node = {
    host: "127.0.0.1",
    port: server.port,
    username: null,
    password: null,
    database: 0,
    tls: false,
  };
  const population = openRedisPopulation({
    connection: { ...plainConnection, mode: "single", nodes: [node] },
    keyPrefix,
    installation,
    limits,
    graceMs: 0,
    patience,
  });
  stack.defer(population.close);
  await patience.retry(population.verifyConnection);
  await population.untilFilling(() => {});
  const hotCopy = population.hotCopy();

  async function fill(number: number): Promise<void> {
    const loginId = loginIdOf("user", number);
    const read = await hotCopy.read(loginId);
    if (read.state !== "miss") throw new Error(`an empty Redis answers "${read.state}"`);
    await read.fill(ownIdDataOf(loginId));
  }

  for (let first = 0; first < users; first += usersAtOnce) {
    const count = Math.min(usersAtOnce, users - first);
    await Promise.all(Array.from({ length: count }, (_, offset) => fill(first + offset)));
  }
  const rest = stack.move();
  return { server, users, [Symbol.asyncDispose]: () => rest.disposeAsync() };
}
