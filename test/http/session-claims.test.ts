import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import {
  adminToken,
  backendToken,
  bearer,
  claimsOf,
  createOpsClient,
  inactive,
  sol,
  tokenOf,
} from "../support/ops-client.ts";
import { empty, json, outcomeOf, problem } from "../support/problems.ts";
import { type RunningApp, startApp } from "../support/running-app.ts";

const mia = "mia@testmail.com";

const schema = [
  "ALTER TABLE users ADD COLUMN id INTEGER",
  "ALTER TABLE users ADD COLUMN plan TEXT",
  "ALTER TABLE users ADD COLUMN credits INTEGER",
  "ALTER TABLE users ADD COLUMN admin BOOLEAN",
  "CREATE UNIQUE INDEX users_by_id ON users (id)",
];
const session = {
  subject: "id",
  claims: [
    { claim: "plan", column: "plan" },
    { claim: "https://example.com/credits", column: "credits" },
    { claim: "admin", column: "admin" },
  ],
};
const settings = { users: [{ email: sol }, { email: mia }], schema, session, adminToken, backendToken };

let app: RunningApp;
let ops: ReturnType<typeof createOpsClient>;
beforeAll(async () => {
  app = await startApp(settings);
  ops = createOpsClient(app);
});
beforeEach(() => {
  app.table.run(`UPDATE users SET id = 42, plan = 'gold', credits = 7, admin = 0 WHERE email = '${sol}'`);
  app.table.run(`UPDATE users SET id = 43, plan = NULL, credits = NULL, admin = 1 WHERE email = '${mia}'`);
});
afterAll(() => app[Symbol.asyncDispose]());

/** The claims that are not of every token. */
function furtherClaims(token: string) {
  const { iss, aud, iat, nbf, exp, jti, sid, ...further } = claimsOf(token);
  return further;
}

describe("a session token", () => {
  test("has the subject and the claims of the user's row, and none for NULL", async () => {
    const lid = expect.stringMatching(/^[\w-]{8}\.[\w-]{22}$/);
    expect(furtherClaims(await ops.newToken(sol, "mobile"))).toEqual({
      sub: "42",
      lid,
      plan: "gold",
      "https://example.com/credits": 7,
      admin: false,
      session_type: "mobile",
    });
    expect(furtherClaims(await ops.newToken(mia))).toEqual({ sub: "43", lid, admin: true });
  });

  test("has a subject of up to 320 characters, however many code units they take", async () => {
    const subject = "😀".repeat(320);
    app.table.run(`UPDATE users SET id = '${subject}' WHERE email = '${sol}'`);
    const { headers } = await ops.verify(bearer(await ops.newToken()));
    expect(decodeURIComponent(headers.get("x-auth-subject") ?? "")).toBe(subject);
  });

  test("has what the row holds at that moment", async () => {
    await app.client.get(sol);
    app.table.run(`UPDATE users SET plan = 'silver' WHERE email = '${sol}'`);
    expect(claimsOf(await ops.newToken()).plan).toBe("silver");
  });

  test("does not contain the login id, nor anything that it can be computed from", async () => {
    const token = await ops.newToken();
    expect(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()).not.toContain("sol@");
    const { lid } = claimsOf(token);
    await using other = await startApp({ ...settings, users: [{ email: sol }] });
    other.table.run("UPDATE users SET id = 42");
    expect(claimsOf(await createOpsClient(other).newToken()).lid).not.toBe(lid);
    expect(claimsOf(await ops.newToken()).lid).toBe(lid);
  });

  test("is active with all of its claims, and /verify names its subject", async () => {
    const token = await ops.newToken();
    expect(await ops.introspect(token)).toEqual(json(200, { active: true, ...claimsOf(token) }));
    expect((await ops.verify(bearer(token))).headers.get("x-auth-subject")).toBe("42");
  });

  test("keeps subject and claims in the exchange of a hand-off token", async () => {
    await using handing = await startApp({ ...settings, handsOff: true });
    handing.table.run(`UPDATE users SET id = 42, plan = 'gold' WHERE email = '${sol}'`);
    const client = createOpsClient(handing);
    const handoff = await client.newToken();
    const token = tokenOf((await client.exchange(handoff)).body);
    expect(furtherClaims(token)).toEqual(furtherClaims(handoff));
    expect(furtherClaims(token)).toMatchObject({ sub: "42", plan: "gold" });
    expect(await client.revoke({ loginId: sol })).toEqual(empty(204));
    expect(await client.introspect(token)).toEqual(inactive);
  });
});

