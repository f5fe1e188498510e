import { wrapBeside } from "../../columns.ts";
import { textTable } from "../../text-table.ts";
import type { Target } from "./growth-targets.ts";
import type { GrowthResult } from "./measure-growth.ts";
import { rememberSeconds } from "./remembered-signatures.ts";
import { medianOf } from "./throughput.ts";

const whole = (number: number) => Math.round(number).toLocaleString("en-US");
const mib = (bytes: number) => {
  const mebibytes = bytes / 2 ** 20;
  return `${mebibytes < 10 ? mebibytes.toFixed(1) : whole(mebibytes)} MiB`;
};

/** What a terminal shows. */
export function growthTable(result: GrowthResult, targets: readonly Target[]): string {
  const blocks = [throughputTable(result), memoryTable(result), residentTable(result), targetTable(targets)];
  return `${blocks.join("\n\n")}\n`;
}

/** A section for the README: how large Redis must be. */
export function sizingMarkdown({ memory, bytesPerSignature }: GrowthResult): string {
  const perUser = memory.at(-1)?.hash ?? Number.NaN;
  const users = [10_000, 100_000, 1_000_000, 10_000_000];
  const rates = [10, 100, 1000, 10_000];
  const rows = users.map((count, row) => {
    const rate = rates[row] ?? Number.NaN;
    const signatures = mib(rate * rememberSeconds * bytesPerSignature);
    return `| ${whole(count)} | ${mib(count * perUser)} | ${whole(rate)} | ${signatures} |`;
  });
  return `### Sizing

A user whose \`ownIdData\` has 1,024 bytes takes ${whole(perUser)} bytes in Redis, everything included; a signature that the
replay guard remembers takes ${whole(bytesPerSignature)} bytes, for ${rememberSeconds} seconds (2 × \`SIGNATURE_MAX_AGE_SECONDS\` + 5).

| users held at once | memory | signed requests/s | memory |
| ---: | ---: | ---: | ---: |
${rows.join("\n")}

A user is held from a lookup on for \`REDIS_TTL_SECONDS\` (an hour unless told otherwise): count those who are looked up
within that time, or everybody with \`REDIS_TTL_SECONDS=0\` and after \`sync warm\`. Add both figures, and half as much again
for what Redis needs besides: fragmentation, buffers, the pages that are copied while it saves.
`;
}

function throughputTable({ throughput }: GrowthResult): string {
  const rows = throughput.map(({ users, rounds, overSmallest, cpuOverSmallest }) => [
    whole(users),
    whole(medianOf(rounds, "requestsPerSecond")),
    overSmallest.median.toFixed(3),
    medianOf(rounds, "sidecarUs").toFixed(1),
    medianOf(rounds, "redisUs").toFixed(1),
    cpuOverSmallest.median.toFixed(3),
    rounds.map(({ requestsPerSecond }) => whole(requestsPerSecond)).join(" "),
  ]);
  const head = [
    "users",
    "requests/s",
    "ratio",
    "sidecar µs",
    "Redis µs",
    "ratio",
    "requests/s of each round",
  ];
  return `Lookups of users drawn at random: medians, CPU time for one lookup\n${textTable(head, rows)}`;
}

function memoryTable({ memory, bytesPerSignature }: GrowthResult): string {
  const rows = memory.map(({ users, hash, string, hashAlone, stringAlone }) => [
    whole(users),
    hash.toFixed(1),
    string.toFixed(1),
    (hash / string).toFixed(3),
    hashAlone.toFixed(1),
    stringAlone.toFixed(1),
  ]);
  const head = ["users", "hash", "string", "ratio", "hash by MEMORY USAGE", "string"];
  const signature = `A signature that the replay guard remembers: ${bytesPerSignature.toFixed(1)} bytes`;
  return `Redis memory for one user, bytes, 1 KB values that expire\n${textTable(head, rows)}\n${signature}`;
}

function residentTable({ resident }: GrowthResult): string {
  const lines = resident.map(({ replayProtection, steps }) => {
    const each = steps.map(({ lookups, bytes }) => `${mib(bytes)} after ${whole(lookups)}`).join(", ");
    return `REPLAY_PROTECTION=${replayProtection.padEnd(4)} ${wrapBeside(23, each)}`;
  });
  return ["Resident memory of the sidecar after lookups of so many users", ...lines].join("\n");
}

function targetTable(targets: readonly Target[]): string {
  const rows = targets.map(({ name, measured, bound, target, aim, isMet }) => [
    name,
    measured.toFixed(3),
    `${bound} ${target}`,
    String(aim),
    isMet ? "met" : "NOT MET",
  ]);
  return textTable(["Targets", "measured", "required", "aim", "result"], rows);
}
