import { type Copy, nobody, type Server, type Sidecar, type State } from "./state.ts";

/**
 * Returns a text that is equal for two states only if they differ in nothing but the numbers of sidecars and copies, which
 * are interchangeable. Nothing reads a server that has ended.
 */
export function stateKey(state: State): string {
  const { time, home, past, leftServer, isDisturbed, broken, servers } = state;
  const processes = state.sidecars.map(sidecarText);
  const strays: string[] = [];
  const copies = state.copies.map((copy) => ({ sidecar: copy.sidecar, text: copyText(copy) }));
  for (const { sidecar, text } of copies.sort((one, other) => (one.text < other.text ? -1 : 1))) {
    if (sidecar === nobody) strays.push(text);
    else processes[sidecar] += `;${text}`;
  }
  const world = `${time},${home},${past},${leftServer},${isDisturbed},${broken},${faultsText(state)}`;
  return `${world}|${servers.map(serverText).join(";")}|${processes.sort().join("|")}|${strays.join(";")}`;
}

const faultsText = ({ faults }: State) =>
  `${faults.restarts},${faults.promotions},${faults.detours},${faults.moves},${faults.refusals},${faults.sidecarRestarts}`;

const serverText = ({ runs, isMaster, address, refuses, record, firstSeen }: Server) =>
  runs ? `${isMaster},${address},${refuses},${record},${firstSeen}` : "";

function sidecarText(sidecar: Sidecar): string {
  const { owner, answered, seen, young, latest, memory, memoryCovers, lost, refusing, hadRedis } = sidecar;
  return `${owner},${answered},${seen},${young},${latest},${memory},${memoryCovers},${lost},${refusing},${hadRedis}`;
}

function copyText(copy: Copy): string {
  const { at, asked, isOld, isDue, reply, turn, ranBy, isExcused, tells, tellsLeft } = copy;
  if (at === "away" && tells === "nothing") return at;
  return `${at},${asked},${isOld},${isDue},${reply},${turn},${ranBy},${isExcused},${tells},${tellsLeft}`;
}
