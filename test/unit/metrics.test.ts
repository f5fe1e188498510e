import { describe, expect, test } from "bun:test";
import { errorCodes } from "../../src/errors.ts";
import { createMetrics } from "../../src/process/metrics.ts";

describe("text", () => {
  test("has every counter from the start, counts by event, and reads a gauge when it is asked", async () => {
    const metrics = createMetrics();
    metrics.countHash("hit");
    metrics.countHash("hit");
    metrics.countHash("fill refused");
    metrics.countGuard("returned");
    let masters = 0;
    metrics.watch({ liveMasters: () => masters, isFilling: () => true, epochsSeen: () => 4 });
    masters = 3;
    expect(metrics.contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
    const text = await metrics.text();
    expect(
      text.slice(text.indexOf("# HELP ownid_hash_events_total")),
    ).toBe(`# HELP ownid_hash_events_total What happened to the Redis hashes
# TYPE ownid_hash_events_total counter
ownid_hash_events_total{event="hit"} 2
ownid_hash_events_total{event="miss"} 0
ownid_hash_events_total{event="ask"} 0
ownid_hash_events_total{event="stale"} 0
ownid_hash_events_total{event="marker"} 0
ownid_hash_events_total{event="bypassed"} 0
ownid_hash_events_total{event="fill"} 0
ownid_hash_events_total{event="fill_refused"} 1
ownid_hash_events_total{event="begin"} 0
ownid_hash_events_total{event="end_failed"} 0
ownid_hash_events_total{event="stray_removed"} 0
ownid_hash_events_total{event="unreachable"} 0

# HELP ownid_store_events_total Writes, and values in Redis that contradicted the row
# TYPE ownid_store_events_total counter
ownid_store_events_total{event="audited"} 0
ownid_store_events_total{event="stale_hit"} 0
ownid_store_events_total{event="stale_refused"} 0
ownid_store_events_total{event="written"} 0
ownid_store_events_total{event="outcome_unknown"} 0
ownid_store_events_total{event="write_contended"} 0
ownid_store_events_total{event="write_suppressed"} 0
ownid_store_events_total{event="value_altered"} 0

# HELP ownid_replay_guard_events_total Where the replay guard is kept
# TYPE ownid_replay_guard_events_total counter
ownid_replay_guard_events_total{event="fell_back"} 0
ownid_replay_guard_events_total{event="returned"} 1

# HELP ownid_log_events_total Log entries that were not written
# TYPE ownid_log_events_total counter
ownid_log_events_total{event="dropped"} 0
ownid_log_events_total{event="left_out"} 0

# HELP ownid_audit_events_total Entries of the audit log
# TYPE ownid_audit_events_total counter
ownid_audit_events_total{event="recorded"} 0
ownid_audit_events_total{event="write_failed"} 0
ownid_audit_events_total{event="dropped"} 0

# HELP ownid_reload_events_total What happened to changed files of keys and secrets
# TYPE ownid_reload_events_total counter
ownid_reload_events_total{event="reloaded"} 0
ownid_reload_events_total{event="refused"} 0
ownid_reload_events_total{event="restart_needed"} 0

# HELP ownid_redis_live_masters Masters of Redis that answer now
# TYPE ownid_redis_live_masters gauge
ownid_redis_live_masters 3

# HELP ownid_redis_epochs_seen Epochs of Redis seen since the start
# TYPE ownid_redis_epochs_seen gauge
ownid_redis_epochs_seen 4

# HELP ownid_redis_filling 1 when the grace is over and misses are stored
# TYPE ownid_redis_filling gauge
ownid_redis_filling 1
`);
  });

  test("counts requests by endpoint and outcome, and failures by code and reason, of which all are listed", async () => {
    const metrics = createMetrics();
    metrics.countRequest("get", "user unknown");
    metrics.countFailure("ERR_USER_UNKNOWN", null);
    metrics.countFailure("ERR_SIGNATURE_INVALID", "timestamp too old");
    const lines = (await metrics.text()).split("\n");
    for (const endpoint of ["get", "set", "session", "keys", "verify", "introspect", "exchange"]) {
      const counter = `ownid_requests_total{endpoint="${endpoint}",outcome=`;
      expect(lines.filter((line) => line.startsWith(counter))).toHaveLength(4);
    }
    expect(lines).toContain('ownid_requests_total{endpoint="get",outcome="user_unknown"} 1');
    expect(lines).toContain('ownid_failures_total{code="ERR_USER_UNKNOWN",reason=""} 1');
    const reason = "timestamp_too_old";
    expect(lines).toContain(`ownid_failures_total{code="ERR_SIGNATURE_INVALID",reason="${reason}"} 1`);
    for (const code of errorCodes) {
      expect(lines.some((line) => line.startsWith(`ownid_failures_total{code="${code}",`))).toBe(true);
    }
  });

  test("is each process's own", async () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.countStore("stale hit");
    expect(await one.text()).toContain('ownid_store_events_total{event="stale_hit"} 1\n');
    expect(await other.text()).toContain('ownid_store_events_total{event="stale_hit"} 0\n');
  });
});
