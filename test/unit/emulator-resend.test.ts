import { describe, expect, test } from "bun:test";
import { endpoints } from "../../scripts/client/endpoints.ts";
import type { ResendRequest } from "../../scripts/emulator/api/wire-api.ts";
import { resend } from "../../scripts/emulator/wire/resend.ts";
import { createWire } from "../../scripts/emulator/wire/wire.ts";

/** Endpoints that check nothing, with one user. */
function serveNaively() {
  let held = "";
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { loginId, ownIdData = "" } = Object(await request.json());
      if (loginId !== "ada@example.com") return new Response(null, { status: 404 });
      if (request.url.endsWith(endpoints.session)) return Response.json({ token: "t" });
      if (request.url.endsWith(endpoints.get)) return Response.json({ ownIdData: held });
      held = ownIdData;
      return new Response(null, { status: 204 });
    },
  });
  const wire = createWire({ baseUrl: `http://127.0.0.1:${server.port}`, sharedSecret: new Uint8Array(32) });
  return {
    wire,
    call: (endpoint: keyof typeof endpoints, content: object) =>
      wire.callSite(endpoints[endpoint], { loginId: "ada@example.com", ...content }, "test"),
    [Symbol.dispose]: () => void server.stop(true),
  };
}

describe("a call that is sent again to a site that checks nothing", () => {
  test.each<ResendRequest["as"]>(["altered", "expired", "replayed", "elsewhere"])(
    "is found to be accepted: a session, %s",
    async (as) => {
      using site = serveNaively();
      const call = await site.call("session", { sessionType: "browser" });
      expect((await resend(call, { as }, site.wire)).holds).toBe(false);
    },
  );

  test("is found to have brought an old device list back", async () => {
    using site = serveNaively();
    const old = await site.call("set", { ownIdData: "old" });
    expect((await resend(old, { as: "replayed" }, site.wire)).verdict).toContain("change the devices first");
    await site.call("set", { ownIdData: "new" });
    const { holds, verdict } = await resend(old, { as: "replayed" }, site.wire);
    expect({ holds, verdict }).toEqual({ holds: false, verdict: expect.stringMatching(/^Written again: /) });
  });
});
