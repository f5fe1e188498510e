import { SQL } from "bun";
import { type ErrorProxy, startErrorProxy } from "../../servers/error-proxy.ts";
import { startMariadb } from "../../servers/mariadb-server.ts";
import { createSiteOf } from "./site.ts";
import type { WorldDatabase } from "./world.ts";

export interface MariadbBehindProxies extends WorldDatabase, AsyncDisposable {
  /** One for each sidecar, in their order. */
  readonly proxies: readonly ErrorProxy[];
}

/** Recognizes COM_STMT_EXECUTE with a value of the history among its parameters. */
const isUpdate = (packet: Buffer) => packet[4] === 0x17 && /v\d/.test(packet.toString("latin1"));

/** Starts a MariaDB that each sidecar reaches through its own proxy. The proxy can lose the server during an UPDATE. */
export async function openMariadbBehindProxies(
  sidecars: number,
  users: number,
): Promise<MariadbBehindProxies> {
  const server = await startMariadb();
  const connect = () => new SQL(server.url(), { max: 1, idleTimeout: 0 });
  const site = await createSiteOf({ kind: "mariadb", connect, users });
  const proxies = await Promise.all(
    Array.from({ length: sidecars }, () => startErrorProxy(server.port, isUpdate)),
  );
  return {
    site,
    proxies,
    urlOf: (number) => {
      const port = String(proxies[number]?.port ?? server.port);
      return Object.assign(new URL(server.url()), { port }).href;
    },
    async [Symbol.asyncDispose]() {
      for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
      await site[Symbol.asyncDispose]();
      await server.remove();
    },
  };
}
