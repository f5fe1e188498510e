import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Item } from "../../scripts/doctor/check.ts";
import { createDeployment, type Deployment, randomText } from "../support/deployment.ts";
import {
  buildForService,
  mayChangeAccount,
  otherAccount,
  type Programs,
  service,
} from "../support/service-account.ts";

setDefaultTimeout(30_000);

let programs: Programs;

interface Site extends Deployment {
  readonly keys: string;
  readonly database: string;
}

/** A good deployment that belongs to the service. */
async function createSite(): Promise<Site> {
  const deployment = await createDeployment({});
  const keys = join(deployment.folder, "session-keys.json");
  const database = join(deployment.folder, "site/users.db");
  mkdirSync(join(deployment.folder, "site"));
  const site = new Database(database, { create: true });
  site.run("PRAGMA journal_mode = WAL");
  site.run('CREATE TABLE users (email TEXT NOT NULL UNIQUE, "ownIdData" TEXT)');
  site.run("INSERT INTO users VALUES ('sol@testmail.com', '{}')");
  site.close();
  chmodSync(database, 0o600);
  deployment.environment.DATABASE_URL = `sqlite:${database}`;
  for (const path of [deployment.folder, join(deployment.folder, "site"), keys, database])
    give(path, service);
  return { ...deployment, keys, database };
}

function give(path: string, { uid, gid }: { uid: number; gid: number }, mode?: number): void {
  chownSync(path, uid, gid);
  if (mode !== undefined) chmodSync(path, mode);
}

const root = { uid: 0, gid: 0 };

function makeStateFile(environment: Site["environment"], owner: typeof root, mode: number): void {
  const path = environment.STATE_FILE ?? "";
  mkdirSync(join(path, ".."));
  writeFileSync(path, "");
  give(path, owner, mode);
}

interface Fault {
  /** The item of the doctor, and how it stands before. */
  readonly item: `${string}: ${"wrong" | "warning"}`;
  plant(site: Site): void;
  /** What is still said afterwards, because only the operator can judge it. */
  readonly left?: string;
}

