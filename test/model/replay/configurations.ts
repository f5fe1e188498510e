import type { Limit } from "../protocol.ts";
import { type Faults, newServer, newSidecar, nobody, restingCopy, type State } from "./state.ts";

/** The processes that take part, and how often each fault may happen. */
export interface Configuration extends Faults {
  readonly about: string;
  readonly sidecars: number;
  readonly copies: number;
  /** Whether it may become known that a request had no effect. */
  readonly requestsFail: boolean;
  readonly isCluster: boolean;
  readonly hasRedis: boolean;
  readonly masters: number;
  /** Whether connections end although the server runs. Replies are lost in any case. */
  readonly connectionsEnd: boolean;
  /** Whether sidecars may miss what others see, and other things that the guard does not promise; see `limits`. */
  readonly isUnseen: boolean;
  readonly clockIsFast: boolean;
}

const calm: Omit<Configuration, "about"> = {
  sidecars: 2,
  copies: 2,
  requestsFail: true,
  isCluster: false,
  hasRedis: true,
  masters: 1,
  connectionsEnd: false,
  isUnseen: false,
  clockIsFast: false,
  restarts: 0,
  promotions: 0,
  detours: 0,
  moves: 0,
  refusals: 0,
  sidecarRestarts: 0,
};

const table = {
  copies: {
    ...calm,
    about: "three copies at one sidecar and replies that are lost",
    sidecars: 1,
    copies: 3,
  },
  alone: {
    ...calm,
    about: "a sidecar without Redis that restarts",
    sidecars: 1,
    hasRedis: false,
    sidecarRestarts: 1,
  },
  outage: {
    ...calm,
    about: "two sidecars, one of which restarts; connections end and replies are lost",
    connectionsEnd: true,
    sidecarRestarts: 1,
  },
  restart: {
    ...calm,
    about: "two sidecars; Redis restarts or fails over, with no record, the current one, or an older one",
    restarts: 1,
  },
  detour: {
    ...calm,
    about:
      "two sidecars, one of which restarts after the address of Redis has led to another server and back",
    requestsFail: false,
    detours: 2,
    sidecarRestarts: 1,
  },
  refusing: {
    ...calm,
    about: "two sidecars; Redis refuses to write for a while",
    requestsFail: false,
    connectionsEnd: true,
    refusals: 1,
  },
  promotion: {
    ...calm,
    about: "a Cluster that promotes a replica which may have lost the last writes",
    sidecars: 1,
    connectionsEnd: true,
    isCluster: true,
    promotions: 1,
  },
  resharding: {
    ...calm,
    about: "a Cluster with two masters, one of which restarts empty before the key moves to the other",
    sidecars: 1,
    isCluster: true,
    masters: 2,
    restarts: 1,
    moves: 1,
  },
} satisfies Record<string, Configuration>;

export type ConfigurationName = keyof typeof table;

/** The configurations of the test run. Together they cover every behavior of the model. */
export const configurations: Readonly<Record<ConfigurationName, Configuration>> = table;

/** What the guard does not promise: each of these has a violation although all rules are followed. */
export const limits = {
  "fast clock": {
    ...table.restart,
    about: "the clock that signs is ahead of the sidecar's when Redis restarts",
    violates: "a copy runs although another one may have taken effect",
    clockIsFast: true,
  },
  "unseen detour": {
    ...table.detour,
    about: "a sidecar does not see that the address of Redis has led to another server and back",
    violates: "a copy runs although another one may have taken effect",
    isUnseen: true,
  },
  "unseen move": {
    ...table.resharding,
    about: "a key moves away from a master before a sidecar has seen that this master has restarted",
    violates: "a copy runs although another one may have taken effect",
    isUnseen: true,
  },
} satisfies Record<string, Configuration & Limit>;

/** Returns the first state: nothing is signed, there is no record, and no sidecar is connected. */
export function initialState(configuration: Configuration): State {
  const { sidecars, copies, masters, ...rest } = configuration;
  const { restarts, promotions, detours, moves, refusals, sidecarRestarts } = rest;
  return {
    time: "before",
    servers: Array.from({ length: masters }, (_, address) => newServer(address, "none")),
    home: 0,
    past: 0,
    sidecars: Array.from({ length: sidecars }, (_, id) => newSidecar(id, true)),
    copies: Array.from({ length: copies }, () => restingCopy),
    faults: { restarts, promotions, detours, moves, refusals, sidecarRestarts },
    leftServer: nobody,
    isDisturbed: false,
    broken: null,
  };
}
