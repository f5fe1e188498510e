import { dirname } from "node:path";
import { SQL } from "bun";
import { type PostgresServer, sharedPostgres } from "../../scripts/servers/postgres-server.ts";
import { runForOutput } from "../../scripts/servers/run-for-output.ts";
import { programPath } from "../../scripts/servers/server-binaries.ts";
import { createDeployment } from "./deployment.ts";
import type { AdvisedSite } from "./followed-advice.ts";

export interface PostgresSite extends AdvisedSite {
  readonly role: string;
  readonly name: string;
}

let sites = 0;

const columns =
  'email varchar(191) NOT NULL, "ownIdData" text, gone boolean NOT NULL DEFAULT false, town text COLLATE "C"';
/** Returns the statement that creates the table of users, with further parts of its definition after the columns. */
export const table = (more = "") => `CREATE TABLE users (id serial PRIMARY KEY, ${columns}${more})`;
/** The privileges that a sidecar needs and no others. # stands for the role. */
export const grant = 'GRANT SELECT (email, "ownIdData"), UPDATE ("ownIdData") ON users TO #';

/** The statement that creates the table without a fault. */
export const unique = table(", UNIQUE (email)");

/** Creates an empty database and a role without privileges. In SQL, # stands for the role. */
export async function createPostgresSite(create = ""): Promise<PostgresSite> {
  const server = await sharedPostgres();
  const name = `advice_${++sites}`;
  const role = `role_${name}`;
  const root = new SQL(server.url(), { max: 1 });
  await root.unsafe(`CREATE DATABASE ${name} ${create}`);
  await root.unsafe(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
  const administrator = new SQL(server.url(name), { max: 1 });
  const own = Object.assign(new URL(server.url(name)), { username: role, password: "secret" });
  const deployment = await createDeployment({ DATABASE_URL: own.href });
  return {
    ...deployment,
    name,
    role,
    administrate: (statement) => administrator.unsafe(statement.replaceAll("#", role)),
    runForDatabase: (command) => runForDatabase(server, command),
    content: (withData) =>
      administrator.unsafe(
        `SELECT jsonb_strip_nulls(to_jsonb(u) - 'ownIdData_text' ${withData ? "" : "- 'ownIdData'"}) AS row FROM users u ORDER BY id`,
      ),
    async [Symbol.asyncDispose]() {
      await deployment[Symbol.asyncDispose]();
      await administrator.close();
      await root.close();
    },
  };
}

function runForDatabase(server: PostgresServer, command: string): Promise<string> {
  const { hostname, port, username, password } = new URL(server.url());
  const variables = [`PGHOST=${hostname}`, `PGPORT=${port}`, `PGUSER=${username}`, `PGPASSWORD=${password}`];
  const path = `PATH=${dirname(programPath("postgres"))}:${process.env.PATH}`;
  return runForOutput(["env", ...variables, path, "sh", "-ec", command]);
}