const faults: Record<string, Fault> = {
  "signing keys that root has made": {
    item: "files.keys: wrong",
    plant: ({ keys }) => give(keys, root, 0o600),
  },
  "signing keys of another account": {
    item: "files.keys: wrong",
    plant: ({ keys }) => give(keys, otherAccount, 0o600),
    left: "files.keys-owner: warning",
  },
  "signing keys that their owner may not read": {
    item: "files.keys: wrong",
    plant: ({ keys }) => chmodSync(keys, 0o200),
  },
  "signing keys that everyone may read": {
    item: "files.keys-mode: wrong",
    plant: ({ keys }) => chmodSync(keys, 0o644),
  },
  "signing keys of root that everyone may read": {
    item: "files.keys-mode: wrong",
    plant: ({ keys }) => give(keys, root, 0o644),
  },
  "signing keys that a group may change": {
    item: "files.keys-mode: warning",
    plant: ({ keys }) => chmodSync(keys, 0o660),
  },
  "a shared secret that everyone may change": {
    item: "files.OWNID_SHARED_SECRET_FILE: wrong",
    plant({ folder, environment }) {
      environment.OWNID_SHARED_SECRET_FILE = join(folder, "shared secret");
      writeFileSync(join(folder, "shared secret"), environment.OWNID_SHARED_SECRET ?? "");
      environment.OWNID_SHARED_SECRET = undefined;
      give(join(folder, "shared secret"), service, 0o666);
    },
  },
  "an admin token of root that everyone may read": {
    item: "files.ADMIN_TOKEN_FILE: wrong",
    plant({ folder, environment }) {
      environment.ADMIN_TOKEN_FILE = join(folder, "admin-token");
      writeFileSync(join(folder, "admin-token"), randomText(33));
      environment.ADMIN_TOKEN = undefined;
      give(join(folder, "admin-token"), root, 0o644);
    },
  },
  "a state file of root": {
    item: "files.state: wrong",
    plant: ({ environment }) => makeStateFile(environment, root, 0o600),
  },
  "a state file of root, with what SQLite keeps beside it": {
    item: "files.state: wrong",
    plant({ environment }) {
      makeStateFile(environment, root, 0o600);
      for (const suffix of ["-wal", "-shm"]) {
        writeFileSync(environment.STATE_FILE + suffix, "");
        give(environment.STATE_FILE + suffix, root, 0o600);
      }
    },
  },
  "an audit log in a folder that is missing": {
    item: "files.audit: wrong",
    plant({ folder, environment }) {
      environment.AUDIT_LOG = join(folder, "log/audit.log");
    },
  },
  "an audit log of root": {
    item: "files.audit: wrong",
    plant({ folder, environment }) {
      environment.AUDIT_LOG = join(folder, "audit.log");
      writeFileSync(environment.AUDIT_LOG, "");
      give(environment.AUDIT_LOG, root, 0o600);
    },
  },
  "a state file that everyone may read": {
    item: "files.state: wrong",
    plant: ({ environment }) => makeStateFile(environment, service, 0o644),
  },
  "a folder in which the state file cannot be made": {
    item: "files.state: wrong",
    plant({ environment, folder }) {
      environment.STATE_FILE = join(folder, "closed/state.db");
      mkdirSync(join(folder, "closed"));
      give(join(folder, "closed"), service, 0o500);
    },
  },
  "a state file whose folder cannot be made": {
    item: "files.state: wrong",
    plant({ environment, folder }) {
      environment.STATE_FILE = join(folder, "of-root/data/state.db");
      mkdirSync(join(folder, "of-root"), { mode: 0o755 });
    },
  },
  "an admin token that root alone may read": {
    item: "files.ADMIN_TOKEN_FILE: wrong",
    plant({ folder, environment }) {
      environment.ADMIN_TOKEN_FILE = join(folder, "admin-token");
      writeFileSync(join(folder, "admin-token"), randomText(33));
      environment.ADMIN_TOKEN = undefined;
      give(join(folder, "admin-token"), root, 0o600);
    },
  },
  "settings that everyone may read": {
    item: "files.env: wrong",
    plant({ folder }) {
      writeFileSync(join(folder, ".env"), "LOG_LEVEL=info\n");
      give(join(folder, ".env"), service, 0o644);
    },
  },
  "a data folder that everyone may write": {
    item: "files.folder: wrong",
    plant: ({ folder }) => chmodSync(folder, 0o777),
  },
  "a users' file of root": {
    item: "database.reachable: wrong",
    plant: ({ database }) => give(database, root, 0o640),
  },
  "a users' file of root that this account may read": {
    item: "database.file: wrong",
    plant: ({ database }) => give(database, { uid: 0, gid: service.gid }, 0o640),
  },
  "a users' file of another account": {
    item: "database.reachable: wrong",
    plant: ({ database }) => give(database, otherAccount, 0o600),
  },
  "a users' file that everyone may read": {
    item: "database.file: warning",
    plant: ({ database }) => chmodSync(database, 0o644),
  },
  "a users' file in a folder of root": {
    item: "database.folder: wrong",
    plant: ({ database }) => give(join(database, ".."), root, 0o755),
  },
  "a users' file in a folder of another account": {
    item: "database.reachable: wrong",
    plant: ({ database }) => give(join(database, ".."), otherAccount, 0o700),
  },
};

