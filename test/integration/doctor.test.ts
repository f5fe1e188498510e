import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { publishedSecret } from "../../src/config/signature-config.ts";
import {
  causeAndFix,
  createDeployment,
  type Deployment,
  type Fault,
  faultsOf,
  itemsOf,
  randomText,
} from "../support/deployment.ts";
import { runProgram } from "../support/finished-process.ts";

setDefaultTimeout(30_000);

interface Site extends Deployment {
  readonly database: Database;
  readonly keysFile: string;
}

/** A deployment on SQLite, whose file has the site's table. */
async function createSite(): Promise<Site> {
  const deployment = await createDeployment({});
  const path = join(deployment.folder, "users.db");
  const database = new Database(path, { create: true });
  database.run("PRAGMA journal_mode = WAL");
  database.run('CREATE TABLE users (email TEXT NOT NULL UNIQUE, "ownIdData" TEXT)');
  chmodSync(path, 0o600);
  return {
    ...deployment,
    database,
    keysFile: join(deployment.folder, "session-keys.json"),
    administrate: async (statement) => database.run(statement),
    async [Symbol.asyncDispose]() {
      database.close();
      await deployment[Symbol.asyncDispose]();
    },
  };
}

const set = (name: string, value: string) => (site: Site) => {
  site.environment[name] = value;
};
const run =
  (...statements: string[]) =>
  (site: Site) => {
    for (const statement of statements) site.database.run(statement);
  };
const tableLike = (columns: string) => run("DROP TABLE users", `CREATE TABLE users (${columns})`);

const faults: Record<string, Fault<Site>> = {
  "a setting out of its range": { id: "config.PORT", status: "wrong", plant: set("PORT", "70000") },
  "too short a time of grace": {
    id: "config.COHERENCE_GRACE_MS",
    status: "wrong",
    plant: set("COHERENCE_GRACE_MS", "900"),
  },
  "a set-up for development": { id: "config.NODE_ENV", status: "warning", plant: set("NODE_ENV", "test") },
  "a token that repeats itself, where the last line of .env has no end": {
    id: "secrets.strength",
    status: "wrong",
    plant({ environment, folder }) {
      environment.ADMIN_TOKEN = "password".repeat(5);
      writeFileSync(join(folder, ".env"), "LOG_LEVEL=info", { mode: 0o600 });
    },
  },
  "signing keys that others may read": {
    id: "files.keys-mode",
    status: "wrong",
    plant: ({ keysFile }) => chmodSync(keysFile, 0o644),
  },
  "signing keys for another algorithm": {
    id: "files.keys",
    status: "wrong",
    plant: set("SESSION_ALG", "RS256"),
  },
  "HS256 without its secret": {
    id: "config.SESSION_SECRET",
    status: "wrong",
    plant: set("SESSION_ALG", "HS256"),
  },
  "a data folder that others may write": {
    id: "files.folder",
    status: "wrong",
    plant: ({ folder }) => chmodSync(folder, 0o777),
  },
  "settings that others may read": {
    id: "files.env",
    status: "wrong",
    plant({ folder }) {
      writeFileSync(join(folder, ".env"), "LOG_LEVEL=info\n");
      chmodSync(join(folder, ".env"), 0o644);
    },
  },
  "two listeners at one address": {
    id: "ports.apart",
    status: "wrong",
    plant({ environment }) {
      environment.OPS_PORT = environment.PORT;
    },
  },
  "an ops listener at every address": {
    id: "ports.ops-private",
    status: "warning",
    plant: set("OPS_HOST", "0.0.0.0"),
  },
  "an address of another machine": {
    id: "ports.ops",
    status: "wrong",
    plant: set("OPS_HOST", "192.0.2.1"),
  },
  "a users' file that others may read": {
    id: "database.file",
    status: "warning",
    plant: ({ folder }) => chmodSync(join(folder, "users.db"), 0o644),
  },
  "a journal that holds up readers": {
    id: "database.journal",
    status: "warning",
    plant: run("PRAGMA journal_mode = DELETE"),
  },
  "a table without the column": {
    id: "database.data-column",
    status: "wrong",
    plant: tableLike("email TEXT UNIQUE"),
  },
  "login ids that need not be unique": {
    id: "database.login-id-column",
    status: "wrong",
    plant: tableLike("email TEXT, ownIdData TEXT"),
  },
  "an index in another collation than the lookup's": {
    id: "database.login-id-column",
    status: "wrong",
    plant: (site) => {
      tableLike("email TEXT COLLATE NOCASE, ownIdData TEXT")(site);
      site.database.run("CREATE UNIQUE INDEX binary_email ON users (email COLLATE BINARY)");
    },
  },
  "login ids in upper case": {
    id: "login-ids.lower",
    status: "wrong",
    plant(site) {
      site.environment.LOGIN_ID_CASE = "lower";
      site.database.run("INSERT INTO users (email) VALUES ('Sol@testmail.com')");
    },
  },
  "login ids with blanks": {
    id: "login-ids.blanks",
    status: "warning",
    plant: run("INSERT INTO users (email) VALUES ('sol@testmail.com ')"),
  },
};

