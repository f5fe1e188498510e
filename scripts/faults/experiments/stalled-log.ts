import { temporaryFolder } from "../../servers/temporary-folder.ts";
import { eventually } from "../../servers/waiting.ts";
import { experiment, unless } from "../harness/experiment.ts";
import { type FifoReader, makeFifo, openFifo } from "../harness/fifo.ts";
import { percentile } from "../harness/load.ts";
import { type RedirectedSidecar, startRedirected } from "../harness/redirected-sidecar.ts";

interface Parameters {
  /** How many requests each of two sidecars refuses. */
  readonly refused: number;
}

/** The requests are sent in this many parts, alternating between the two sidecars. */
const parts = 4;
const senders = 10;
const partMs = 60_000;
const betweenLookupsMs = 2;
/** Tolerance for a busy machine. A process that waited for the reader of its log would stop completely. */
const slackMs = 200;
const forged = Buffer.alloc(32).toString("base64");
const demoUser = "sol@testmail.com";

export const stalledLog = experiment<Parameters>({
  id: "stalled-log",
  title: "the reader of the log stalls while many requests are refused",
  passes:
    "the p99 of other lookups is less than twice as high, dropped lines are counted, and SIGTERM ends the sidecar",
  small: { refused: 1200 },
  full: { refused: 20_000 },
  async run({ refused }, progress) {
    using folder = temporaryFolder();
    await using followed = await startFollowed(folder.at);
    makeFifo(folder.at("stalled"));
    using reader = openFifo(folder.at("stalled"));
    reader.fill();
    await using stalled = await startLogging(`>"${folder.at("stalled")}"`, folder.at("."));
    const waits = { followed: [] as number[], stalled: [] as number[] };
    for (let part = 0; part < parts; part += 1) {
      waits.followed.push(...(await waitsDuringRefusals(followed.sidecar, refused / parts)));
      waits.stalled.push(...(await waitsDuringRefusals(stalled, refused / parts)));
    }
    progress("all requests are refused");
    const dropped = await countDropped(stalled);
    const written = await readUnknownUsers(reader, refused / 2 - dropped);
    reader.fill();
    const exitStatus = await stalled.terminate();
    const p99 = { followed: percentile(waits.followed, 0.99), stalled: percentile(waits.stalled, 0.99) };
    return {
      figures: {
        "refused requests": refused,
        "lookups meanwhile": waits.stalled.length,
        "p99 ms with a reader": Math.round(p99.followed),
        "p99 ms without a reader": Math.round(p99.stalled),
        "lines dropped": dropped,
      },
      failures: unless({
        "no lookup was answered": waits.stalled.length > 0,
        [`a lookup took ${p99.stalled.toFixed(1)} ms, and ${p99.followed.toFixed(1)} ms with a reader`]:
          p99.stalled < 2 * p99.followed + slackMs,
        [`of ${refused / 2} lines, ${written} were written and ${dropped} were counted as dropped`]:
          written + dropped >= refused / 2,
        [`SIGTERM ended it with ${exitStatus}`]: exitStatus === 0,
      }),
    };
  },
});

const startLogging = (output: string, folder: string) =>
  startRedirected(folder, output, { LOG_LEVEL: "debug" });

/** Starts a sidecar whose log is read all the time. */
async function startFollowed(at: (name: string) => string) {
  makeFifo(at("followed"));
  const reader = openFifo(at("followed"));
  const following = setInterval(() => reader.read(), 10);
  const sidecar = await startLogging(`>"${at("followed")}"`, at("."));
  return {
    sidecar,
    async [Symbol.asyncDispose]() {
      await sidecar[Symbol.asyncDispose]();
      clearInterval(following);
      reader[Symbol.dispose]();
    },
  };
}

/**
 * Returns how long lookups of the demo user take while other requests are refused, because of their signature or
 * because the user is unknown.
 */
async function waitsDuringRefusals({ client }: RedirectedSidecar, requests: number): Promise<number[]> {
  const waits: number[] = [];
  let isOver = false;
  async function look(): Promise<void> {
    while (!isOver) {
      const begunAt = performance.now();
      const { status } = await client.get(demoUser);
      if (status !== 204) throw new Error(`a lookup was answered with ${status}`);
      waits.push(performance.now() - begunAt);
      await Bun.sleep(betweenLookupsMs);
    }
  }
  async function refuse(): Promise<void> {
    for (let sent = 0; sent < requests / senders; sent += 1) {
      const request = client.sign("getOwnIDDataByLoginId", { loginId: "nobody@testmail.com" });
      const headers = { ...request.headers, "ownid-signature": forged };
      await client.send(sent % 2 === 0 ? request : { ...request, headers });
    }
  }
  const looking = look();
  const hangs = Bun.sleep(partMs).then(() => Promise.reject(new Error("the sidecar hangs")));
  try {
    await Promise.race([Promise.all(Array.from({ length: senders }, refuse)), hangs]);
  } finally {
    isOver = true;
  }
  await looking;
  return waits;
}

async function countDropped(sidecar: RedirectedSidecar): Promise<number> {
  const [, count] = /^ownid_log_events_total\{event="dropped"\} (\d+)$/m.exec(await sidecar.metrics()) ?? [];
  return Number(count);
}

/** Reads the log to its end and returns how many lines are about unknown users. */
async function readUnknownUsers(reader: FifoReader, expected: number): Promise<number> {
  let log = "";
  const count = () => log.split('"ERR_USER_UNKNOWN"').length - 1;
  await eventually(async () => {
    log += reader.read();
    return count() >= expected;
  }, true);
  return count();
}
