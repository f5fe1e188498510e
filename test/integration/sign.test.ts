import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { createTlsCertificates, type TlsCertificates } from "../../scripts/servers/tls-certificates.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { type ProgramOptions, runProgram } from "../support/finished-process.ts";
import { asInstalled } from "../support/installed-runner.ts";
import { runOnTerminal } from "../support/terminal.ts";

setDefaultTimeout(30_000);

const command = join(import.meta.dir, "../../scripts/sign.ts");
const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

async function sign(args: readonly string[], options: ProgramOptions = {}) {
  const argv = [process.execPath, command, ...args];
  const { stderr, ...ended } = await runProgram(argv, { cwd: folder.path, ...options });
  return { ...ended, stderr: asInstalled(stderr) };
}

describe("sign", () => {
  test("prints a curl command that a shell passes on as it was signed", async () => {
    const awkward = `it's "$HOME" \`id\` \\ ! {é😀}`;
    const { stdout } = await sign(["set", "sol@testmail.com", "--data", awkward]);
    const words = Bun.spawnSync(["sh", "-c", `curl() { printf '%s\\0' "$@"; }; ${stdout}`]).stdout.toString();
    const { body } = JSON.parse(
      (await sign(["set", "sol@testmail.com", "--data", awkward, "--json"])).stdout,
    );
    expect(words.split("\0").slice(-2)).toEqual([body, ""]);
    expect(JSON.parse(body)).toEqual({ loginId: "sol@testmail.com", ownIdData: awkward });
  });

  test("refuses an option that would have no effect", async () => {
    for (const [args, problem] of [
      [["get", "sol@testmail.com", "--data", "x"], "--data goes with set only."],
      [["set", "sol@testmail.com", "--session-type", "browser"], "--session-type goes with session only."],
    ] as const) {
      expect(await sign(args)).toEqual({ status: 2, stdout: "", stderr: `${problem}\nSee --help.\n` });
    }
  });

  test("reads the value of a set from a pipe without a word", async () => {
    const { stdout, stderr } = await sign(["set", "sol@testmail.com", "--json"], { input: "from a pipe" });
    expect(JSON.parse(JSON.parse(stdout).body).ownIdData).toBe("from a pipe");
    expect(stderr).toBe("");
  });

  test("says on a terminal that it waits for the value of a set", async () => {
    let hasTyped = false;
    const { output, status } = await runOnTerminal(
      [process.execPath, command, "set", "sol@testmail.com", "--json"],
      {
        cwd: folder.path,
        onOutput(shown, type) {
          if (hasTyped || !shown.includes("end it with Ctrl-D")) return;
          hasTyped = true;
          type("typed\n\x04");
        },
      },
    );
    expect(status).toBe(0);
    expect(output).toContain(String.raw`ownIdData\":\"typed`);
  });

  test("refuses an address without http:// or https://", async () => {
    for (const url of ["127.0.0.1:3300/ownid", "localhost:3300/ownid", "ftp://localhost/ownid"]) {
      const { status, stderr } = await sign(["get", "sol@testmail.com", "--send", "--url", url]);
      expect({ url, status }).toEqual({ url, status: 2 });
      expect(stderr).toStartWith("--url takes an address that begins with http:// or https://");
    }
  });

  test("refuses an address with a query, which the name of the endpoint would follow", async () => {
    const { status, stderr } = await sign(["get", "sol@testmail.com", "--url", "http://127.0.0.1/ownid?a=b"]);
    expect(status).toBe(2);
    expect(stderr).toStartWith("--url takes an address without user, query and fragment.");
  });
});

const send = (url: string, environment: Readonly<Record<string, string>> = {}) =>
  sign(["get", "sol@testmail.com", "--send", "--url", url], { environment });

/** A listener that does what it is told with each connection. */
async function listen(
  onConnection: Parameters<typeof createServer>[1],
): Promise<{ server: Server; port: number }> {
  const server = createServer(onConnection).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  return { server, port: typeof address === "object" && address !== null ? address.port : 0 };
}

describe("sign --send says why no answer came:", () => {
  test("nothing listens", async () => {
    const { server, port } = await listen(() => {});
    server.close();
    const { status, stderr } = await send(`http://127.0.0.1:${port}/ownid`);
    expect(status).toBe(1);
    expect(stderr).toStartWith(
      `Nothing listens at http://127.0.0.1:${port}. Start the sidecar with \`bun run start\``,
    );
  });

  test("the host name leads nowhere", async () => {
    expect((await send("http://sidecar.invalid/ownid")).stderr).toStartWith(
      "No address is known for sidecar.invalid.",
    );
  });

  test("the connection is closed, as by a listener that expects TLS", async () => {
    const { server, port } = await listen((socket) => socket.once("data", () => socket.destroy()));
    const { stderr } = await send(`http://127.0.0.1:${port}/ownid`);
    expect(stderr).toContain(
      "closed the connection without an answer. If it expects TLS, write https:// in --url.",
    );
    server.close();
  });

  test("the listener does not speak TLS", async () => {
    await using plain = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("") });
    const { stderr } = await send(`https://127.0.0.1:${plain.port}/ownid`);
    expect(stderr).toContain("does not speak TLS. If it is the sidecar itself, write http:// in --url.");
  });

  test("the environment names a proxy, which is not used", async () => {
    const { stderr } = await send("http://sidecar.invalid/ownid", { HTTP_PROXY: "http://127.0.0.1:9" });
    expect(stderr).toContain("No address is known for sidecar.invalid.");
    expect(stderr).toContain("The request was sent directly, not through the proxy that HTTP_PROXY names.");
  });

  test("a redirect is an answer, which is not followed", async () => {
    const asked: string[] = [];
    await using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch(request) {
        asked.push(new URL(request.url).pathname);
        return Response.redirect("/elsewhere", 302);
      },
    });
    const { status, stdout } = await send(`http://127.0.0.1:${server.port}/ownid`);
    expect({ status, stdout, asked }).toEqual({
      status: 1,
      stdout: "HTTP 302 Found\n",
      asked: ["/ownid/getOwnIDDataByLoginId"],
    });
  });
});

describeWithPrivate("redis", "sign --send over TLS", () => {
  let certificates: TlsCertificates;
  let server: Bun.Server<undefined>;
  beforeAll(async () => {
    certificates = await createTlsCertificates(folder.path);
    server = Bun.serve({
      port: 0,
      tls: { key: Bun.file(certificates.keyFile), cert: Bun.file(certificates.certificateFile) },
      fetch: () => new Response(null, { status: 204 }),
    });
  });
  afterAll(() => server.stop(true));

  test("names the variable with which a certificate of one's own is trusted, and it is trusted with it", async () => {
    const url = `https://localhost:${server.port}/ownid`;
    const { status, stderr } = await send(url);
    expect(status).toBe(1);
    expect(stderr).toContain(`The certificate of localhost:${server.port} is not trusted`);
    expect(stderr).toContain("NODE_EXTRA_CA_CERTS");
    expect((await send(url, { NODE_EXTRA_CA_CERTS: certificates.caFile })).stdout).toBe(
      "HTTP 204 No Content\n",
    );
  });

  test("says that a certificate was made for another host name", async () => {
    const { stderr } = await send(`https://127.0.0.2:${server.port}/ownid`, {
      NODE_EXTRA_CA_CERTS: certificates.caFile,
    });
    expect(stderr).toContain("was made for another host name");
  });
});
