import { expect, test } from "bun:test";
import { makeFifo, openFifo } from "../../scripts/faults/harness/fifo.ts";
import { startRedirected } from "../../scripts/faults/harness/redirected-sidecar.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { eventually } from "../../scripts/servers/waiting.ts";

test("a sidecar whose log nobody reads answers requests and probes, and drains", async () => {
  using folder = temporaryFolder();
  makeFifo(folder.at("log"));
  using reader = openFifo(folder.at("log"));
  reader.fill();
  await using sidecar = await startRedirected(folder.path, `>"${folder.at("log")}"`);
  const { client, opsUrl } = sidecar;
  const forged = Buffer.alloc(32).toString("base64");
  for (let sent = 0; sent < 300; sent += 1) {
    const request = client.sign("getOwnIDDataByLoginId", { loginId: "sol@testmail.com" });
    const headers = { ...request.headers, "ownid-signature": forged };
    expect((await client.send({ ...request, headers })).status).toBe(401);
  }
  expect((await client.get("sol@testmail.com")).status).toBe(204);
  expect((await fetch(`${opsUrl}/livez`)).status).toBe(200);
  expect(await sidecar.metrics()).toContain('ownid_log_events_total{event="dropped"} 0');
  expect(await sidecar.terminate()).toBe(0);
});

test.each(["json", "pretty"])("a sidecar outlives the reader of its %s log", async (format) => {
  using folder = temporaryFolder();
  const reader = `| head -n 1 >"${folder.at("first-line")}"`;
  await using sidecar = await startRedirected(folder.path, reader, { LOG_FORMAT: format });
  expect(await eventually(() => Bun.file(folder.at("first-line")).exists(), true)).toBe(true);
  for (let sent = 0; sent < 20; sent += 1) {
    expect((await sidecar.client.set("sol@testmail.com", `data ${sent}`)).status).toBe(204);
  }
  expect((await fetch(`${sidecar.opsUrl}/livez`)).status).toBe(200);
});
