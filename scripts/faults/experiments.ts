import { commitInGrace } from "./experiments/commit-in-grace.ts";
import { databaseDown } from "./experiments/database-down.ts";
import { demotedPrimary } from "./experiments/demoted-primary.ts";
import { halfOpen } from "./experiments/half-open.ts";
import { killPostgres } from "./experiments/kill-postgres.ts";
import { killRedis } from "./experiments/kill-redis.ts";
import { killSidecar } from "./experiments/kill-sidecar.ts";
import { lateUpdate } from "./experiments/late-update.ts";
import { lostBackend } from "./experiments/lost-backend.ts";
import { movingSlots } from "./experiments/moving-slots.ts";
import { promoteReplica } from "./experiments/promote-replica.ts";
import { pushUnderLoad } from "./experiments/push-under-load.ts";
import { randomFaults } from "./experiments/random-faults.ts";
import { redisDown } from "./experiments/redis-down.ts";
import { replay } from "./experiments/replay.ts";
import { restoredSnapshot } from "./experiments/restored-snapshot.ts";
import { sharedRedis } from "./experiments/shared-redis.ts";
import { stalledLog } from "./experiments/stalled-log.ts";
import { stampede } from "./experiments/stampede.ts";
import { swappedFile } from "./experiments/swapped-file.ts";
import { syncUnderLoad } from "./experiments/sync-under-load.ts";
import { triggersInTheWay } from "./experiments/triggers.ts";
import type { Experiment } from "./harness/experiment.ts";

/** All experiments, in the order in which they run. */
export const experiments: readonly Experiment[] = [
  killSidecar,
  killRedis,
  promoteReplica,
  killPostgres,
  databaseDown,
  redisDown,
  halfOpen,
  lateUpdate,
  randomFaults,
  replay,
  stampede,
  demotedPrimary,
  lostBackend,
  triggersInTheWay,
  swappedFile,
  stalledLog,
  pushUnderLoad,
  sharedRedis,
  restoredSnapshot,
  movingSlots,
  commitInGrace,
  syncUnderLoad,
];
