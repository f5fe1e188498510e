import { describe, expect, test } from "bun:test";
import { resolveTarget } from "../../scripts/client/target.ts";
import { UsageWrong } from "../../scripts/command.ts";
import { errorOf } from "../support/outcome.ts";

function resolve(text: string, ownedHost?: string, takesTls = false) {
  return resolveTarget(text, {
    argument: "--url",
    takesTls,
    ownedHost,
    danger: "a load test can take a server down",
  });
}

describe("a target", () => {
  test.each([
    [
      "http://127.0.0.1:3300/ownid",
      { host: "127.0.0.1:3300", address: "127.0.0.1", port: 3300, basePath: "/ownid" },
    ],
    ["http://127.9.8.7/", { host: "127.9.8.7", address: "127.9.8.7", port: 80, basePath: "" }],
    ["http://[::1]:3300/ownid/", { host: "[::1]:3300", address: "::1", port: 3300, basePath: "/ownid" }],
    ["http://2130706433:1", { host: "127.0.0.1:1", address: "127.0.0.1", port: 1, basePath: "" }],
  ])("may be %s", async (url, target) => {
    expect(await resolve(url)).toMatchObject(target);
  });

  test.each([
    "http://192.0.2.1:3300/ownid",
    "http://0.0.0.0:3300/ownid",
    "http://[::]:3300/ownid",
    "http://[::ffff:192.0.2.1]/ownid",
    "http://128.0.0.1/",
    "http://sidecar.invalid/ownid",
    "http://localhost.invalid/ownid",
    "http://127.0.0.1.invalid/ownid",
  ])("is refused where it is not this machine: %s", async (url) => {
    const refusal = resolve(url);
    expect(await errorOf(refusal)).toBeInstanceOf(UsageWrong);
    expect(String(await errorOf(refusal))).toContain("--i-own-this-host");
  });

  test("may be localhost, which leads to this machine", async () => {
    const { address, host } = await resolve("http://localhost:3300/ownid");
    expect(["127.0.0.1", "::1"]).toContain(address);
    expect(host).toBe("localhost:3300");
  });

  test("elsewhere must be named exactly", async () => {
    expect((await resolve("http://192.0.2.1:3300/ownid", "192.0.2.1")).address).toBe("192.0.2.1");
    for (const named of ["192.0.2.2", "192.0.2", "192.0.2.1:3300", ""]) {
      expect(await errorOf(resolve("http://192.0.2.1:3300/ownid", named))).toBeInstanceOf(UsageWrong);
    }
  });

  test.each(["127.0.0.1:3300", "http://user:word@127.0.0.1/", "http://127.0.0.1/?a=b", "ftp://127.0.0.1"])(
    "is refused where it is no address of a listener: %s",
    async (url) => {
      expect(await errorOf(resolve(url))).toBeInstanceOf(UsageWrong);
    },
  );

  test("may use TLS where the command says so, and only there", async () => {
    const url = "https://127.0.0.1/ownid";
    expect(await resolve(url, undefined, true)).toMatchObject({ url, port: 443 });
    expect(await errorOf(resolve(url))).toBeInstanceOf(UsageWrong);
  });
});