describe("doctor on SQLite", () => {
  for (const [what, fault] of Object.entries(faults)) {
    test(`names and fixes ${what}`, async () => {
      await using site = await createSite();
      expect(await causeAndFix(site, fault)).toEqual([fault.status, "fine"]);
    });
  }

  test.each([
    [1, "give the login id that several users would have to one of them"],
    [2, "give each of the 2 login ids that several users would have to one of them"],
  ])("counts %p login id that two users would share in lower case", async (number, words) => {
    await using site = await createSite();
    site.environment.LOGIN_ID_CASE = "lower";
    const names = ["ann", "bob"].slice(0, number);
    for (const name of names) run(`INSERT INTO users (email) VALUES ('${name}'), (upper('${name}'))`)(site);
    expect((await itemsOf(site)).get("login-ids.lower")?.fix).toContain(words);
  });

  test("has nothing to say about a good set-up", async () => {
    await using site = await createSite();
    site.database.run("INSERT INTO users VALUES ('sol@testmail.com', '{}')");
    expect(await faultsOf(site)).toEqual([]);
  });

  test("counts the users who have no subject, or that of another user", async () => {
    await using site = await createSite();
    site.database.run("ALTER TABLE users ADD COLUMN id INTEGER");
    site.database.run("INSERT INTO users VALUES ('ann', NULL, 1), ('bob', NULL, 1), ('eve', NULL, NULL)");
    site.environment.SESSION_SUBJECT_COLUMN = "id";
    site.environment.SESSION_CLAIMS = "uid:id";
    expect(await faultsOf(site)).toEqual([
      "database.subject-column: wrong",
      "subjects.present: wrong",
      "subjects.unique: wrong",
    ]);
    const items = await itemsOf(site);
    expect(items.get("database.claim-columns")?.status).toBe("fine");
    expect(items.get("subjects.present")?.detail).toBe(
      '1 user has none in column "id", and so cannot log in',
    );
  });

  test("never throws keys away, whatever is wrong with their file", async () => {
    await using site = await createSite();
    const content = readFileSync(site.keysFile, "utf8");
    const { keys } = JSON.parse(content);
    for (const broken of [JSON.stringify({ keys: [...keys, ...keys] }), content.slice(0, -9), ""]) {
      writeFileSync(site.keysFile, broken);
      const item = (await itemsOf(site)).get("files.keys");
      expect(item).toMatchObject({ status: "wrong", fixes: [{ steps: [] }] });
      expect(item?.fix).toStartWith("# Restore the file from a backup.");
    }
  });

  test("asks for no file of keys with HS256", async () => {
    await using site = await createSite();
    rmSync(site.keysFile);
    Object.assign(site.environment, { SESSION_ALG: "HS256", SESSION_SECRET: randomText(32) });
    expect(await faultsOf(site)).toEqual([]);
  });

  test("tells every wrong setting at once, and examines what is left", async () => {
    await using site = await createSite();
    Object.assign(site.environment, {
      LOG_LEVEL: "loud",
      REDIS_MODE: "cluster",
      SESSION_KEYS_FILE: "./none.json",
    });
    site.environment.OWNID_SHARED_SECRET = undefined;
    site.database.run("DROP TABLE users");
    expect(await faultsOf(site)).toEqual([
      "config.OWNID_SHARED_SECRET: wrong",
      "config.REDIS_URL: wrong",
      "config.SESSION_KEYS_FILE: wrong",
      "config.LOG_LEVEL: wrong",
      "files.keys: wrong",
      "database.table: wrong",
      "redis.reachable: warning",
    ]);
  });

  test("says nothing about the columns of a table that is not there", async () => {
    await using site = await createSite();
    site.environment.USERS_TABLE = "accounts";
    const ids = [...(await itemsOf(site)).keys()].filter((id) => id.startsWith("database."));
    expect(ids).toEqual([
      "database.reachable",
      "database.table",
      "database.charset",
      "database.file",
      "database.folder",
      "database.journal",
      "database.disk",
    ]);
  });

  test("judges shared secrets, and shows none", async () => {
    await using site = await createSite();
    const statusWith = async (id: string, secret: string, environment = "production") => {
      Object.assign(site.environment, { OWNID_SHARED_SECRET: secret, NODE_ENV: environment });
      const items = await itemsOf(site);
      expect(JSON.stringify([...items.values()])).not.toContain(secret.split(",")[0] ?? secret);
      return items.get(id)?.status ?? "fine";
    };
    const sample = publishedSecret.toString("base64");
    const text = Buffer.from("correct horse battery staple now").toString("base64");
    const [secret, short] = [randomText(32), randomText(20)];
    expect(await statusWith("config.OWNID_SHARED_SECRET", sample)).toBe("wrong");
    expect(await statusWith("secrets.sample", sample, "development")).toBe("warning");
    expect(await statusWith("secrets.random", text)).toBe("warning");
    expect(await statusWith("config.OWNID_SHARED_SECRET", short)).toBe("warning");
    expect(await statusWith("secrets.equal", `${secret},${secret}`)).toBe("wrong");
    site.environment.ADMIN_TOKEN = secret;
    expect(await statusWith("secrets.equal", secret)).toBe("wrong");
    expect(await statusWith("secrets.equal", randomText(32))).toBe("fine");
  });

  test("finds login ids that the column's collation calls equal", async () => {
    await using site = await createSite();
    tableLike("email TEXT COLLATE NOCASE, ownIdData TEXT")(site);
    run(
      "CREATE UNIQUE INDEX binary_email ON users (email COLLATE BINARY)",
      "INSERT INTO users (email) VALUES ('sol@testmail.com'), ('SOL@testmail.com'), ('ann@testmail.com')",
    )(site);
    expect((await itemsOf(site)).get("login-ids.equal")?.status).toBe("wrong");
  });

  test("tells a port that another program holds from one that a sidecar holds", async () => {
    await using site = await createSite();
    let body = "{}";
    await using holder = createServer((_request, response) => response.end(body));
    await new Promise((resolve) =>
      holder.listen(Number(site.environment.OPS_PORT), "127.0.0.1", () => resolve(null)),
    );
    const { status, fix } = (await itemsOf(site)).get("ports.ops") ?? {};
    expect([status, fix]).toEqual(["wrong", expect.stringContaining("ss -ltnp")]);
    body = '{"status":"ok","dependencies":{}}';
    expect((await itemsOf(site)).get("ports.ops")?.status).toBe("fine");
  });

  test("names a file that is no database, and one that is not there", async () => {
    await using site = await createSite();
    writeFileSync(
      join(site.folder, "text.db"),
      "a text that is no database, and long enough to be seen as one",
    );
    const faultWith = async (name: string) => {
      site.environment.DATABASE_URL = `sqlite:${join(site.folder, name)}`;
      return faultsOf(site);
    };
    expect(await faultWith("text.db")).toEqual(["database.reachable: wrong"]);
    expect(await faultWith("none.db")).toEqual(["config.DATABASE_URL: wrong", "database.reachable: wrong"]);
    expect(existsSync(join(site.folder, "none.db"))).toBe(false);
  });
});

