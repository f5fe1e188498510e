import { counted } from "../quantities.ts";
import { type Check, fine, warning, wrong } from "./check.ts";
import type { Population } from "./population.ts";
import { configSet } from "./redis-checks.ts";
import type { RedisMaster, RedisServers } from "./redis-servers.ts";

export interface MemoryQuestion {
  readonly servers: RedisServers;
  /** Returns `null` if the users cannot be counted. */
  readonly population: () => Promise<Population | null>;
  readonly requestsPerSecond: number;
  /** How long the replay guard remembers; 0 if it is off. */
  readonly rememberSeconds: number;
}

/** Measured on Redis 7.0: a user's hash without its value but with key and expiry, and a signature. */
const hashBytes = 480;
const signatureBytes = 200;
/** Values are rounded up to the sizes of the allocator. */
const rounding = 1.15;
const serverBytes = 8 * 2 ** 20;
const mebibyte = 2 ** 20;

const memory: Check<MemoryQuestion> = {
  id: "redis.memory",
  title: "memory",
  isScan: true,
  async examine({ servers, population, requestsPerSecond, rememberSeconds }) {
    const counts = await population();
    const users = counts === null ? 0 : counts.enrolled * (hashBytes + counts.bytesEach * rounding);
    const guard = requestsPerSecond * rememberSeconds * signatureBytes;
    const needed = serverBytes + (users + guard) / servers.masters.length;
    const holders =
      counts === null
        ? "without the users, who are not counted,"
        : `${counted(counts.enrolled, "user")} with data and`;
    const where = servers.masters.length > 1 ? " in each master" : "";
    const estimate = `${holders} ${counted(requestsPerSecond, "request")}/s need ${mebibytes(needed)}${where}`;
    return judge(servers.masters, needed, estimate);
  },
};

export const memoryChecks: readonly Check<MemoryQuestion>[] = [memory];

function judge(masters: readonly RedisMaster[], needed: number, estimate: string) {
  const tight = masters.filter(({ info }) => limitOf(info) < needed || isFull(info));
  const close = masters.filter(
    ({ info }) => limitOf(info) * 0.8 < needed || numberOf(info, "used_memory") > limitOf(info) * 0.9,
  );
  const [first] = masters;
  const limit = first === undefined ? "" : tellLimit(first);
  const raise = (those: readonly RedisMaster[]) =>
    those
      .map((master) => {
        const enough = 2 * Math.max(needed, numberOf(master.info, "used_memory"));
        return configSet(master, `maxmemory ${mebibytes(enough, "mb")}`);
      })
      .join("\n");
  if (tight.length > 0) return wrong(`${estimate}; ${limit}: beyond it, Redis refuses writes`, raise(tight));
  if (close.length > 0) return warning(`${estimate}; ${limit}`, raise(close));
  return fine(`${estimate}; ${limit}`);
}

function tellLimit({ info }: RedisMaster): string {
  const used = `${mebibytes(numberOf(info, "used_memory"))} used of`;
  if (numberOf(info, "maxmemory") > 0) return `${used} maxmemory ${mebibytes(limitOf(info))}`;
  return `${used} ${mebibytes(limitOf(info))}, half of the machine, since maxmemory is not set`;
}

/** Without a limit of its own, Redis can count on half of the machine. */
function limitOf(info: RedisMaster["info"]): number {
  const maxmemory = numberOf(info, "maxmemory");
  const machine = numberOf(info, "total_system_memory") || Number.POSITIVE_INFINITY;
  return maxmemory > 0 ? maxmemory : machine / 2;
}

function isFull(info: RedisMaster["info"]): boolean {
  const maxmemory = numberOf(info, "maxmemory");
  return maxmemory > 0 && numberOf(info, "used_memory") >= maxmemory;
}

function numberOf(info: RedisMaster["info"], field: string): number {
  return Number(info.get(field) ?? 0);
}

function mebibytes(bytes: number, unit = " MiB"): string {
  return `${Math.ceil(bytes / mebibyte)}${unit}`;
}
