import { existsSync } from "node:fs";
import { SQL } from "bun";
import { freePort } from "../../scripts/servers/free-port.ts";
import { type MariadbServer, startMariadb } from "../../scripts/servers/mariadb-server.ts";

/**
 * From Debian's package galera-4, which is installed with its MariaDB and includes the transfer of a first copy of the
 * data.
 */
const provider = "/usr/lib/galera/libgalera_smm.so";

export interface GaleraCluster extends AsyncDisposable {
  readonly nodes: readonly [MariadbServer, MariadbServer];
}

/** Returns why this machine cannot run a cluster, or `null` if it can. */
export function galeraProblem(): string | null {
  if (!existsSync(provider)) return "Galera's library (galera-4) is not here";
  return Bun.which("rsync") === null ? "rsync, which copies the first data, is not here" : null;
}

/** Starts two synchronized nodes on loopback. */
export async function startGaleraCluster(): Promise<GaleraCluster> {
  const first = await freePort();
  const one = await startMariadb({ settings: await settingsOf(first, "gcomm://") });
  try {
    const joining = await settingsOf(await freePort(), `gcomm://127.0.0.1:${first}`);
    const two = await startMariadb({ settings: joining });
    await untilSynced(two);
    return {
      nodes: [one, two],
      async [Symbol.asyncDispose]() {
        await two.remove();
        await one.remove();
      },
    };
  } catch (error) {
    await one.remove();
    throw error;
  }
}

async function settingsOf(port: number, cluster: string): Promise<Record<string, string>> {
  const options = [`base_host=127.0.0.1`, `base_port=${port}`, `gmcast.listen_addr=tcp://127.0.0.1:${port}`];
  return {
    "wsrep-on": "ON",
    "wsrep-provider": provider,
    "wsrep-provider-options": [...options, "gcache.size=16M"].join(";"),
    "wsrep-cluster-address": cluster,
    "wsrep-node-address": "127.0.0.1",
    "wsrep-sst-method": "rsync",
    "wsrep-sst-receive-address": `127.0.0.1:${await freePort()}`,
    "innodb-autoinc-lock-mode": "2",
    "binlog-format": "ROW",
  };
}

const syncSecondsMax = 30;

async function untilSynced(node: MariadbServer): Promise<void> {
  const deadline = performance.now() + 1000 * syncSecondsMax;
  await using sql = new SQL(node.url(), { max: 1 });
  while (performance.now() < deadline) {
    const [state] = await sql.unsafe("SHOW STATUS LIKE 'wsrep_local_state_comment'");
    if (state?.Value === "Synced") return;
    await Bun.sleep(50);
  }
  throw new Error(`the second Galera node is not in step after ${syncSecondsMax} s`);
}
