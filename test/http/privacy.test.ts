import { describe, expect, test } from "bun:test";
import type { Endpoint } from "../../scripts/client/endpoints.ts";
import { exchangeRaw, rawRequest } from "../../scripts/client/raw-http.ts";
import type { SignedRequest } from "../../scripts/client/signed-client.ts";
import { DatabaseUnavailable, OutcomeUnknown, Overloaded } from "../../src/errors.ts";
import { storeWhichFails } from "../support/failing-store.ts";
import { type RunningApp, sharedSecret, startApp } from "../support/running-app.ts";

/** Planted in everything that a test submits; nothing of it may come back or reach the log. */
const marker = "m4rk3r";
const loginId = `${marker}-login@testmail.com`;
const ownIdData = `${marker}-data`;

const endpoints: readonly Endpoint[] = [
  "setOwnIDDataByLoginId",
  "getOwnIDDataByLoginId",
  "getSessionByLoginId",
];

interface Exchange {
  readonly status: number;
  /** Everything that came back, headers included. */
  readonly text: string;
}

/** Sends each request as bytes with markers in further headers and in the query. */
async function exchangeAll(app: RunningApp, requests: readonly SignedRequest[]): Promise<Exchange[]> {
  const extra = `User-Agent: ${marker}\r\nX-Request-Id: ${marker}\r\nCookie: a=${marker}\r\nReferer: http://${marker}/\r\nAuthorization: Bearer ${marker}\r\nX-Forwarded-For: ${marker}\r\nOrigin: http://${marker}\r\n`;
  const exchanges: Exchange[] = [];
  for (const request of requests) {
    const answer = await exchangeRaw(app.publicUrl, rawRequest(request, extra));
    exchanges.push({ status: answer.status, text: JSON.stringify([answer.headers, answer.body]) });
  }
  return exchanges;
}

function expectSilence(app: RunningApp, exchanges: readonly Exchange[]): void {
  for (const { text } of exchanges) expect(text).not.toContain(marker);
  const log = app.logLines.join("");
  expect(log).not.toContain(marker);
  expect(log).not.toContain(Buffer.from(sharedSecret).toString("base64"));
}

const contents = {
  setOwnIDDataByLoginId: { loginId, ownIdData },
  getOwnIDDataByLoginId: { loginId },
  getSessionByLoginId: { loginId },
};

