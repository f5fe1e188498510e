import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../src/config/load-config.ts";
import type { Environment } from "../../src/config/setting-reader.ts";
import { ConfigurationInvalid } from "../../src/errors.ts";
import {
  load,
  marker,
  ownSecret,
  problemsOf,
  publishedSecret,
  useConfigFolder,
} from "../support/loaded-config.ts";

const folder = useConfigFolder();

describe("encryption of the way to the database", () => {
  const modeOf = (environment: Environment) => load(environment).database.tls.reveal().mode;

  test("is what the address says, and more where an authority or a client certificate is set", () => {
    const url = (parameters = "") => ({ DATABASE_URL: `postgres://h/d${parameters}` });
    const authorityFile = { DATABASE_TLS_CA_FILE: folder.at("ca.pem") };
    const client = {
      DATABASE_TLS_CERT_FILE: folder.at("server.pem"),
      DATABASE_TLS_KEY_FILE: folder.at("server.key"),
    };
    expect(modeOf(url())).toBe("disable");
    expect(modeOf(url("?sslmode=prefer"))).toBe("prefer");
    expect(modeOf(url("?sslmode=require"))).toBe("require");
    expect(modeOf({ ...url(), ...authorityFile })).toBe("verify-full");
    expect(modeOf({ ...url("?sslmode=require"), ...authorityFile })).toBe("verify-full");
    expect(modeOf({ ...url("?sslmode=verify-ca"), ...authorityFile })).toBe("verify-ca");
    expect(modeOf({ ...url(), ...client })).toBe("verify-full");
    expect(modeOf({ ...url("?sslmode=require"), ...client })).toBe("require");
  });

  test("is never left out in silence: what asks for it is refused beside what goes without", () => {
    const DATABASE_TLS_CA_FILE = folder.at("ca.pem");
    const named = (environment: Environment) =>
      problemsOf(environment).map((problem) => problem.split(/[ :]/)[0] ?? "");
    for (const DATABASE_URL of [
      "postgres://h/d?sslmode=disable",
      "postgres://h/d?sslmode=prefer",
      "mysql://h/d?ssl-mode=PREFERRED",
      "postgres:///d?host=/run/postgresql",
      "sqlite:./users.db",
    ]) {
      expect(named({ DATABASE_URL, DATABASE_TLS_CA_FILE })).toEqual(["DATABASE_TLS_CA_FILE"]);
    }
    expect(named({ DATABASE_URL: "postgres:///d?host=/run&sslmode=require" })).toEqual(["DATABASE_URL"]);
    expect(named({ DATABASE_URL: "mysql://h/d?useSSL=true&requireSSL=true" })).toEqual(["DATABASE_URL"]);
  });

  test("is verified although NODE_TLS_REJECT_UNAUTHORIZED=0, which is named, and refused in production", () => {
    const off = { NODE_TLS_REJECT_UNAUTHORIZED: "0" };
    const sentence = expect.stringMatching(/^NODE_TLS_REJECT_UNAUTHORIZED=0 .*unset it/);
    expect(load(off).warnings).toEqual([sentence]);
    expect(load({ ...folder.production(), ...off }).warnings).toEqual([sentence]);
    const DATABASE_URL = "postgres://h/d?sslmode=require";
    expect(problemsOf({ ...folder.production(), ...off, DATABASE_URL })).toEqual([sentence]);
    expect(problemsOf({ ...folder.production(), ...off, REDIS_URL: "rediss://h" })).toEqual([sentence]);
    expect(load({ DATABASE_URL, NODE_TLS_REJECT_UNAUTHORIZED: "1" }).warnings).toEqual([]);
  });
});

