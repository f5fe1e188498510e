import { SQL } from "bun";
import { sharedMariadb } from "../../servers/mariadb-server.ts";
import { temporaryFolder } from "../../servers/temporary-folder.ts";
import { readValue } from "../harness/client.ts";
import { combine, experiment, type Progress, unless } from "../harness/experiment.ts";
import { createHistory, type Verdict } from "../harness/history.ts";
import { createSiteOf, type Site } from "../harness/site.ts";
import { sharedPostgres, startWorld, type WorldDatabase } from "../harness/world.ts";

type Kind = "postgres" | "mariadb" | "sqlite";

interface Parameters {
  readonly rounds: number;
}

/** The statements that create each trigger, by what it does to an UPDATE. */
const triggers: Record<Kind, Readonly<Record<string, readonly string[]>>> = {
  postgres: {
    rewrites: postgresTrigger(`NEW."ownIdData" := 'rewritten ' || NEW."ownIdData"; RETURN NEW;`),
    keeps: postgresTrigger(`NEW."ownIdData" := OLD."ownIdData"; RETURN NEW;`),
    drops: postgresTrigger("RETURN NULL;"),
    fails: postgresTrigger("RAISE EXCEPTION 'no';"),
  },
  mariadb: {
    rewrites: mariadbTrigger("SET NEW.ownIdData = concat('rewritten ', NEW.ownIdData)"),
    keeps: mariadbTrigger("SET NEW.ownIdData = OLD.ownIdData"),
    fails: mariadbTrigger("SIGNAL SQLSTATE '45000'"),
  },
  sqlite: {
    rewrites: sqliteTrigger(
      "AFTER",
      "UPDATE users SET ownIdData = 'rewritten ' || ownIdData WHERE email = NEW.email",
    ),
    keeps: sqliteTrigger("AFTER", "UPDATE users SET ownIdData = OLD.ownIdData WHERE email = NEW.email"),
    drops: sqliteTrigger("BEFORE", "SELECT RAISE(IGNORE)"),
    fails: sqliteTrigger("BEFORE", "SELECT RAISE(ABORT, 'no')"),
  },
};

export const triggersInTheWay = experiment<Parameters>({
  id: "triggers",
  title: "triggers that rewrite, keep, drop or fail an UPDATE, in three databases",
  passes:
    "`get` returns what the row holds, and a set is answered with 204 only if the row holds what was sent",
  needs: "mariadb",
  small: { rounds: 2 },
  full: { rounds: 60 },
  async run({ rounds }, progress) {
    const verdicts: Verdict[] = [];
    for (const kind of ["postgres", "mariadb", "sqlite"] as const) {
      verdicts.push(await tryDatabase(kind, rounds, progress));
    }
    return combine(...verdicts);
  },
});

async function tryDatabase(kind: Kind, rounds: number, progress: Progress): Promise<Verdict> {
  const users = 4;
  await using database = await openers[kind](users);
  await using world = await startWorld({ sidecars: 2, users, database, times: { ttlSeconds: 30 } });
  const history = createHistory();
  await world.untilFilling();
  const [one, two] = [world.sidecar(0), world.sidecar(1)];
  let acknowledged = 0;
  const wrong: string[] = [];

  for (const [what, statements] of [["no trigger", []] as const, ...Object.entries(triggers[kind])]) {
    for (const statement of statements) await world.site.run(statement);
    for (let round = 0; round < rounds; round += 1) {
      for (const loginId of world.site.loginIds) {
        // Make the lookup a hit first, so that the set finds a value in Redis that it must remove.
        await history.get(two, loginId);
        const { status, value } = await history.set(one, loginId);
        const row = await world.site.stored(loginId);
        const answers = [await history.get(one, loginId), await history.get(two, loginId)].map(readValue);
        acknowledged += status === 204 ? 1 : 0;
        if ((status === 204) !== (row === value))
          wrong.push(`${what}: answered ${status} although the row holds ${row}`);
        if (answers.some((answer) => answer !== row))
          wrong.push(`${what}: returned ${answers} although the row holds ${row}`);
      }
    }
    if (statements.length > 0) await world.site.run(dropTrigger[kind]);
    progress(`${kind}: ${what}`);
  }
  const sets = history.replies.filter((reply) => reply.kind === "set").length;
  return {
    figures: { [`${kind}: sets`]: sets, [`${kind}: sets acknowledged`]: acknowledged },
    failures: [
      ...wrong.slice(0, 5).map((sentence) => `${kind}: ${sentence}`),
      ...unless({
        [`${kind}: not every set without a trigger was acknowledged`]: acknowledged >= users * rounds,
      }),
    ],
  };
}

const openers: Record<Kind, (users: number) => Promise<WorldDatabase & AsyncDisposable>> = {
  postgres: async (users) => {
    const url = await (await sharedPostgres()).createDatabase("faults_triggers");
    const connect = () => new SQL(url, { max: 1, idleTimeout: 0 });
    return databaseOf(await createSiteOf({ kind: "postgres", connect, users }), url);
  },
  mariadb: async (users) => {
    const url = await (await sharedMariadb()).createDatabase("faults_triggers");
    const connect = () => new SQL(url, { max: 1, idleTimeout: 0 });
    return databaseOf(await createSiteOf({ kind: "mariadb", connect, users }), url);
  },
  sqlite: async (users) => {
    const folder = temporaryFolder();
    const filename = folder.at("site.db");
    const connect = () => new SQL({ adapter: "sqlite", filename, create: true, readwrite: true });
    const site = await createSiteOf({ kind: "sqlite", connect, users });
    return databaseOf(site, `sqlite:${filename}`, () => folder[Symbol.dispose]());
  },
};

function databaseOf(site: Site, url: string, after = () => {}): WorldDatabase & AsyncDisposable {
  return {
    site,
    urlOf: () => url,
    async [Symbol.asyncDispose]() {
      await site[Symbol.asyncDispose]();
      after();
    },
  };
}

const dropTrigger: Record<Kind, string> = {
  postgres: "DROP FUNCTION interfere CASCADE",
  mariadb: "DROP TRIGGER interfere",
  sqlite: "DROP TRIGGER interfere",
};

function postgresTrigger(body: string): readonly string[] {
  return [
    `CREATE FUNCTION interfere() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} END $$`,
    "CREATE TRIGGER interfere BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION interfere()",
  ];
}

function mariadbTrigger(body: string): readonly string[] {
  return [`CREATE TRIGGER interfere BEFORE UPDATE ON users FOR EACH ROW ${body}`];
}

function sqliteTrigger(when: "BEFORE" | "AFTER", body: string): readonly string[] {
  return [`CREATE TRIGGER interfere ${when} UPDATE ON users BEGIN ${body}; END`];
}
