import type { Mutation } from "./mutations.ts";
import { simulatedScripts } from "./simulated-scripts.ts";

const { reopenSeen } = simulatedScripts;

/** Each mutation leaves out one rule of src/replay/DESIGN.md. */
export const replayMutations = {
  "each of several copies of a failed request reopens the record": {
    scripts: {
      reopenSeen(call) {
        reopenSeen(call);
        return 1;
      },
    },
  },
  "the client sends commands twice": { sendsTwice: true },
  "a server is asked before its epoch has been seen": {
    epochs: (real) => ({ ...real, isConnected: () => true }),
  },
  "nothing is doubted": { epochs: (real) => ({ ...real, firstSeenAtMs: () => 0 }) },
  "the memory of a process never begins anew": { memory: (real) => ({ ...real, beginAnew: () => {} }) },
  "the memory of a process does not begin anew when the connection is lost": {
    epochs: (real) => ({ ...real, onLoss: () => {} }),
  },
  "a process does not answer for what it has claimed alone": {
    memory: (real) => ({ ...real, has: () => false }),
  },
  "a process does not ask Redis about what has failed alone": {
    memory: (real) => ({ ...real, forgetFailed: () => false }),
  },
} satisfies Record<string, Mutation>;
