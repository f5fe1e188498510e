import { expect, test } from "bun:test";
import type { Verdict } from "../../scripts/doctor/check.ts";
import { configChecks } from "../../scripts/doctor/config-checks.ts";
import { examineConfiguration } from "../../scripts/doctor/examined-config.ts";

async function verdictsOf(environment: Record<string, string>): Promise<Record<string, Verdict>> {
  const examined = examineConfiguration(environment);
  const items = configChecks(examined).map(async ({ id, examine }) => [id, await examine(examined)] as const);
  return Object.fromEntries(await Promise.all(items));
}

async function fixesOf(environment: Record<string, string>) {
  const verdicts = Object.entries(await verdictsOf(environment));
  return Object.fromEntries(verdicts.map(([id, { fix }]) => [id, fix]));
}

test("a misspelled name is repaired by the setting's name, with the value that it has", async () => {
  expect(await fixesOf({ REDIS_ULR: "redis://h", database_url: "postgres://h/d", PORT: "x" })).toMatchObject({
    "config.REDIS_ULR": "REDIS_URL=<the value of REDIS_ULR>",
    "config.database_url": "DATABASE_URL=<the value of database_url>",
    "config.PORT": "PORT=3300",
  });
});

test("a wrong file of TLS is not repaired by going without TLS", async () => {
  const fixes = await fixesOf({
    DATABASE_URL: "postgres://h/d",
    DATABASE_TLS_CA_FILE: "/nowhere",
    REDIS_URL: "rediss://h",
    REDIS_TLS_KEY_FILE: "/nowhere",
  });
  expect(fixes).toMatchObject({
    "config.DATABASE_TLS_CA_FILE": "DATABASE_TLS_CA_FILE=<path of the PEM file of the certificate authority>",
    "config.REDIS_TLS_KEY_FILE": "REDIS_TLS_KEY_FILE=<path of the PEM file of its key>",
  });
});

test("a variable that does harm is repaired by unsetting it", async () => {
  expect(await fixesOf({ NODE_TLS_REJECT_UNAUTHORIZED: "0" })).toMatchObject({
    "config.NODE_TLS_REJECT_UNAUTHORIZED": "unset NODE_TLS_REJECT_UNAUTHORIZED",
  });
});

test("a setting that is missing or wrong only beside another one is named, and the rest is examined", async () => {
  const others: readonly (readonly [Record<string, string>, string])[] = [
    [{ SESSION_ALG: "HS256" }, "config.SESSION_SECRET"],
    [{ SESSION_HANDOFF: "exchange" }, "config.BACKEND_TOKEN"],
    [{ COHERENCE_STATEMENT_MS: "50000", COHERENCE_GRACE_MS: "200000" }, "config.KEEP_ALIVE_SECONDS"],
  ];
  for (const [environment, id] of others) expect(Object.keys(await fixesOf(environment))).toContain(id);
});

test("DATABASE_PREPARE=false beside a MySQL or MariaDB address is wrong, and true repairs it", async () => {
  for (const scheme of ["mysql", "mariadb"]) {
    const environment = { DATABASE_URL: `${scheme}://u:p@h/d`, DATABASE_PREPARE: "false" };
    expect(await verdictsOf(environment)).toMatchObject({
      "config.DATABASE_PREPARE": {
        status: "wrong",
        detail: expect.stringContaining("for Postgres alone"),
        fix: "DATABASE_PREPARE=true",
      },
    });
  }
  expect(
    Object.keys(await fixesOf({ DATABASE_URL: "postgres://u:p@h/d", DATABASE_PREPARE: "false" })),
  ).toEqual(["config.NODE_ENV", "config.settings"]);
});

test("a password with % in DATABASE_URL is wrong, and the doctor says how % is written", async () => {
  for (const scheme of ["postgres", "mysql"]) {
    const verdict = (await verdictsOf({ DATABASE_URL: `${scheme}://u:hunter2%x@h/d` }))[
      "config.DATABASE_URL"
    ];
    expect(verdict).toMatchObject({ status: "wrong", detail: expect.stringContaining("% as %25") });
    expect(JSON.stringify(verdict)).not.toContain("hunter2");
  }
});
