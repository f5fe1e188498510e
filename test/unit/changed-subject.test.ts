import { describe, expect, test } from "bun:test";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { createJwtSessions } from "../../src/sessions/jwt-sessions.ts";
import { asActive, createKey } from "../../src/sessions/key-making.ts";
import { createKeyRing, createSecretKey, type SessionKeys } from "../../src/sessions/key-ring.ts";
import { rotate } from "../../src/sessions/key-states.ts";
import type { Sessions } from "../../src/sessions/sessions.ts";
import { keySetText, loadSigningKeys } from "../../src/sessions/signing-keys.ts";
import { createSqliteSessionLedger } from "../../src/sessions/sqlite-session-ledger.ts";
import { sessionSettings } from "../support/running-app.ts";

const startMs = Date.now();
const sol = "sol@testmail.com";
const user = {
  loginId: sol,
  columns: new Map([["id", { kind: "number", text: "42" }]] as const),
};

/** Sidecars with one record of revocations, whose settings and keys differ. */
function createSite() {
  const folder = temporaryFolder();
  const clock = { nowMs: startMs };
  const now = () => clock.nowMs;
  const options = { path: folder.at("state.db"), keepSeconds: 3720 };
  const ledger = createSqliteSessionLedger({ ...options, now });
  const before = createSqliteSessionLedger({ ...options, now: () => startMs - 60_000 });
  before.open();
  before.close();

  return {
    clock,
    sessionsWith: (keys: SessionKeys, subjectColumn: string | null, handsOff = false): Sessions =>
      createJwtSessions({ ...sessionSettings, keys, ledger, handsOff, subjectColumn, claims: [], now }),
    async writeKeys(keys: Parameters<typeof keySetText>[0]) {
      await Bun.write(folder.at("keys.json"), keySetText(keys));
      return loadSigningKeys(folder.at("keys.json"));
    },
    [Symbol.dispose]() {
      ledger.close();
      folder[Symbol.dispose]();
    },
  };
}

const start = (sessions: Sessions) => sessions.start({ loginId: sol, sessionType: null }, async () => user);
const secret = (letter: string) => createSecretKey(new TextEncoder().encode(letter.repeat(32)));

describe("revoking a login id ends the tokens that were issued", () => {
  test.each([
    ["before SESSION_SUBJECT_COLUMN was set", null, "id"],
    ["while SESSION_SUBJECT_COLUMN was set", "id", null],
    ["while another column was the subject", "id", "uuid"],
  ])("%s", async (_when, then, today) => {
    using site = createSite();
    const keys = secret("k");
    const { token } = await start(site.sessionsWith(keys, then));
    const sessions = site.sessionsWith(keys, today);
    expect(await sessions.find(token)).toMatchObject({ sub: then === null ? sol : "42" });
    await sessions.revokeUser("mia@testmail.com");
    expect(await sessions.find(token)).not.toBeNull();
    await sessions.revokeUser(sol);
    expect(await sessions.find(token)).toBeNull();
  });

  test("with a key that is retired by now, also where a hand-off token was exchanged in between", async () => {
    using site = createSite();
    const { clock } = site;
    const first = [asActive(await createKey("ES256", startMs), startMs), await createKey("ES256", startMs)];
    const ring = createKeyRing(await site.writeKeys(first), { maxAgeSeconds: 0, now: () => clock.nowMs });
    const sessions = site.sessionsWith(ring, "id", true);
    const { token: handoff } = await start(sessions);
    const rotation = {
      nowMs: clock.nowMs,
      maxAgeSeconds: 0,
      createKey: () => createKey("ES256", clock.nowMs),
    };
    const rotated = await rotate(first, rotation);
    ring.replace(await site.writeKeys(rotated));
    clock.nowMs += 10_000;
    const { token } = await sessions.exchange(handoff);
    expect(await sessions.find(token)).toMatchObject({ sub: "42" });

    const [oldest, ...others] = rotated;
    ring.replace(
      await site.writeKeys(
        others.map((key) => (key.activeAt === undefined ? key : asActive(key, clock.nowMs))),
      ),
    );
    expect(oldest?.kid).toBe(first[0]?.kid ?? "");
    // The key that could tell whose token it is has gone.
    expect(await sessions.find(token)).toBeNull();

    ring.replace(await site.writeKeys(rotated));
    expect(await sessions.find(token)).not.toBeNull();
    await sessions.revokeUser(sol);
    expect(await sessions.find(token)).toBeNull();
  });
});
