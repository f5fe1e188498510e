import { expect, test } from "bun:test";
import { readFileSync, rmSync, symlinkSync } from "node:fs";
import pino from "pino";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { openAuditLog } from "../../src/process/audit-output.ts";

test("entries that a full disk does not take are written later, and those beyond a limit are counted and reported", async () => {
  using folder = temporaryFolder();
  const path = folder.at("audit.log");
  symlinkSync("/dev/full", path);
  const logged: string[] = [];
  const logger = pino({ level: "info" }, { write: (line: string) => void logged.push(JSON.parse(line).msg) });
  const counts: Record<string, number> = {};
  const { audit, auditOutput } = openAuditLog(path, {
    logger,
    output: { write() {}, flush: async () => {} },
    hashLoginId: (loginId) => `hash of ${loginId}`,
    count(event, entries) {
      counts[event] = (counts[event] ?? 0) + entries;
    },
  });
  const total = 20_000;
  for (let turn = 0; turn < total; turn += 1)
    audit.write({
      event: "session",
      actor: "ownid",
      outcome: "done",
      loginId: "sol",
      requestId: String(turn),
    });
  expect(await eventually(async () => counts["write failed"], 1)).toBe(1);
  const { dropped = 0 } = counts;
  expect(counts).toEqual({ recorded: total, "write failed": 1, dropped });
  expect(dropped).toBeGreaterThan(1000);

  rmSync(path);
  await auditOutput?.flush();
  const lines = readFileSync(path, "utf8").trim().split("\n");
  expect(lines).toHaveLength(total - dropped);
  expect(JSON.parse(lines[7] ?? "")).toEqual({
    time: expect.any(String),
    event: "session",
    actor: "ownid",
    outcome: "done",
    loginIdHash: "hash of sol",
    requestId: "7",
  });
  expect(logged).toEqual([
    "AUDIT_LOG cannot be written, and entries are being dropped",
    "AUDIT_LOG cannot be written; entries are kept in memory and written later",
    "AUDIT_LOG can be written again",
    "entries of the audit log were dropped while AUDIT_LOG could not be written",
  ]);
});
