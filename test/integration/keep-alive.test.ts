import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { createSignedClient } from "../../scripts/client/signed-client.ts";
import { createTickingClock } from "../../scripts/client/ticking-clock.ts";
import { freePort } from "../../scripts/servers/free-port.ts";
import { programPath } from "../../scripts/servers/server-binaries.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { eventually } from "../../scripts/servers/waiting.ts";
import { describeWithPrivate } from "../support/describe-with.ts";
import { spawnSidecar } from "../support/sidecar-process.ts";

setDefaultTimeout(30_000);

const sol = "sol@testmail.com";
const sharedSecret = Buffer.from("a shared secret of thirty-two b.");
/** As short as the settings allow. */
const short = { KEEP_ALIVE_SECONDS: "2", COHERENCE_STATEMENT_MS: "400" };

/** How long a connection that has had one answer stays open without a second request, in seconds. */
function idleSeconds(url: string): Promise<number> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  let answeredAt = 0;
  socket.on("data", () => {
    answeredAt = performance.now();
  });
  socket.on("error", () => {});
  socket.write(`GET / HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
  return new Promise((resolve) => socket.on("close", () => resolve((performance.now() - answeredAt) / 1000)));
}

describe("KEEP_ALIVE_SECONDS", () => {
  test.concurrent("is how long an idle connection stays open at least, and not much more, on both listeners", async () => {
    await using sidecar = spawnSidecar(short);
    const { baseUrl, opsUrl } = await sidecar.ready();
    // Bun's timer moves in steps of four seconds: connections of different ages meet it at different times.
    const waits = [0, 2].map(async (second) => {
      await Bun.sleep(second * 1000);
      return Promise.all([idleSeconds(baseUrl), idleSeconds(opsUrl)]);
    });
    for (const seconds of (await Promise.all(waits)).flat()) {
      expect(seconds).toBeGreaterThanOrEqual(2);
      expect(seconds).toBeLessThan(11);
    }
  });
});

describeWithPrivate("nginx", "a real nginx that keeps its connections for less than the sidecar does", () => {
  test.concurrent("never meets one that is being closed", async () => {
    using folder = temporaryFolder();
    await using sidecar = spawnSidecar({ ...short, OWNID_SHARED_SECRET: sharedSecret.toString("base64") });
    const { baseUrl } = await sidecar.ready();
    await using proxy = await startNginx(folder.path, new URL(baseUrl).host);
    const client = createSignedClient({
      baseUrl: `http://127.0.0.1:${proxy.port}/ownid`,
      sharedSecret,
      now: createTickingClock(),
    });
    // Pauses around the time after which nginx gives up an idle connection, and the sidecar a little later.
    const senders = Array.from({ length: 12 }, async (_, sender) => {
      const statuses: number[] = [];
      for (const pauseMs of [0, 900, 1000, 1100]) {
        await Bun.sleep(pauseMs + sender * 10);
        // A lookup is a POST like a set, which nginx does not send again, and lookups do not contend with each other.
        statuses.push((await client.get(sol)).status);
      }
      return statuses;
    });
    const statuses = (await Promise.all(senders)).flat();
    expect(statuses.filter((status) => status !== 204)).toEqual([]);
    expect(statuses).toHaveLength(12 * 4);
  });
});

async function startNginx(folder: string, upstream: string) {
  const port = await freePort();
  mkdirSync(`${folder}/logs`);
  writeFileSync(
    `${folder}/nginx.conf`,
    `daemon off; pid ${folder}/pid; error_log ${folder}/logs/error.log;
    events { worker_connections 64; }
    http {
      access_log off;
      client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f;
      uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
      upstream sidecar { server ${upstream}; keepalive 16; keepalive_timeout 1s; }
      server {
        listen 127.0.0.1:${port};
        location / { proxy_pass http://sidecar; proxy_http_version 1.1; proxy_set_header Connection ""; }
      }
    }`,
  );
  const child = Bun.spawn(
    [programPath("nginx"), "-p", folder, "-c", `${folder}/nginx.conf`, "-g", "user root;"],
    {
      stdout: "ignore",
      stderr: "ignore",
    },
  );
  expect(await eventually(async () => existsSync(`${folder}/pid`), true)).toBe(true);
  const answers = () =>
    fetch(`http://127.0.0.1:${port}/`)
      .then(() => true)
      .catch(() => false);
  expect(await eventually(answers, true)).toBe(true);
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}
