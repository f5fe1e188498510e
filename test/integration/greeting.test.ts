import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { developmentWarning, type GreetingFacts, greeting, nextCommand } from "../../src/process/greeting.ts";
import { asInstalled } from "../support/installed-runner.ts";
import { spawnSidecar } from "../support/sidecar-process.ts";

setDefaultTimeout(30_000);

const facts = {
  publicUrl: "http://127.0.0.1:3300/ownid",
  defaultUrl: "http://127.0.0.1:3300/ownid",
  opsUrl: "http://127.0.0.1:3301",
  folder: "/srv/site/data",
  madeSecret: true,
  madeDatabase: true,
  demoLoginId: "sol@testmail.com",
  checkout: "/srv/site",
  startFolder: "/srv/site",
};
const next = (changes: Partial<GreetingFacts>) => asInstalled(nextCommand({ ...facts, ...changes }));

describe("the warning about what was made", () => {
  test("names what was made, and in which folder", () => {
    const start = 'development mode, since NODE_ENV is not "production": this start uses';
    expect(developmentWarning(facts)).toBe(
      `${start} a shared secret that was generated and a demo database, in /srv/site/data`,
    );
    expect(developmentWarning({ ...facts, madeDatabase: false })).toBe(
      `${start} a shared secret that was generated, in /srv/site/data`,
    );
    expect(developmentWarning({ ...facts, madeSecret: false })).toBe(
      `${start} a demo database, in /srv/site/data`,
    );
    expect(developmentWarning({ ...facts, madeSecret: false, madeDatabase: false })).toBeNull();
  });

  test("is in the log of a start in a folder without configuration, as a warning", async () => {
    await using sidecar = spawnSidecar();
    await sidecar.logged("development mode");
    const warnings = sidecar.logLines().filter(({ level }) => level === "warn");
    expect(warnings.map(({ msg }) => msg)).toEqual([
      expect.stringContaining(`, in ${sidecar.folder.at("data")}`),
    ]);
  });
});

describe("the command to try next", () => {
  test("is short where nothing was configured", () => {
    expect(next({})).toBe("bun run sign get sol@testmail.com --send");
  });

  test("leads back to the folder of the start, where the secret is, if that is not the checkout", () => {
    expect(next({ startFolder: "/var/lib/own id" })).toBe(
      "cd '/var/lib/own id' && bun /srv/site/scripts/launch.ts sign get sol@testmail.com --send",
    );
  });

  test.each([
    ["http://127.0.0.1:4000/ownid", "http://127.0.0.1:4000/ownid"],
    ["http://0.0.0.0:3300", "http://127.0.0.1:3300"],
    ["http://[::]:3300/ownid", "http://[::1]:3300/ownid"],
  ])("names the address of a sidecar at %s", (publicUrl, url) => {
    expect(next({ publicUrl })).toBe(`bun run sign get sol@testmail.com --send --url ${url}`);
  });

  test("names no user of a database that was not made here, and the greeting says so", () => {
    const without = { madeDatabase: false, demoLoginId: null };
    expect(next(without)).toBe("bun run sign get LOGIN_ID --send");
    const shown = greeting({ ...facts, ...without, madeSecret: false });
    expect(shown).not.toContain("sol@testmail.com");
    expect(shown).toContain("LOGIN_ID stands for a login id of your users.");
    expect(shown).toContain("with the same OWNID_SHARED_SECRET");
  });

  test("names no user of an existing ./data/ownid.db who is not there", async () => {
    using database = new Database(":memory:");
    database.run("CREATE TABLE users (email TEXT NOT NULL UNIQUE, ownIdData TEXT)");
    await using sidecar = spawnSidecar({}, undefined, { "data/ownid.db": database.serialize() });
    expect((await sidecar.logged("development mode")).next).toContain(" sign get LOGIN_ID --send");
    const shown = greeting({ ...facts, demoLoginId: null });
    expect(shown).toContain("users       from the default database\n");
    expect(shown).toContain("LOGIN_ID stands for a login id of your users.");
  });

  test("works as it is printed, on another port and another path, from another folder", async () => {
    await using sidecar = spawnSidecar({ BASE_PATH: "/deeper/path" });
    const { next } = await sidecar.logged("development mode");
    const command = String(next).replace(/&& (?:npx --yes bun@\S+|bun) /, `&& ${process.execPath} `);
    const child = Bun.spawn(["sh", "-c", command], {
      cwd: "/",
      env: { PATH: process.env.PATH ?? "" },
      stdout: "pipe",
      stderr: "pipe",
    });
    expect(await child.stdout.text()).toBe("HTTP 204 No Content\n");
  });
});