describe("settings that do not go together", () => {
  test("DATABASE_PREPARE=false is refused where the driver cannot follow it", () => {
    for (const DATABASE_URL of ["mysql://h/d", "mariadb://h/d"]) {
      expect(problemsOf({ DATABASE_URL, DATABASE_PREPARE: "false" })).toEqual([
        "DATABASE_PREPARE=false is for Postgres alone: the driver of MySQL and MariaDB always prepares statements.",
      ]);
    }
    expect(problemsOf({ DATABASE_URL: "postgres://h/d", DATABASE_PREPARE: "false" })).toEqual([]);
  });

  test("one token for the backend and the administrator is warned about, and not shown", () => {
    const token = marker.padEnd(32, "x");
    expect(load({ ADMIN_TOKEN: token, BACKEND_TOKEN: token }).warnings).toEqual([
      "BACKEND_TOKEN is the same as ADMIN_TOKEN, so whoever has it may also revoke and erase.",
    ]);
    expect(load({ ADMIN_TOKEN: token, BACKEND_TOKEN: `${token}y` }).warnings).toEqual([]);
    expect(load({ ADMIN_TOKEN: token }).warnings).toEqual([]);
  });

  test("a name that may be a misspelled setting is told beside the problem that it may have caused", () => {
    const { OWNID_SHARED_SECRET, ...rest } = folder.production();
    expect(problemsOf({ ...rest, OWNID_SHARED_SECRT: marker })).toEqual([
      expect.stringMatching(/^OWNID_SHARED_SECRET must be set/),
      "OWNID_SHARED_SECRT is not a setting. Did you mean OWNID_SHARED_SECRET?",
    ]);
    expect(load({ REDIS_ULR: "redis://h" }).warnings).toEqual([
      "REDIS_ULR is not a setting. Did you mean REDIS_URL?",
    ]);
  });
});

test("a password in REDIS_URL with an unencoded character is refused with what to write, and not shown", () => {
  const passwords = [
    `${marker}#x`,
    `${marker}/x`,
    `${marker}?x`,
    `${marker}%x`,
    `1#${marker}`,
    `${marker},x`,
  ];
  for (const password of passwords) {
    for (const REDIS_URL of [`redis://user:${password}@h`, `rediss://h1,rediss://:${password}@h2:6380`]) {
      const [problem, ...others] = problemsOf({ REDIS_URL, REDIS_MODE: "cluster" });
      expect(problem).toMatch(/^REDIS_URL has .*%2/);
      expect(problem).not.toContain(marker);
      expect(others).toEqual([]);
    }
  }
});

describe("in production", () => {
  test("the least that is needed is enough", () => {
    const config = loadConfig(folder.production(), () => expect.unreachable("a secret was made"));
    expect(config.isProduction).toBe(true);
    expect(config.warnings).toEqual([]);
  });

  test("nothing is made for you: a missing secret, database and key file are refused at once", () => {
    const isolated = {
      NODE_ENV: "production",
      DATABASE_URL: `sqlite:${folder.at("none.db")}`,
      SESSION_KEYS_FILE: folder.at("none"),
    };
    const problems = problemsOf(isolated);
    expect(problems.map((problem) => problem.split(" ")[0])).toEqual([
      "OWNID_SHARED_SECRET",
      "DATABASE_URL",
      "SESSION_KEYS_FILE",
    ]);
    expect(() => loadConfig(isolated, () => expect.unreachable("a secret was made"))).toThrow(
      ConfigurationInvalid,
    );
  });

  test("a secret that anyone can know is refused, alone or beside a good one", () => {
    const short = Buffer.alloc(15, 1).toString("base64");
    for (const known of ["secret", "c2VjcmV0", publishedSecret, publishedSecret.replace("=", ""), short]) {
      for (const OWNID_SHARED_SECRET of [known, `${known},${ownSecret}`, `${ownSecret},${known}`]) {
        const problems = problemsOf({ ...folder.production(), OWNID_SHARED_SECRET });
        expect({ OWNID_SHARED_SECRET, problems: problems.length }).toEqual({
          OWNID_SHARED_SECRET,
          problems: 1,
        });
        expect(problems[0]).toStartWith("OWNID_SHARED_SECRET ");
      }
    }
  });

  test("a known secret from a file is refused likewise", () => {
    const path = folder.write("published", `${publishedSecret}\n`);
    const { OWNID_SHARED_SECRET, ...rest } = folder.production();
    expect(problemsOf({ ...rest, OWNID_SHARED_SECRET_FILE: path })).toHaveLength(1);
  });

  test("the published sample still works for development", () => {
    expect(problemsOf({ OWNID_SHARED_SECRET: publishedSecret })).toEqual([]);
  });
});