describe("nothing submitted comes back or is logged", () => {
  test("when the request is refused, for whatever reason", async () => {
    await using app = await startApp({ users: [{ email: loginId, blocked: true }], bodyBytesMax: 2000 });
    const { client } = app;
    const good = endpoints.map((endpoint) => client.sign(endpoint, contents[endpoint]));
    const withHeader = (name: string, value: string) => (request: SignedRequest) => ({
      ...request,
      headers: { ...request.headers, [name]: value },
    });
    const signed = (content: unknown) =>
      endpoints.map((endpoint) => client.sign(endpoint, JSON.stringify(content)));
    const requests = [
      ...good.map(withHeader("ownid-signature", marker)),
      ...good.map(withHeader("ownid-signature", Buffer.from(marker.padEnd(32)).toString("base64"))),
      ...good.map(withHeader("ownid-timestamp", marker)),
      ...good.map(withHeader("content-type", `text/${marker}`)),
      ...good.map(withHeader("content-encoding", marker)),
      ...good.map((request) => ({ ...request, method: "PUT" })),
      ...good.map((request) => ({ ...request, url: `${app.publicUrl}/${marker}` })),
      ...good.map((request) => ({ ...request, url: `${request.url}/${marker}` })),
      ...good.map((request) => ({ ...request, body: new TextEncoder().encode(marker.repeat(400)) })),
      ...signed({ loginId: [marker], ownIdData: { [marker]: marker }, sessionType: marker }),
      ...signed({ loginId: `${marker}\0`, ownIdData: `${marker}\0`, sessionType: marker }),
      ...signed({ loginId: `${marker}${"x".repeat(321)}`, ownIdData }),
      ...signed({ loginId: `unknown-${marker}`, ownIdData }),
      ...signed({ [marker]: marker }),
      ...signed([marker]),
      ...signed(marker),
      ...endpoints.map((endpoint) => client.sign(endpoint, `{"loginId":"${marker}`)),
      ...endpoints.map((endpoint) => client.sign(endpoint, `{"loginId":"${marker}\xff`)),
      client.sign("setOwnIDDataByLoginId", contents.setOwnIDDataByLoginId),
      client.sign("getSessionByLoginId", contents.getSessionByLoginId),
      client.sign("getSessionByLoginId", contents.setOwnIDDataByLoginId),
    ];
    const exchanges = await exchangeAll(app, requests);
    expect(exchanges.filter(({ status }) => status < 400)).toEqual([]);
    const statuses = [...new Set(exchanges.map(({ status }) => status))].toSorted();
    expect(statuses).toEqual([400, 401, 404, 405, 413, 415, 423]);
    // Refusals of every kind do reach the log at this level.
    const logged = app.logLines.map((line) => JSON.parse(line).status);
    expect(statuses.filter((status) => !logged.includes(status))).toEqual([]);
    expectSilence(app, exchanges);
  });

  test("when the request succeeds, but for the data that was asked for", async () => {
    await using app = await startApp({ users: [{ email: loginId, ownIdData: "other" }] });
    const { client } = app;
    const lookup = () => client.sign("getOwnIDDataByLoginId", { loginId });
    const set = client.sign("setOwnIDDataByLoginId", contents.setOwnIDDataByLoginId);
    const session = client.sign("getSessionByLoginId", { loginId, sessionType: "browser" });
    const [before, written, issued, after] = await exchangeAll(app, [lookup(), set, session, lookup()]);
    expect([before, written, issued, after].map((exchange) => exchange?.status)).toEqual([
      200, 204, 200, 200,
    ]);
    expectSilence(
      app,
      [before, written].filter((exchange) => exchange !== undefined),
    );
    expect(after?.text).toContain(ownIdData);
    // Tokens are not in the log either.
    const token = /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(issued?.text ?? "")?.[0];
    expect(token).toBeString();
    const log = app.logLines.join("");
    for (const part of String(token).split(".")) expect(log).not.toContain(part);
    expect(log).toContain("session issued");
    expect(log).toContain("ownIdData written");
  });

  test("when the store fails", async () => {
    const errors = [
      new DatabaseUnavailable("the reason", "the fix"),
      new OutcomeUnknown("the reason"),
      new Overloaded(),
      new Error(`duplicate key: ${marker}`),
    ];
    for (const error of errors) {
      const store = storeWhichFails(() => Promise.reject(error));
      await using app = await startApp({ store });
      const requests = endpoints.map((endpoint) => app.client.sign(endpoint, contents[endpoint]));
      const exchanges = await exchangeAll(app, requests);
      expect(exchanges.filter(({ status }) => status < 429)).toEqual([]);
      expectSilence(app, exchanges);
    }
  });
});

describe("the log", () => {
  test("names a refused request by its id, method, route, status and code", async () => {
    await using app = await startApp();
    const { headers } = await app.client.send({
      ...app.client.sign("getOwnIDDataByLoginId", { loginId }),
      body: new TextEncoder().encode("altered"),
    });
    const lines = app.logLines
      .map((line) => JSON.parse(line))
      .filter(({ requestId }) => requestId !== undefined);
    expect(lines).toEqual([
      {
        level: 40,
        time: expect.any(Number),
        requestId: headers.get("x-request-id"),
        method: "POST",
        route: "/ownid/getOwnIDDataByLoginId",
        status: 401,
        code: "ERR_SIGNATURE_INVALID",
        reason: "other secret or altered body",
        msg: "the request was refused",
      },
    ]);
  });

  test("names a write and a session by the id in their answers", async () => {
    await using app = await startApp();
    app.table.insert({ email: loginId, ownIdData: "before" });
    const written = await app.client.set(loginId, ownIdData);
    const issued = await app.client.session(loginId);
    expect([written.status, issued.status]).toEqual([204, 200]);
    const ids = app.logLines.map((line) => JSON.parse(line)).map(({ msg, requestId }) => [msg, requestId]);
    expect(ids).toContainEqual(["ownIdData written", written.headers.get("x-request-id")]);
    expect(ids).toContainEqual(["session issued", issued.headers.get("x-request-id")]);
    expect(written.headers.get("x-request-id")).toMatch(/^[0-9a-f]{8}-[0-9a-z]+$/);
  });
});
