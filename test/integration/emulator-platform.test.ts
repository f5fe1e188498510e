import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Failure } from "../../scripts/emulator/api/failure.ts";
import type {
  FinishAuthenticationAnswer,
  FinishRegistrationAnswer,
  StartAuthenticationAnswer,
  StartRegistrationAnswer,
} from "../../scripts/emulator/api/platform-api.ts";
import { createVirtualPasskey, type VirtualPasskey } from "../../scripts/emulator/control/virtual-passkey.ts";
import { type EmulatorProcess, failureOf, startEmulator } from "../support/emulator-process.ts";

setDefaultTimeout(60_000);

const loginId = "ada@example.com";
const passkey = createVirtualPasskey(Buffer.from("a phone"));

describe("the emulator's platform", () => {
  let emulator: EmulatorProcess;
  let origin: string;
  beforeAll(async () => {
    emulator = await startEmulator();
    origin = emulator.addresses.url;
    const { flow, response } = await startRegistration(passkey);
    const finished = await finishRegistration(flow, response);
    await emulator.post("/site/register", { loginId, ownIdData: finished.body.ownIdData });
  });
  afterAll(() => emulator[Symbol.asyncDispose]());

  async function startRegistration(by: VirtualPasskey, from = origin) {
    const path = "/platform/passkeys/registration/start";
    const { body } = await emulator.post<StartRegistrationAnswer>(path, { purpose: "register", loginId });
    return { flow: body.flow, response: by.create(body.options, from) };
  }

  const finishRegistration = (flow: string, response: object) =>
    emulator.post<FinishRegistrationAnswer & Partial<Failure>>("/platform/passkeys/registration/finish", {
      flow,
      response,
    });

  async function startAuthentication(by: VirtualPasskey, from = origin) {
    const path = "/platform/passkeys/authentication/start";
    const { body } = await emulator.post<StartAuthenticationAnswer>(path, { loginId });
    return { flow: body.flow, response: by.get(body.options, from) };
  }

  const finishAuthentication = (flow: string, response: object) =>
    emulator.post<FinishAuthenticationAnswer & Partial<Failure>>("/platform/passkeys/authentication/finish", {
      flow,
      response,
    });

  test("signs in with a passkey that was registered", async () => {
    const { flow, response } = await startAuthentication(passkey);
    const { status, body } = await finishAuthentication(flow, response);
    expect([status, body.loginId, body.device.id]).toEqual([200, loginId, passkey.id]);
    expect(body.session).toHaveProperty("token");
  });

  test("refuses an assertion that another key has signed", async () => {
    const { flow, response } = await startAuthentication(passkey);
    const other = createVirtualPasskey(Buffer.from("another phone"));
    const { signature } = (await startAuthentication(other)).response.response;
    const forged = { ...response, response: { ...response.response, signature } };
    expect(failureOf(await finishAuthentication(flow, forged))).toEqual([401, "passkey_invalid"]);
  });

  test("refuses a passkey that was used on a page of another origin", async () => {
    const registration = await startRegistration(
      createVirtualPasskey(Buffer.from("x")),
      "https://evil.example",
    );
    expect(failureOf(await finishRegistration(registration.flow, registration.response))).toEqual([
      401,
      "passkey_invalid",
    ]);
    const { flow, response } = await startAuthentication(passkey, "https://evil.example");
    expect(failureOf(await finishAuthentication(flow, response))).toEqual([401, "passkey_invalid"]);
  });

  test("refuses an assertion for another challenge, and one that comes a second time", async () => {
    const [first, second] = [await startAuthentication(passkey), await startAuthentication(passkey)];
    expect(failureOf(await finishAuthentication(first.flow, second.response))).toEqual([
      401,
      "passkey_invalid",
    ]);
    expect((await finishAuthentication(second.flow, second.response)).status).toBe(200);
    expect(failureOf(await finishAuthentication(second.flow, second.response))).toEqual([
      410,
      "flow_expired",
    ]);
  });

  test("refuses what is no answer of a passkey at all", async () => {
    const { flow } = await startAuthentication(passkey);
    expect(failureOf(await finishAuthentication(flow, { id: passkey.id }))).toEqual([401, "passkey_invalid"]);
    expect(failureOf(await finishAuthentication(flow, { id: 1 }))).toEqual([400, "request_invalid"]);
  });

  test("connects a user whom the site has registered without data, with what was made for that user alone", async () => {
    const { flow, response } = await startRegistration(createVirtualPasskey(Buffer.from("y")));
    const { ownIdData } = (await finishRegistration(flow, response)).body;
    const connect = (content: object) => emulator.post("/platform/connections", content);
    expect((await connect({ loginId, ownIdData })).status).toBe(204);
    const others = [
      { loginId: "sol@testmail.com", ownIdData },
      { loginId, ownIdData: "{}" },
    ];
    for (const content of others) {
      expect(failureOf(await connect(content))).toEqual([401, "authorization_invalid"]);
    }
  });
});
