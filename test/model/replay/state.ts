/**
 * The state of the model: one signature of a `set` or a session request, the record that Redis has of it, the sidecars,
 * and the copies of the request that are on their way.
 *
 * Time is ordered but not measured. Of every instant that the guard compares with the signature's timestamp, the model
 * remembers only whether it comes after it.
 */

/** What is remembered of the signature, in Redis or in a process. */
export type Remembered = "none" | "open" | "failed" | "done";
export const allRemembered: readonly Remembered[] = ["none", "open", "failed", "done"];

/** One life of a Redis server, between two restarts or promotions. Its place in the list is its epoch. */
export interface Server {
  readonly runs: boolean;
  /** Whether it is a master. A demoted one keeps its connections, and redirects. */
  readonly isMaster: boolean;
  /** A restart keeps the address, and a promotion does not. */
  readonly address: number;
  readonly refuses: boolean;
  readonly record: Remembered;
  /** Since when the epoch is recorded: not at all, or before or after the signature's timestamp. */
  readonly firstSeen: "never" | "before" | "after";
}

export interface Sidecar {
  readonly id: number;
  /** The server to which it sends commands; `nobody` without a connection. */
  readonly owner: number;
  /** The servers that have answered on their present connection, one bit each. */
  readonly answered: number;
  /** The epochs that it has seen, and those that it counts from after the timestamp, one bit each. */
  readonly seen: number;
  readonly young: number;
  /** The epoch that it has seen last. */
  readonly latest: number;
  /** What its process remembers of the signature. */
  readonly memory: Remembered;
  /** Whether the memory of its process began before the timestamp. */
  readonly memoryCovers: boolean;
  /** The addresses whose connection it has lost, and those that refuse to write, one bit each. */
  readonly lost: number;
  readonly refusing: number;
  /** Whether it could have used Redis at some instant since the signature was first sent. */
  readonly hadRedis: boolean;
}

/** A copy of the request. When nothing is left of it, the client may send it again. */
export interface Copy {
  /** The sidecar that received it; `nobody` if its process has ended. */
  readonly sidecar: number;
  readonly at: "away" | "claiming" | "claimed" | "reopening" | "reopened" | "running" | "over";
  /** The server to which its command was sent. */
  readonly asked: number;
  /** Whether the sidecar doubted when it sent the claim. */
  readonly isOld: boolean;
  /** Whether it should run, since nothing stood in its way when it arrived. */
  readonly isDue: boolean;
  readonly reply: Remembered | "refused";
  /** The order of the replies on their way; 0 if there is none. */
  readonly turn: number;
  /** Which memory let it run. */
  readonly ranBy: "nothing" | "Redis" | "its process";
  /** Whether it ran at a sidecar that could not have used Redis since the signature was first sent. */
  readonly isExcused: boolean;
  /** What it still tells Redis, and how often. */
  readonly tells: "nothing" | "failed" | "done";
  readonly tellsLeft: number;
}

export interface State {
  /** The instants before the signature exists, before its timestamp, and after it. */
  readonly time: "before" | "sent" | "stamped";
  readonly servers: readonly Server[];
  /** The server that has the key, or to which the address leads. */
  readonly home: number;
  /** What the records of the key have said so far, one bit each. A snapshot or a replica may hold any of them. */
  readonly past: number;
  readonly sidecars: readonly Sidecar[];
  readonly copies: readonly Copy[];
  readonly faults: Faults;
  /** The server from which the address has led away, until a sidecar has seen it again; `nobody` if it has not. */
  readonly leftServer: number;
  /** Whether anything went wrong since the signature was first sent that may cost a copy its turn. */
  readonly isDisturbed: boolean;
  readonly broken: string | null;
}

/** How often each fault may still happen. */
export interface Faults {
  readonly restarts: number;
  readonly promotions: number;
  readonly detours: number;
  readonly moves: number;
  readonly refusals: number;
  readonly sidecarRestarts: number;
}

export const nobody = -1;

export const bit = (place: number): number => (place < 0 ? 0 : 1 << place);

export const restingCopy: Copy = {
  sidecar: nobody,
  at: "away",
  asked: nobody,
  isOld: false,
  isDue: false,
  reply: "none",
  turn: 0,
  ranBy: "nothing",
  isExcused: false,
  tells: "nothing",
  tellsLeft: 0,
};

export const newSidecar = (id: number, memoryCovers: boolean): Sidecar => ({
  id,
  owner: nobody,
  answered: 0,
  seen: 0,
  young: 0,
  latest: nobody,
  memory: "none",
  memoryCovers,
  lost: 0,
  refusing: 0,
  hadRedis: false,
});

export const newServer = (address: number, record: Remembered): Server => ({
  runs: true,
  isMaster: true,
  address,
  refuses: false,
  record,
  firstSeen: "never",
});

export const sidecarName = (id: number): string => `sidecar ${"AB"[id]}`;

export function withServer(state: State, epoch: number, change: Partial<Server>): State {
  const servers = state.servers.map((server, place) => (place === epoch ? { ...server, ...change } : server));
  return { ...state, servers };
}

export function withSidecar(state: State, id: number, change: Partial<Sidecar>): State {
  const sidecars = state.sidecars.map((sidecar) => (sidecar.id === id ? { ...sidecar, ...change } : sidecar));
  return { ...state, sidecars };
}

/** Changes a copy. A copy of which nothing is left is sent again by the client at some later time. */
export function withCopy(state: State, place: number, change: Partial<Copy>): State {
  const copies = state.copies.map((copy, other) =>
    other === place ? withoutObsolete({ ...copy, ...change }) : copy,
  );
  return { ...state, copies };
}

function withoutObsolete(copy: Copy): Copy {
  const { at, sidecar, asked, ranBy, isExcused, tells, tellsLeft } = copy;
  if (at !== "away" && at !== "over") return copy;
  if (at === "away" && tells === "nothing") return restingCopy;
  return {
    ...restingCopy,
    at,
    sidecar,
    ranBy,
    isExcused,
    tells,
    tellsLeft,
    asked: tells === "nothing" ? nobody : asked,
  };
}

export const sidecarOf = (state: State, id: number): Sidecar => {
  const sidecar = state.sidecars[id];
  if (sidecar === undefined) throw new Error(`there is no sidecar ${id}`);
  return sidecar;
};

/** No copy needs to run any more: another one may run in its place, or the key has moved. */
export const withNoneDue = (state: State): State => ({
  ...state,
  copies: state.copies.map((copy) => ({ ...copy, isDue: false })),
});