describe("revoking a login id", () => {
  test("ends the tokens of its user alone, and none that is issued afterwards", async () => {
    const [before, strangers] = [await ops.newToken(), await ops.newToken(mia)];
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await ops.revoke({ loginId: sol })).toEqual(empty(204));
      expect(await ops.introspect(before)).toEqual(inactive);
      expect((await ops.verify(bearer(before))).status).toBe(401);
      expect((await ops.verify(bearer(await ops.newToken()))).status).toBe(200);
    }
    expect((await ops.verify(bearer(strangers))).status).toBe(200);
  });

  test("reaches the tokens of a user who has been deleted", async () => {
    app.table.insert({ email: "ann@testmail.com" });
    app.table.run("UPDATE users SET id = 44 WHERE email = 'ann@testmail.com'");
    const token = await ops.newToken("ann@testmail.com");
    app.table.remove("ann@testmail.com");
    expect((await ops.verify(bearer(token))).status).toBe(200);
    expect(await ops.revoke({ loginId: "ann@testmail.com" })).toEqual(empty(204));
    expect((await ops.verify(bearer(token))).status).toBe(401);
  });

  test("reaches the tokens under the spelling of the table", async () => {
    await using caseless = await startApp({ ...settings, collation: "NOCASE" });
    caseless.table.run(`UPDATE users SET id = 42 WHERE email = '${sol}'`);
    const client = createOpsClient(caseless);
    const token = await client.newToken("SOL@testmail.com");
    expect(await client.revoke({ loginId: "Sol@Testmail.com" })).toEqual(empty(204));
    expect(await client.introspect(token)).toEqual(inactive);
  });

  test("does not take a subject for a login id", async () => {
    const token = await ops.newToken();
    expect(await ops.revoke({ loginId: "42" })).toEqual(empty(204));
    expect((await ops.verify(bearer(token))).status).toBe(200);
  });
});

test("a token with a digest that no key of the sidecar has made is not active", async () => {
  const { lid } = claimsOf(await ops.newToken(mia));
  const forged = (claims: object) => ops.forger.sign("session", { claims: { ...claims } });
  expect((await ops.verify(bearer(await forged({ lid })))).status).toBe(200);
  expect(await ops.introspect(await forged({ lid: `AAAAAAAA.${String(lid).slice(9)}` }))).toEqual(inactive);
});

describe("a user whose row does not fit gets no session", () => {
  test.each([
    ["a subject that is NULL", "id = NULL", 'column "id" of SESSION_SUBJECT_COLUMN is empty for a user'],
    ["an empty subject", "id = ''", 'column "id" of SESSION_SUBJECT_COLUMN is empty for a user'],
    [
      "a subject of 321 characters",
      `id = '${"x".repeat(321)}'`,
      'column "id" of SESSION_SUBJECT_COLUMN holds more than 320 characters',
    ],
    [
      "a subject with a line break",
      "id = 'a' || char(10)",
      'column "id" of SESSION_SUBJECT_COLUMN holds a control character',
    ],
    [
      "a subject whose bytes are not UTF-8",
      "id = CAST(x'ff' AS TEXT)",
      'column "id" of SESSION_SUBJECT_COLUMN holds the character U+FFFD, which stands for bytes that are no text',
    ],
    [
      "claims that are too long",
      `plan = '${"secret".repeat(400)}'`,
      "the claims of SESSION_CLAIMS take more than 2048 bytes for a user",
    ],
    [
      "a text in a number's column",
      "credits = 'secret'",
      'column "credits" of SESSION_CLAIMS holds a number that JSON cannot carry exactly; name a column that has it as a text',
    ],
    [
      "a text in a boolean's column",
      "admin = 'secret'",
      'column "admin" of SESSION_CLAIMS holds something other than a boolean',
    ],
  ])("with %s", async (_what, change, reason) => {
    app.table.run(`UPDATE users SET ${change} WHERE email = '${sol}'`);
    const request = app.client.sign("getSessionByLoginId", { loginId: sol });
    const linesBefore = app.logLines.length;
    const response = await app.client.send(request);
    expect(outcomeOf(response)).toEqual(problem("ERR_SESSION_ROW_UNFIT"));
    expect(response.headers.get("retry-after")).toBe("5");
    const line = app.logLines.slice(linesBefore).find((text) => text.includes("ERR_SESSION_ROW_UNFIT"));
    expect(JSON.parse(line ?? "{}")).toMatchObject({ level: 50, reason });
    expect(line).not.toContain("secret");
    app.table.run(`UPDATE users SET id = 42, plan = 'gold', credits = 7, admin = 0 WHERE email = '${sol}'`);
    expect((await app.client.send(request)).status).toBe(200);
  });

  test("while lookups and writes go on", async () => {
    app.table.run(`UPDATE users SET id = NULL WHERE email = '${sol}'`);
    expect((await app.client.set(sol, "devices")).status).toBe(204);
    expect(outcomeOf(await app.client.get(sol))).toEqual(json(200, { ownIdData: "devices" }));
  });
});
