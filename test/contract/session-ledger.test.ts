import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { SessionLedgerUnavailable } from "../../src/errors.ts";
import type { IssuedToken, SessionLedger } from "../../src/sessions/session-ledger.ts";
import { earliestIssueTime, latestIssueTime } from "../../src/sessions/session-token.ts";
import { createSqliteSessionLedger } from "../../src/sessions/sqlite-session-ledger.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { openStore, sharedPlaces } from "../support/redis-places.ts";

setDefaultTimeout(30_000);

/** Two ends of one ledger: two sidecars on one Redis, or two connections to one file. */
interface Ledgers {
  readonly one: SessionLedger;
  readonly other: SessionLedger;
  close(): void;
}

let users = 0;

function declareContract(open: (keepSeconds: number) => Promise<Ledgers>): void {
  let ledgers: Ledgers;
  let one: SessionLedger;
  let other: SessionLedger;
  let user: string;

  beforeAll(async () => {
    ledgers = await open(60);
    ({ one, other } = ledgers);
  });
  afterAll(() => ledgers.close());
  beforeEach(() => {
    users += 1;
    user = `Zoë ${users}@testmail.com`;
  });

  /** Gives a token what an issuer would: an `iat` after the last revocation, and at least this instant's. */
  async function issue(changes: Partial<IssuedToken> = {}): Promise<IssuedToken> {
    const issuedAt = Math.max(earliestIssueTime(Date.now()), (await one.revokedUntil(user)) + 1);
    return { jti: crypto.randomUUID(), sid: crypto.randomUUID(), user, issuedAt, ...changes };
  }

  test("knows a new token as not revoked", async () => {
    const token = await issue();
    expect([await one.isRevoked(token), await other.isRevoked(token)]).toEqual([false, false]);
  });

  test("revokes one token and leaves the others of its session", async () => {
    const token = await issue();
    const sibling = await issue({ sid: token.sid });
    await one.revoke(token.jti);
    expect([await one.isRevoked(token), await other.isRevoked(token)]).toEqual([true, true]);
    expect(await other.isRevoked(sibling)).toBe(false);
  });

  test("revokes every token of one session and no other session of the user", async () => {
    const token = await issue();
    const [sibling, stranger] = [await issue({ sid: token.sid }), await issue()];
    await one.revoke(token.sid);
    expect([await other.isRevoked(token), await other.isRevoked(sibling)]).toEqual([true, true]);
    expect(await other.isRevoked(stranger)).toBe(false);
  });

  test("revokes every token that a user has, and no other user's", async () => {
    const tokens = [await issue(), await issue()];
    const stranger = await issue({ user: `${user}.uk` });
    await one.revokeUser(user);
    for (const token of tokens) expect(await other.isRevoked(token)).toBe(true);
    expect(await other.isRevoked(stranger)).toBe(false);
  });

  test("tells of the revocation of a user, and of nobody else's", async () => {
    expect(await other.userRevocation(user)).toBeNull();
    const before = latestIssueTime(Date.now());
    await one.revokeUser(user);
    const revocation = await other.userRevocation(user);
    expect(revocation?.until).toBeWithin(before, before + 60);
    expect(revocation?.keptForMs).toBeWithin(50_000, 61_001);
    expect(await other.userRevocation(`${user}.uk`)).toBeNull();
  });

  test("keeps apart two login ids that differ in case alone", async () => {
    const token = await issue();
    await one.revokeUser(user.toUpperCase());
    expect(await other.isRevoked(token)).toBe(false);
  });

  test("revokes what a sidecar issued whose clock is two seconds ahead", async () => {
    const ahead = await issue({ issuedAt: earliestIssueTime(Date.now() + 2000) });
    await one.revokeUser(user);
    expect(await other.isRevoked(ahead)).toBe(true);
  });

  test("tells tokens from before and after each of many revocations within one second", async () => {
    const earlier: IssuedToken[] = [];
    for (let turn = 0; turn < 20; turn += 1) {
      const token = await issue();
      expect(await other.isRevoked(token)).toBe(false);
      await (turn % 2 ? one : other).revokeUser(user);
      earlier.push(token);
      for (const before of earlier) expect(await one.isRevoked(before)).toBe(true);
    }
  });

  test("takes back no earlier revocation when clocks differ or calls repeat", async () => {
    const token = await issue();
    await one.revokeUser(user);
    const until = await one.revokedUntil(user);
    await Promise.all(Array.from({ length: 20 }, (_, n) => (n % 2 ? one : other).revokeUser(user)));
    expect(await one.revokedUntil(user)).toBeGreaterThanOrEqual(until);
    expect(await one.isRevoked(token)).toBe(true);
  });

  test("counts what was issued before its record began as revoked", async () => {
    expect(await one.isRevoked(await issue({ issuedAt: earliestIssueTime(Date.now() - 3_600_000) }))).toBe(
      true,
    );
  });

  test("lets exactly one of 1,000 concurrent exchanges of a token succeed", async () => {
    const jti = crypto.randomUUID();
    const calls = Array.from({ length: 1000 }, (_, n) => (n % 2 ? one : other).recordExchange(jti, 60));
    expect((await Promise.all(calls)).filter((isFirst) => isFirst).length).toBe(1);
    expect(await one.recordExchange(jti, 60)).toBe(false);
    expect(await one.recordExchange(crypto.randomUUID(), 60)).toBe(true);
  });

  test("forgets a revocation and an exchange when their tokens have expired", async () => {
    const brief = await open(1);
    const token = await issue();
    const again = { ...token, jti: crypto.randomUUID() };
    await brief.one.revoke(token.sid);
    await brief.one.recordExchange(token.jti, 1);
    const isForgotten = async () => {
      // A file is tidied up whenever something is written.
      await brief.other.revoke(crypto.randomUUID());
      return !(await brief.other.isRevoked({
        ...again,
        issuedAt: (await brief.one.revokedUntil(user)) + 1,
      }));
    };
    expect(await isForgotten()).toBe(false);
    expect(await eventually(isForgotten, true)).toBe(true);
    // It was recorded a moment after the revocation.
    expect(await eventually(() => brief.one.recordExchange(token.jti, 1), true)).toBe(true);
    brief.close();
  });
}

