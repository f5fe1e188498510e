import type { DatabaseKind } from "../../config/database-address.ts";
import type { Dialect } from "./dialect.ts";
import { createMysqlDialect } from "./mysql.ts";
import { mysqlSpelling } from "./mysql-spelling.ts";
import { postgres } from "./postgres.ts";
import { postgresSpelling } from "./postgres-spelling.ts";
import type { Spelling } from "./spelling.ts";
import { sqlite } from "./sqlite.ts";
import { sqliteSpelling } from "./sqlite-spelling.ts";

/** The dialect and the spelling of each kind of database. */
export const dialects: Readonly<
  Record<DatabaseKind, { readonly createDialect: () => Dialect; readonly spelling: Spelling }>
> = {
  sqlite: { createDialect: () => sqlite, spelling: sqliteSpelling },
  postgres: { createDialect: () => postgres, spelling: postgresSpelling },
  mysql: { createDialect: createMysqlDialect, spelling: mysqlSpelling },
};
