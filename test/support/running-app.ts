import pino from "pino";
import { createSignedClient } from "../../scripts/client/signed-client.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { type AppDependencies, createApp } from "../../src/app.ts";
import { withoutAuditLog } from "../../src/audit/audit-log.ts";
import { withoutHotCopy } from "../../src/coherence/hot-copy.ts";
import { createWriteThrough } from "../../src/coherence/write-through.ts";
import type { SessionColumns } from "../../src/directory/dialects/session-columns.ts";
import { createSqlDirectory } from "../../src/directory/sql-directory.ts";
import { createDependencyWatch } from "../../src/process/dependency-watch.ts";
import { createMetrics } from "../../src/process/metrics.ts";
import { createSignatureVerifier } from "../../src/protocol/signature.ts";
import { createProcessReplayGuard } from "../../src/replay/process-replay-guard.ts";
import { createJwtSessions } from "../../src/sessions/jwt-sessions.ts";
import { createKeyRing } from "../../src/sessions/key-ring.ts";
import { tokenService } from "../../src/sessions/session-service.ts";
import { createSigningKeys, loadSigningKeys } from "../../src/sessions/signing-keys.ts";
import { createSqliteSessionLedger } from "../../src/sessions/sqlite-session-ledger.ts";
import { withoutTls } from "./database-tls.ts";
import { createUsers, type User, userTableNames } from "./user-table.ts";

export interface RunningAppOptions extends Partial<Omit<AppDependencies, "adminToken" | "backendToken">> {
  /** By default, no token is set, so the routes that ask for one do not exist. */
  readonly adminToken?: string | null;
  readonly backendToken?: string | null;
  readonly users?: readonly User[];
  /** The collation of the column with the login ids. */
  readonly collation?: "BINARY" | "NOCASE";
  /** `SESSION_HANDOFF=exchange`. */
  readonly handsOff?: boolean;
  /** `SESSION_TOKEN_TYPE`. */
  readonly tokenType?: string;
  /** `SESSION_SUBJECT_COLUMN` and `SESSION_CLAIMS`. */
  readonly session?: SessionColumns | null;
  /** Statements that change the user table before the sidecar examines it. */
  readonly schema?: readonly string[];
}

export type RunningApp = Awaited<ReturnType<typeof startApp>>;

export const sharedSecret = new Uint8Array(Buffer.from("a shared secret of thirty-two b.", "utf8"));

/** This time is long after any real request, so that a mistaken use of the machine's clock does not go unnoticed. */
const startMs = Date.UTC(2033, 4, 18, 3, 33, 20);
const statementMs = 2000;

export const sessionSettings = {
  issuer: "ownid-sidecar",
  audience: "website",
  tokenType: "ownid-session+jwt",
  ttlSeconds: 3600,
  ttlSecondsByType: { browser: null, mobile: null },
  handoffTtlSeconds: 120,
};

/**
 * Starts the whole application without Redis, on two loopback ports, over a real SQLite file in a new folder. Tests set
 * its clock and read its log. `await using` stops it and deletes the folder.
 */
export async function startApp({
  users = [{ email: "sol@testmail.com" }],
  collation = "BINARY",
  adminToken = null,
  backendToken = null,
  handsOff = false,
  tokenType = sessionSettings.tokenType,
  session = null,
  schema = [],
  ...overrides
}: RunningAppOptions = {}) {
  const folder = temporaryFolder();
  const clock = { nowMs: startMs };
  const now = () => clock.nowMs;
  const logLines: string[] = [];
  const logger = pino({ level: "trace", base: null }, { write: (line: string) => logLines.push(line) });

  const databasePath = folder.at("users.db");
  const table = createUsers(databasePath, users, collation);
  schema.forEach(table.run);
  const directory = createSqlDirectory({
    kind: "sqlite",
    url: databasePath,
    poolMax: 4,
    prepare: true,
    tls: withoutTls,
    statementMs,
    names: { ...userTableNames, session },
  });
  const watch = createDependencyWatch({
    verifyDatabase: directory.verifyConnection,
    redis: null,
    logger,
    intervalMs: 60_000,
  });
  await watch.start();
  const keysFile = folder.at("session-keys.json");
  await createSigningKeys(keysFile);
  const keys = await loadSigningKeys(keysFile);
  const keyRing = createKeyRing(keys, { maxAgeSeconds: 300, now });
  const ledger = openLedger(folder.at("state.db"), now);

  const { publicApp, opsApp } = createApp({
    basePath: "/ownid",
    bodyBytesMax: 65_536,
    loginIdCase: "exact",
    requireSessionType: false,
    compatErrorCode404: false,
    jwksMaxAgeSeconds: 300,
    verifySignature: createSignatureVerifier({ sharedSecrets: [sharedSecret], toleranceSeconds: 60, now }),
    store: createWriteThrough({
      directory,
      hotCopy: withoutHotCopy,
      statementMs,
      auditShare: 0,
      onEvent: () => {},
    }),
    replayGuard: createProcessReplayGuard({ keepMs: 125_000, now, elapsed: now }),
    ...tokenService(
      createJwtSessions({
        ...sessionSettings,
        tokenType,
        subjectColumn: session?.subject ?? null,
        claims: session?.claims ?? [],
        keys: keyRing,
        ledger,
        handsOff,
        now,
      }),
    ),
    sessionCookie: "ownid_session",
    findUser: directory.find,
    readiness: watch,
    adminToken: () => adminToken,
    backendToken: () => backendToken,
    metrics: createMetrics(),
    audit: withoutAuditLog,
    logger,
    ...overrides,
  });
  const loopback = { hostname: "127.0.0.1", port: 0 };
  const publicUrl = originOf(publicApp.listen(loopback).server?.port);
  const opsUrl = originOf(opsApp.listen(loopback).server?.port);
  const baseUrl = publicUrl + (overrides.basePath ?? "/ownid");

  return {
    publicUrl,
    opsUrl,
    baseUrl,
    clock,
    watch,
    keys,
    ledger,
    logLines,
    table,
    // Each request is signed slightly later than the previous one, so that none is refused as a copy.
    client: createSignedClient({ baseUrl, sharedSecret, now: () => ++clock.nowMs }),
    async [Symbol.asyncDispose]() {
      watch.drain();
      await Promise.all([publicApp.stop(true), opsApp.stop(true)]);
      await directory.close();
      ledger.close();
      table.close();
      folder[Symbol.dispose]();
    },
  };
}

/** Opens a ledger whose record began a minute ago. In its first seconds, every session would read its user twice. */
function openLedger(path: string, now: () => number) {
  const options = { path, keepSeconds: 3660 };
  const before = createSqliteSessionLedger({ ...options, now: () => now() - 60_000 });
  before.open();
  before.close();
  return createSqliteSessionLedger({ ...options, now });
}

function originOf(port: number | undefined): string {
  if (port === undefined) throw new Error("the listener has no port");
  return `http://127.0.0.1:${port}`;
}