describe("the session ledger in a file", () => {
  const openFile = (path: string, keepSeconds = 60) =>
    createSqliteSessionLedger({ path, keepSeconds, now: Date.now });

  declareContract(async (keepSeconds) => {
    const folder = temporaryFolder();
    const [one, other] = [
      openFile(folder.at("state.db"), keepSeconds),
      openFile(folder.at("state.db"), keepSeconds),
    ];
    const close = () => {
      one.close();
      other.close();
      folder[Symbol.dispose]();
    };
    return { one, other, close };
  });

  test("is unavailable while its file cannot be used, says why, and recovers", async () => {
    using folder = temporaryFolder();
    await Bun.write(
      folder.at("state.db"),
      "this is no SQLite file, and long enough to be taken for one".repeat(20),
    );
    const ledger = openFile(folder.at("state.db"));
    const token = { jti: "a", sid: "b", user: "c", issuedAt: earliestIssueTime(Date.now()) };
    const calls = [
      () => ledger.isRevoked(token),
      () => ledger.revoke("a"),
      () => ledger.revokeUser("c"),
      () => ledger.revokedUntil("c"),
      () => ledger.recordExchange("a", 60),
    ];
    for (const call of calls) {
      const error = await call().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(SessionLedgerUnavailable);
      expect(String(error)).toContain("STATE_FILE cannot be used (SQLITE_NOTADB)");
    }
    await Bun.file(folder.at("state.db")).delete();
    expect(await ledger.revokedUntil("c")).toBeGreaterThan(0);
    ledger.close();
  });

  test("revokes for good, also where its clock was ahead for a while and has forgotten the revocation", async () => {
    using folder = temporaryFolder();
    const clock = { nowMs: Date.now() };
    const ledger = createSqliteSessionLedger({
      path: folder.at("state.db"),
      keepSeconds: 60,
      now: () => clock.nowMs,
    });
    const issuedAt = (await ledger.revokedUntil("ann")) + 1;
    const [ofAnn, ofBob] = [
      { jti: "1", sid: "s1", user: "ann", issuedAt },
      { jti: "2", sid: "s2", user: "bob", issuedAt },
    ];
    clock.nowMs += 4000;
    await ledger.revokeUser("ann");
    await ledger.revoke("s2");
    clock.nowMs += 120_000;
    await ledger.revoke("any");
    expect(await ledger.userRevocation("ann")).toBeNull();
    clock.nowMs -= 110_000;
    expect([await ledger.isRevoked(ofAnn), await ledger.isRevoked(ofBob)]).toEqual([true, true]);
    const later = { jti: "3", sid: "s3", user: "ann", issuedAt: earliestIssueTime(clock.nowMs) };
    expect(await ledger.isRevoked(later)).toBe(false);
    ledger.close();
  });

  test("survives a restart, and counts everything older as revoked where the file is gone", async () => {
    using folder = temporaryFolder();
    const first = openFile(folder.at("state.db"));
    const issuedAt = (await first.revokedUntil("ann")) + 1;
    const [revoked, valid] = [
      { jti: "1", sid: "s1", user: "ann", issuedAt },
      { jti: "2", sid: "s2", user: "bob", issuedAt },
    ];
    await first.revokeUser("ann");
    await first.recordExchange("h", 60);
    first.close();
    const second = openFile(folder.at("state.db"));
    expect([await second.isRevoked(revoked), await second.isRevoked(valid)]).toEqual([true, false]);
    expect(await second.recordExchange("h", 60)).toBe(false);
    second.close();
    for (const name of ["state.db", "state.db-wal", "state.db-shm"])
      await Bun.file(folder.at(name))
        .delete()
        .catch(() => {});
    const aSecondLater = () => Date.now() + 1000;
    const third = createSqliteSessionLedger({
      path: folder.at("state.db"),
      keepSeconds: 60,
      now: aSecondLater,
    });
    expect([await third.isRevoked(revoked), await third.isRevoked(valid)]).toEqual([true, true]);
    third.close();
  });
});

for (const { name, open } of sharedPlaces) {
  describeWithPrivate("redis", `the session ledger in ${name}`, () => {
    declareContract(async (keepSeconds) => {
      const place = await open();
      const sessions = { keepSeconds, latestIssueTime: () => latestIssueTime(Date.now()) };
      const first = openStore(place, { sessions });
      const second = openStore(place, { sessions, keyPrefix: first.keyPrefix });
      await Promise.all([first.filling(), second.filling()]);
      const close = () => {
        first.close();
        second.close();
      };
      return { one: first.sessionLedger, other: second.sessionLedger, close };
    });
  });
}
