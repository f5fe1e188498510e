import { describe, expect, test } from "bun:test";
import { curlCommand } from "../../scripts/client/curl-command.ts";

const request = { url: "http://127.0.0.1:3300/ownid/x", headers: { "content-type": "application/json" } };
const awkward = `it's "$HOME" \`id\` \\ ! {é😀}\n`;

/** What a POSIX shell hands to curl: its arguments, and what it pipes in. */
function received(command: string) {
  const curl = `curl() { printf '%s\\0' "$@"; printf 'stdin:'; [ -t 0 ] || cat; }; ${command}`;
  const output = Bun.spawnSync(["sh", "-c", curl], { stdin: "ignore" }).stdout;
  const [args = "", piped = ""] = output.toString("latin1").split("stdin:");
  return { args: Buffer.from(args, "latin1").toString().split("\0").slice(0, -1), piped };
}

describe("the curl command of a request", () => {
  test("reaches curl byte for byte, whatever the shell would make of it", () => {
    const { args } = received(curlCommand({ ...request, body: awkward }));
    expect(args.slice(-4)).toEqual(["-H", "content-type: application/json", "--data-raw", awkward]);
  });

  test("pipes a body that no argument can carry", () => {
    const body = Uint8Array.of(0x7b, 0x00, 0xff, 0x7d);
    const { args, piped } = received(curlCommand({ ...request, body }));
    expect(args.slice(-2)).toEqual(["--data-binary", "@-"]);
    expect(Buffer.from(piped, "latin1")).toEqual(Buffer.from(body));
  });

  test("sends an empty header as such, and no media type that the request does not have", () => {
    const { args } = received(curlCommand({ ...request, headers: { "ownid-signature": "" }, body: "{}" }));
    expect(args).toContain("ownid-signature;");
    expect(args).toContain("Content-Type:");
  });

  test("sends no body with GET", () => {
    const { args } = received(curlCommand({ ...request, method: "GET", body: "{}" }));
    expect(args).toEqual([
      "-si",
      "-X",
      "GET",
      "--noproxy",
      "*",
      request.url,
      "-H",
      "content-type: application/json",
    ]);
  });
});
