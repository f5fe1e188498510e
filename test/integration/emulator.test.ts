import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { IntegrationScope } from "../../scripts/emulator/api/failure.ts";
import type { DiscoverAnswer, SendCodeAnswer } from "../../scripts/emulator/api/platform-api.ts";
import type { WireCall } from "../../scripts/emulator/api/wire-api.ts";
import {
  type ControlBody,
  type EmulatorProcess,
  failureOf,
  namesOf,
  startEmulator,
} from "../support/emulator-process.ts";
import { withAnotherSubject } from "../support/session-tokens.ts";

setDefaultTimeout(60_000);

describe("the emulator beside SQLite", () => {
  let emulator: EmulatorProcess;
  beforeAll(async () => {
    emulator = await startEmulator();
  });
  afterAll(() => emulator[Symbol.asyncDispose]());

  test("takes a user through every flow without a browser", async () => {
    const { register, login, enrol, recover, removeDevice } = emulator.control;
    expect((await register("ada@example.com", "phone")).status).toBe(201);
    expect((await login("ada@example.com", "phone")).status).toBe(200);
    expect(namesOf(await enrol("ada@example.com", "laptop"))).toEqual(["phone", "laptop"]);
    expect(namesOf(await removeDevice("ada@example.com", "phone"))).toEqual(["laptop"]);
    expect(failureOf(await login("ada@example.com", "phone"))).toEqual([401, "passkey_invalid"]);
    expect((await login("ada@example.com", "laptop")).status).toBe(200);
    expect(namesOf(await recover("ada@example.com", "tablet"))).toEqual(["tablet"]);
    expect(failureOf(await login("ada@example.com", "laptop"))).toEqual([401, "passkey_invalid"]);
    expect((await login("ada@example.com", "tablet")).status).toBe(200);
  });

  test("removes a device by its id, whoever has made it, and the device is called phone where no name is given", async () => {
    const loginId = "ida@example.com";
    const { device } = (await emulator.post<ControlBody>("/control/register", { loginId })).body;
    expect(device?.name).toBe("phone");
    const removed = await emulator.post<ControlBody>("/control/remove-device", {
      loginId,
      deviceId: device?.id,
    });
    expect(namesOf(removed)).toEqual([]);
    expect(failureOf(await emulator.post("/control/login", { loginId }))).toEqual([401, "passkey_invalid"]);
  });

  test("the demo site verifies the session, shows it, and signs out", async () => {
    const { register, login } = emulator.control;
    await register("bob@example.com", "phone");
    const { body } = await login("bob@example.com", "phone");
    const response = await fetch(`${emulator.addresses.url}/site/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ session: body.session }),
    });
    const [cookie = ""] = response.headers.get("set-cookie")?.split(";") ?? [];
    expect((await emulator.get("/site/session", { cookie })).body).toMatchObject({
      loginId: "bob@example.com",
      signedInBy: "ownid",
      token: { claims: { sub: "bob@example.com", session_type: "browser" } },
    });
    expect((await emulator.post("/site/logout", {}, { cookie })).status).toBe(204);
    expect(failureOf(await emulator.get("/site/session", { cookie }))).toEqual([
      401,
      "authorization_invalid",
    ]);
  });

  test("the demo site refuses a session token that was altered", async () => {
    const { register, login } = emulator.control;
    await register("carl@example.com", "phone");
    const { token } = (await login("carl@example.com", "phone")).body.session;
    const session = { token: withAnotherSubject(token) };
    expect(failureOf(await emulator.post("/site/login", { session }))).toEqual([
      401,
      "authorization_invalid",
    ]);
  });

  test("discovery tells an unknown and a blocked account apart", async () => {
    await emulator.control.register("dora@example.com", "phone");
    const discover = async (loginId: string) =>
      (await emulator.post<DiscoverAnswer>("/platform/discover", { loginId })).body;
    expect(await discover("nobody@example.com")).toEqual({ outcome: "accountNotFound", hasPasskey: false });
    expect(await discover("dora@example.com")).toEqual({ outcome: "accountFound", hasPasskey: true });
    await emulator.post("/control/block", { loginId: "dora@example.com", blocked: true });
    expect(await discover("dora@example.com")).toEqual({ outcome: "accountBlocked", hasPasskey: false });
  });

  const faults: readonly (readonly [string, object, IntegrationScope])[] = [
    ["getOwnIDDataByLoginId", { status: 503 }, "data"],
    ["getOwnIDDataByLoginId", { wrongSecret: true }, "data"],
    ["getOwnIDDataByLoginId", { clockSkewMs: -120_000 }, "data"],
    ["getOwnIDDataByLoginId", { drop: "request" }, "data"],
    ["getSessionByLoginId", { drop: "answer" }, "session"],
    ["getSessionByLoginId", { status: 500 }, "session"],
  ];
  test.each(faults)(
    "a %s that fails by %j shows as an integration error of scope %s, once",
    async (endpoint, fault, scope) => {
      const { register, login } = emulator.control;
      await register("eve@example.com", "phone");
      await emulator.post("/control/next-call", { endpoint, ...fault });
      expect(failureOf(await login("eve@example.com", "phone"))).toEqual([424, "integration_error", scope]);
      expect((await login("eve@example.com", "phone")).status).toBe(200);
    },
  );

  test.each([
    [{}],
    [{ dropp: "request" }],
    [{ duplicate: false }],
    [{ endpoint: "getSessionByLoginId" }],
    [[]],
    [null],
  ])("a plan %j, which names no fault, is refused", async (plan) => {
    expect(failureOf(await emulator.post("/control/next-call", plan))).toEqual([400, "request_invalid"]);
  });

  test("a set that arrives twice at once leaves the right devices, and its caller is answered", async () => {
    const { register, enrol } = emulator.control;
    await register("fay@example.com", "phone");
    await fetch(`${emulator.addresses.url}/wire`, { method: "DELETE" });
    await emulator.post("/control/next-call", { endpoint: "setOwnIDDataByLoginId", duplicate: true });
    expect(namesOf(await enrol("fay@example.com", "laptop"))).toEqual(["phone", "laptop"]);
    const { calls } = (await emulator.get<{ readonly calls: readonly WireCall[] }>("/wire")).body;
    const sets = calls.filter(({ fault }) => fault === "sent twice at once");
    expect(sets.map(({ endpoint }) => endpoint)).toEqual(["setOwnIDDataByLoginId", "setOwnIDDataByLoginId"]);
  });

  test("a device is added only with the token of a session or with the proof of a one-time code", async () => {
    const { register, login } = emulator.control;
    await register("gil@example.com", "phone");
    const { token } = (await login("gil@example.com", "phone")).body.session;
    const start = (purpose: string, authorization: object) =>
      emulator.post("/platform/passkeys/registration/start", {
        purpose,
        loginId: "gil@example.com",
        ...authorization,
      });
    expect(failureOf(await start("enrol", {}))).toEqual([401, "authorization_invalid"]);
    expect(failureOf(await start("enrol", { authToken: "another" }))).toEqual([401, "authorization_invalid"]);
    expect((await start("enrol", { authToken: token })).status).toBe(200);
    expect(failureOf(await start("recover", { authToken: token }))).toEqual([401, "authorization_invalid"]);
  });

  test("a one-time code signs in, and is over after three wrong ones", async () => {
    await emulator.control.register("hal@example.com", "phone");
    const send = async () =>
      (
        await emulator.post<SendCodeAnswer>("/platform/codes/send", {
          purpose: "login",
          loginId: "hal@example.com",
        })
      ).body.flow;
    const verify = (flow: string, code: string) => emulator.post("/platform/codes/verify", { flow, code });
    expect((await verify(await send(), emulator.addresses.oneTimeCode)).body).toHaveProperty("session.token");
    const flow = await send();
    expect(failureOf(await verify(flow, "000000"))).toEqual([401, "code_invalid"]);
    expect(failureOf(await verify(flow, "000000"))).toEqual([401, "code_invalid"]);
    expect(failureOf(await verify(flow, "000000"))).toEqual([429, "maximum_challenges_reached"]);
    expect(failureOf(await verify(flow, emulator.addresses.oneTimeCode))).toEqual([410, "flow_expired"]);
  });
});
