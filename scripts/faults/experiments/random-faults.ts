import type { FaultProxy } from "../../servers/fault-proxy.ts";
import { experiment, provenByUse, unless } from "../harness/experiment.ts";
import { createRandom } from "../harness/random.ts";
import { judgeUnderLoad } from "../harness/under-load.ts";
import { startWorld, type World } from "../harness/world.ts";

export const randomFaults = experiment({
  id: "random-faults",
  title: "three sidecars and one key, with random network faults and frozen processes",
  passes: "there are 0 violations of linearizability",
  small: { operations: 2500, secondsMax: 12, seed: 1, pauseMs: 250 },
  full: { operations: 100_000, secondsMax: 600, seed: 2, pauseMs: 500 },
  async run({ operations, secondsMax, seed, pauseMs }, progress) {
    await using world = await startWorld({
      sidecars: 3,
      users: 1,
      proxies: true,
      times: { quarantineMs: 1700 },
      settings: { AUDIT_SHARE: "0" },
    });
    const load = { clients: 9, ratePerSecond: 600, sets: 0.1, secondsMax, operationsMax: operations };
    const verdict = await judgeUnderLoad(world, load, async (history, { done }) => {
      let isOver = false;
      void done.then(() => {
        isOver = true;
      });
      const random = createRandom(seed);
      let faults = 0;
      while (!isOver) {
        await Bun.sleep(random() * 2 * pauseMs);
        const name = await causeFault(world, random);
        faults += 1;
        progress(`${history.replies.length} operations, fault ${faults}: ${name}`);
      }
      return { figures: { faults }, failures: unless({ "there was no fault": faults > 0 }) };
    });
    return provenByUse(verdict);
  },
});

type Fault = (proxy: FaultProxy, forMs: number) => Promise<void>;

/**
 * Each fault restores the network at its end. If bytes were lost, it ends by closing the connections, because a real
 * network would not lose bytes and continue.
 */
const faults: Readonly<Record<string, Fault>> = {
  async delay(proxy, forMs) {
    proxy.delay(forMs / 5);
    await Bun.sleep(forMs);
    proxy.passThrough();
  },
  async "held replies"(proxy, forMs) {
    proxy.holdReplies();
    await Bun.sleep(forMs);
    proxy.passThrough();
  },
  async "held requests"(proxy, forMs) {
    proxy.holdRequests();
    await Bun.sleep(forMs);
    proxy.passThrough();
  },
  async "held and cut"(proxy, forMs) {
    proxy.holdReplies();
    await Bun.sleep(forMs);
    proxy.cut();
    proxy.passThrough();
  },
  async "black hole and cut"(proxy, forMs) {
    proxy.blackHole();
    await Bun.sleep(forMs);
    proxy.cut();
    proxy.passThrough();
  },
  async cut(proxy) {
    proxy.cut();
  },
  async "cut and refuse"(proxy, forMs) {
    await proxy.refuse();
    proxy.cut();
    await Bun.sleep(forMs);
    await proxy.accept();
  },
};

async function causeFault(world: World, random: () => number): Promise<string> {
  const place = Math.floor(random() * world.sidecars.length);
  const [sidecar, proxies] = [world.sidecar(place), world.proxiesOf(place)];
  const forMs = 30 + random() ** 2 * 900;
  if (random() < 0.1) {
    await sidecar.freeze();
    await Bun.sleep(forMs);
    await sidecar.thaw();
    return `sidecar ${place} frozen`;
  }
  const side = random() < 0.5 ? "redis" : "postgres";
  const all = Object.entries(faults);
  const [name, cause] = all[Math.floor(random() * all.length)] ?? [];
  await cause?.(proxies[side], forMs);
  return `${side} of sidecar ${place}: ${name}`;
}
