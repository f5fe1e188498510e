import { SQL } from "bun";
import { type FaultProxy, startFaultProxy } from "../../servers/fault-proxy.ts";
import { type MariadbServer, startMariadb } from "../../servers/mariadb-server.ts";
import { createSiteOf } from "./site.ts";
import type { WorldDatabase } from "./world.ts";

/** Two replicating servers, and an address for each sidecar that leads to one of them. */
export interface MariadbPair extends WorldDatabase, AsyncDisposable {
  readonly primary: () => MariadbServer;
  /**
   * Turns the primary into a read-only replica and the replica, which has every commit, into the primary, as an
   * operator does. The addresses of the sidecars do not change.
   */
  switchOver(): Promise<void>;
  /**
   * Lets the address of this sidecar lead to the current primary, for new connections and, by closing them, for
   * existing ones.
   */
  moveAddress(number: number): void;
}

export async function openMariadbPair(sidecars: number, users: number): Promise<MariadbPair> {
  const servers = await Promise.all([startReplicating("1"), startReplicating("2")]);
  let [primary, replica] = servers;
  await follow(replica, primary);
  const proxies: FaultProxy[] = [];
  for (let number = 0; number < sidecars; number += 1) {
    proxies.push(await startFaultProxy({ host: "127.0.0.1", port: primary.port }));
  }
  const siteOf = (server: MariadbServer) => new SQL(server.url(), { max: 1, idleTimeout: 0 });
  const first = await createSiteOf({ kind: "mariadb", connect: () => siteOf(primary), users });
  const onPrimary = async <Result>(ask: (sql: SQL) => Promise<Result>): Promise<Result> => {
    await using sql = siteOf(primary);
    return await ask(sql);
  };

  return {
    primary: () => primary,
    site: {
      ...first,
      stored: (loginId) =>
        onPrimary(async (sql) => {
          const [row] = await sql`SELECT ownIdData AS value FROM users WHERE email = ${loginId}`;
          return row?.value ?? null;
        }),
      written: () => onPrimary((sql) => sql`SELECT email AS loginId, value FROM written ORDER BY seq`),
    },
    urlOf: (number) =>
      Object.assign(new URL(primary.url()), { port: String(proxies[number]?.port ?? primary.port) }).href,
    async switchOver() {
      await tell(primary, "SET GLOBAL read_only = ON");
      await inStep(replica, primary);
      await tell(replica, "STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL read_only = OFF");
      [primary, replica] = [replica, primary];
      await follow(replica, primary);
    },
    moveAddress(number) {
      proxies[number]?.leadTo(primary.port);
      proxies[number]?.cut();
    },
    async [Symbol.asyncDispose]() {
      await first[Symbol.asyncDispose]();
      for (const proxy of proxies) await proxy.stop();
      for (const server of servers) await server.remove();
    },
  };
}

async function startReplicating(id: string): Promise<MariadbServer> {
  const settings = { "log-bin": "bin", "server-id": id, "log-slave-updates": "ON" };
  const server = await startMariadb({ settings });
  // What each server did at its start must not be replicated.
  await tell(server, "RESET MASTER");
  return server;
}

async function follow(replica: MariadbServer, primary: MariadbServer): Promise<void> {
  const { username, password } = new URL(primary.url());
  const place = `master_host='127.0.0.1', master_port=${primary.port}, master_connect_retry=1`;
  await tell(
    replica,
    "SET GLOBAL read_only = ON",
    `CHANGE MASTER TO ${place}, master_user='${username}', master_password='${password}', master_use_gtid=current_pos`,
    "START SLAVE",
  );
}

const inStepSecondsMax = 20;

async function inStep(replica: MariadbServer, primary: MariadbServer): Promise<void> {
  await using ofPrimary = new SQL(primary.url(), { max: 1 });
  const [position] = await ofPrimary.unsafe("SELECT @@gtid_current_pos AS gtid");
  await using ofReplica = new SQL(replica.url(), { max: 1 });
  const [waited] = await ofReplica.unsafe(
    `SELECT MASTER_GTID_WAIT('${position.gtid}', ${inStepSecondsMax}) AS missing`,
  );
  if (Number(waited.missing) !== 0) throw new Error("the replica does not catch up");
}

async function tell(server: MariadbServer, ...statements: string[]): Promise<void> {
  await using sql = new SQL(server.url(), { max: 1 });
  for (const statement of statements) await sql.unsafe(statement);
}
