import { SQL } from "bun";
import { sharedMariadb } from "../../scripts/servers/mariadb-server.ts";
import { createDeployment } from "./deployment.ts";
import type { AdvisedSite } from "./followed-advice.ts";

let sites = 0;

const columns =
  "email varchar(191) NOT NULL, ownIdData text, gone int NOT NULL DEFAULT 0, town varchar(50) COLLATE utf8mb4_bin";
/** Returns the statement that creates the table of users, with further parts of its definition after the columns. */
export const table = (more = "") =>
  `CREATE TABLE users (id int PRIMARY KEY AUTO_INCREMENT, ${columns}${more})`;
/** The privileges that a sidecar needs and no others. # stands for the account. */
export const grant = "GRANT SELECT (email, ownIdData), UPDATE (ownIdData) ON users TO #";

/** Creates an empty database and an account without privileges. In SQL, # stands for the account. */
export async function createMariadbSite(): Promise<AdvisedSite> {
  const server = await sharedMariadb();
  const name = `advice_${++sites}`;
  const account = `'${name}'@'127.0.0.1'`;
  const url = await server.createDatabase(name);
  const administrator = new SQL(url, { max: 1 });
  await administrator.unsafe(`CREATE USER ${account} IDENTIFIED BY 'secret'`);
  await administrator.unsafe(`GRANT USAGE ON *.* TO ${account}`);
  const own = Object.assign(new URL(url), { username: name, password: "secret" });
  const deployment = await createDeployment({ DATABASE_URL: own.href });
  return {
    ...deployment,
    administrate: (statement) => administrator.unsafe(statement.replaceAll("#", account)),
    content: (withData) =>
      administrator.unsafe(
        `SELECT id, email, town, gone${withData ? ", ownIdData" : ""} FROM users ORDER BY id`,
      ),
    async [Symbol.asyncDispose]() {
      await deployment[Symbol.asyncDispose]();
      await administrator.close();
    },
  };
}