describe.skipIf(!mayChangeAccount)(
  "what the doctor prints about files, to the account of the service",
  () => {
    beforeAll(async () => {
      programs = await buildForService();
    });
    afterAll(() => programs[Symbol.dispose]());

    for (const [what, { item, plant, left }] of Object.entries(faults)) {
      test(`fixes ${what}, and changes no content`, async () => {
        await using site = await createSite();
        plant(site);
        const before = contentOf(site);
        const found = itemsOf(site).find(({ id }) => item.startsWith(`${id}:`));
        expect(`${found?.id}: ${found?.status}`).toBe(item);
        for (const step of found?.fixes?.[0]?.steps ?? []) {
          if (step.kind !== "command") throw new Error(`not a command: ${step.text}`);
          expect(found?.fix).toContain(step.text);
          const ran = step.as === "service" ? programs.run(step.text, site.folder, {}) : runAsRoot(step.text);
          expect(ran).toEqual({ status: 0, output: "" });
        }
        expect(faultsOf(site)).toEqual(left === undefined ? [] : [left]);
        expect(await programs.start(site.folder, site.environment)).toContain("ops listener ready");
        expect(contentOf(site)).toEqual(before);
      });
    }

    test("does not object to a secret that Kubernetes mounts for a group, and the start leaves it as it is", async () => {
      await using site = await createSite();
      const volume = join(site.folder, "volume");
      mkdirSync(join(volume, "..2026_11_28"), { recursive: true });
      cpSync(site.keys, join(volume, "..2026_11_28/session-keys.json"));
      symlinkSync("..2026_11_28", join(volume, "..data"));
      symlinkSync("..data/session-keys.json", join(volume, "session-keys.json"));
      give(join(volume, "..2026_11_28/session-keys.json"), { uid: 0, gid: service.gid }, 0o440);
      give(join(volume, "..2026_11_28"), { uid: 0, gid: service.gid }, 0o755);
      give(volume, { uid: 0, gid: service.gid }, 0o1777);
      site.environment.SESSION_KEYS_FILE = join(volume, "session-keys.json");
      expect(faultsOf(site)).toEqual([]);
      expect(await programs.start(site.folder, site.environment)).not.toContain("SESSION_KEYS_FILE");
      chmodSync(join(volume, "..2026_11_28/session-keys.json"), 0o444);
      expect(itemsOf(site).find(({ id }) => id === "files.keys-mode")).toMatchObject({
        status: "warning",
        fix: "# Set defaultMode: 0440 on the volume of the secret, and fsGroup in the securityContext of the pod.",
      });
    });

    test("says at the start that everyone could read the keys, and leaves them to their group", async () => {
      await using site = await createSite();
      chmodSync(site.keys, 0o644);
      const output = await programs.start(site.folder, site.environment);
      expect(output).toContain(
        "SESSION_KEYS_FILE: every account of this machine could read the signing keys",
      );
      expect(statSync(site.keys).mode & 0o777).toBe(0o640);
      expect(await programs.start(site.folder, site.environment)).not.toContain("SESSION_KEYS_FILE");
    });

    test("adds this account to a group that has access, rather than take the file from the group", async () => {
      await using site = await createSite();
      give(site.keys, otherAccount, 0o640);
      const { fix } = itemsOf(site).find(({ id }) => id === "files.keys") ?? {};
      expect(fix).toBe(
        `sudo usermod --append --groups ${otherAccount.gid} ${service.uid}\nsudo chmod g+rX ${site.keys}`,
      );
    });

    test("tells where to keep keys whose folder this account may not enter, and opens no folder", async () => {
      await using site = await createSite();
      mkdirSync(join(site.folder, "closed"), { mode: 0o700 });
      renameSync(site.keys, join(site.folder, "closed/session-keys.json"));
      site.environment.SESSION_KEYS_FILE = join(site.folder, "closed/session-keys.json");
      expect(faultsOf(site)).toEqual(["config.SESSION_KEYS_FILE: wrong", "files.keys: wrong"]);
      expect(itemsOf(site).find(({ id }) => id === "files.keys")).toMatchObject({
        status: "wrong",
        fix: "# Move the keys to a folder that this account may enter, and name them by SESSION_KEYS_FILE.",
      });
    });
  },
);

/** As the service sees them. */
function itemsOf(site: Site): Item[] {
  const doctor = 'bun "$PROGRAMS/doctor.js" --json 2>/dev/null';
  const { output } = programs.run(doctor, site.folder, site.environment);
  return JSON.parse(output).items;
}

function faultsOf(site: Site): string[] {
  const faults = itemsOf(site).filter(({ status }) => status !== "fine");
  return faults.map(({ id, status }) => `${id}: ${status}`);
}

function runAsRoot(command: string) {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["sh", "-ec", command]);
  return { status: exitCode, output: `${stdout}${stderr}` };
}

function contentOf({ keys, database }: Site) {
  const site = new Database(database, { readonly: true });
  const users = site.query("SELECT * FROM users").all();
  site.close();
  return { keys: readFileSync(keys, "utf8"), users };
}