describe("bun run doctor", () => {
  const command = join(import.meta.dir, "../../scripts/doctor/index.ts");

  function doctor({ environment, folder }: Deployment, ...options: string[]) {
    return runProgram([process.execPath, command, ...options], { cwd: folder, environment });
  }

  test("exits 0 where nothing is wrong, warnings or not, and prints without colors into a file", async () => {
    await using site = await createSite();
    site.environment.NODE_ENV = "development";
    const { status, stdout, stderr } = await doctor(site);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("1 warning, ");
    expect(stdout).not.toContain("\x1b");
  });

  test("exits 1 where something is wrong, and prints each item with its fix as JSON", async () => {
    await using site = await createSite();
    chmodSync(site.keysFile, 0o644);
    const { status, stdout } = await doctor(site, "--json");
    const report = JSON.parse(stdout);
    expect(status).toBe(1);
    expect({
      ...report,
      items: report.items.filter((item: { status: string }) => item.status !== "fine"),
    }).toEqual({
      status: "wrong",
      counts: { fine: report.items.length - 1, warning: 0, wrong: 1 },
      items: [
        {
          id: "files.keys-mode",
          status: "wrong",
          title: "keys are private",
          detail: "every account of this machine may open the signing keys (mode 0644)",
          fix: `chmod g-w,o= ${site.keysFile}`,
          fixes: [
            {
              when: null,
              steps: [{ kind: "command", as: "service", text: `chmod g-w,o= ${site.keysFile}` }],
            },
          ],
        },
      ],
    });
  });

  test("shows with --quiet only what is wrong or worth changing, with all counts and the same status", async () => {
    await using site = await createSite();
    const counts = (await doctor(site)).stdout.trimEnd().split("\n").at(-1);
    expect(await doctor(site, "--quiet")).toEqual({ status: 0, stdout: `${counts}\n`, stderr: "" });
    site.environment.NODE_ENV = "development";
    chmodSync(site.keysFile, 0o644);
    const { status, stdout } = await doctor(site, "--quiet");
    const [titles, shown] = [
      /^ {2}(?:fine|warning|wrong) +(\S.*?) {2}/gm,
      stdout.replace(/\n\n[^\n]*\n$/, ""),
    ];
    expect([...shown.matchAll(titles)].map(([, title]) => title)).toEqual(["NODE_ENV", "keys are private"]);
    expect(stdout).toMatch(/\n1 wrong, 1 warning, \d+ fine\n$/);
    expect(status).toBe(1);
  });

  test("exits 2 where it is called wrongly", async () => {
    await using site = await createSite();
    expect((await doctor(site, "--deadline", "soon")).status).toBe(2);
    expect((await doctor(site, "everything")).status).toBe(2);
    expect((await doctor(site, "--help")).status).toBe(0);
  });
});
