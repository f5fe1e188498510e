import { describe, expect, test } from "bun:test";
import { inspect } from "node:util";
import { loadConfig, loadSetting } from "../../src/config/load-config.ts";
import { Secret } from "../../src/config/secret.ts";
import { settings } from "../../src/config/settings.ts";
import { OwnClaims } from "../../src/sessions/session-token.ts";
import {
  failureOf,
  generatedSecret,
  load,
  marker,
  ownSecret,
  problemsOf,
  useConfigFolder,
} from "../support/loaded-config.ts";

const folder = useConfigFolder();

describe("with nothing configured", () => {
  test("every setting has the default that the interface promises", () => {
    const config = load({});
    expect(config).toMatchObject({
      isProduction: false,
      warnings: [],
      publicListener: { host: "127.0.0.1", port: 3300, basePath: "/ownid", bodyBytesMax: 65_536 },
      keepAliveSeconds: 75,
      opsListener: { host: "127.0.0.1", port: 3301 },
      signature: { sharedSecrets: config.signature.sharedSecrets, toleranceSeconds: 60, rememberMs: 125_000 },
      requests: { loginIdCase: "exact", requireSessionType: false, compatErrorCode404: false },
      database: {
        kind: "sqlite",
        url: config.database.url,
        poolMax: 10,
        prepare: true,
        tls: config.database.tls,
        names: {
          table: "users",
          loginIdColumn: "email",
          ownIdDataColumn: "ownIdData",
          blockedColumn: null,
          session: null,
        },
      },
      redis: null,
      coherence: {
        statementMs: 5000,
        tokenMs: 10_000,
        quarantineMs: 900_000,
        graceMs: 15_000,
        ttlMs: 3_600_000,
        auditShare: 0,
      },
      replayProtection: true,
      adminToken: config.adminToken,
      backendToken: config.backendToken,
      sessions: {
        keysFile: "./data/session-keys.json",
        issuer: "ownid-sidecar",
        audience: "website",
        tokenType: "ownid-session+jwt",
        subjectColumn: null,
        claims: [],
        ttlSeconds: 3600,
        ttlSecondsByType: { browser: null, mobile: null },
        jwksMaxAgeSeconds: 300,
        stateFile: "./data/state.db",
        cookie: "ownid_session",
        handsOff: false,
        handoffTtlSeconds: 120,
      },
      drainSeconds: 5,
      log: { level: "info", format: null },
    });
    expect(config.database.url.reveal()).toBe("./data/ownid.db");
    expect(config.database.tls.reveal()).toEqual({ mode: "disable", ca: null, client: null });
    expect(config.adminToken.reveal()).toBeNull();
    expect(config.backendToken.reveal()).toBeNull();
    expect(loadSetting({}, "REDIS_KEY_PREFIX")).toBe("ownid:");
  });

  test("the shared secret is the one made for development, asked for once", () => {
    let asked = 0;
    const config = loadConfig({}, () => {
      asked += 1;
      return generatedSecret;
    });
    expect(config.signature.sharedSecrets.reveal()).toEqual([generatedSecret]);
    expect(asked).toBe(1);
  });

  test("an empty variable is one that is not set", () => {
    const empty = {
      OWNID_SHARED_SECRET: "",
      PORT: "",
      DATABASE_URL: "",
      USERS_BLOCKED_COLUMN: "",
      LOG_FORMAT: "",
    };
    expect(load(empty)).toEqual(load({}));
    expect(load(empty).signature.sharedSecrets.reveal()).toEqual([generatedSecret]);
  });
});

describe("what is configured", () => {
  test("is read from each variable", () => {
    const config = load({
      HOST: "0.0.0.0",
      PORT: "8080",
      OPS_HOST: "::1",
      OPS_PORT: "0",
      BASE_PATH: "/api/v1",
      OWNID_SHARED_SECRET: ownSecret,
      SIGNATURE_MAX_AGE_SECONDS: "30",
      REQUIRE_SESSION_TYPE: "true",
      COMPAT_ERROR_CODE_404: "true",
      LOGIN_ID_CASE: "lower",
      BODY_BYTES_MAX: "131072",
      KEEP_ALIVE_SECONDS: "200",
      DATABASE_URL: "postgres://user:password@db.internal:5433/site",
      DATABASE_POOL_MAX: "3",
      DATABASE_PREPARE: "false",
      DATABASE_TLS_CA_FILE: folder.at("ca.pem"),
      DATABASE_TLS_CERT_FILE: folder.at("server.pem"),
      DATABASE_TLS_KEY_FILE: folder.at("server.key"),
      USERS_TABLE: "shop.accounts",
      USERS_LOGIN_ID_COLUMN: "login id",
      USERS_OWNID_DATA_COLUMN: "ownid_data",
      USERS_BLOCKED_COLUMN: "gesperrt_ß",
      REDIS_URL: "rediss://user:p%40ss@redis.internal/2, rediss://[::1]:6380",
      REDIS_MODE: "sentinel",
      REDIS_SENTINEL_MASTER: "site",
      REDIS_SENTINEL_USERNAME: "watcher",
      REDIS_SENTINEL_PASSWORD: "sentinel's",
      REDIS_SENTINEL_TLS: "false",
      REDIS_TLS_CA_FILE: folder.at("ca.pem"),
      REDIS_KEY_PREFIX: "shop:",
      REDIS_INSTALLATION: "shop",
      REDIS_TTL_SECONDS: "0",
      REPLAY_PROTECTION: "off",
      AUDIT_SHARE: "0.001",
      COHERENCE_STATEMENT_MS: "1500",
      COHERENCE_TOKEN_MS: "9000",
      COHERENCE_QUARANTINE_MS: "800000",
      COHERENCE_GRACE_MS: "4001",
      ADMIN_TOKEN: "x".repeat(32),
      BACKEND_TOKEN: "y".repeat(32),
      STATE_FILE: "/run/state.db",
      SESSION_KEYS_FILE: "/run/keys.json",
      SESSION_ISSUER: "https://www.example.com",
      SESSION_AUDIENCE: "shop",
      SESSION_TOKEN_TYPE: "JWT",
      SESSION_SUBJECT_COLUMN: "user id",
      SESSION_CLAIMS: "plan:plan name, https://shop.example/admin:is_admin",
      SESSION_TTL_SECONDS: "60",
      SESSION_TTL_SECONDS_BROWSER: "61",
      SESSION_TTL_SECONDS_MOBILE: "62",
      SESSION_COOKIE: "__Host-session",
      SESSION_HANDOFF: "exchange",
      SESSION_HANDOFF_TTL_SECONDS: "63",
      JWKS_MAX_AGE_SECONDS: "0",
      DRAIN_SECONDS: "0",
      LOG_LEVEL: "trace",
      LOG_FORMAT: "pretty",
    });
    expect(config).toMatchObject({
      isProduction: false,
      warnings: [],
      publicListener: { host: "0.0.0.0", port: 8080, basePath: "/api/v1", bodyBytesMax: 131_072 },
      keepAliveSeconds: 200,
      opsListener: { host: "::1", port: 0 },
      signature: { sharedSecrets: config.signature.sharedSecrets, toleranceSeconds: 30, rememberMs: 65_000 },
      requests: { loginIdCase: "lower", requireSessionType: true, compatErrorCode404: true },
      database: {
        kind: "postgres",
        url: config.database.url,
        poolMax: 3,
        prepare: false,
        tls: config.database.tls,
        names: {
          table: "shop.accounts",
          loginIdColumn: "login id",
          ownIdDataColumn: "ownid_data",
          blockedColumn: "gesperrt_ß",
          session: {
            subject: "user id",
            claims: [
              { claim: "plan", column: "plan name" },
              { claim: "https://shop.example/admin", column: "is_admin" },
            ],
          },
        },
      },
      redis: { connection: config.redis?.connection ?? null, keyPrefix: "shop:" },
      coherence: {
        statementMs: 1500,
        tokenMs: 9000,
        quarantineMs: 800_000,
        graceMs: 4001,
        ttlMs: 0,
        auditShare: 0.001,
      },
      replayProtection: false,
      adminToken: config.adminToken,
      sessions: {
        keysFile: "/run/keys.json",
        issuer: "https://www.example.com",
        audience: "shop",
        tokenType: "JWT",
        subjectColumn: "user id",
        claims: [
          { claim: "plan", column: "plan name" },
          { claim: "https://shop.example/admin", column: "is_admin" },
        ],
        ttlSeconds: 60,
        ttlSecondsByType: { browser: 61, mobile: 62 },
        jwksMaxAgeSeconds: 0,
        stateFile: "/run/state.db",
        cookie: "__Host-session",
        handsOff: true,
        handoffTtlSeconds: 63,
      },
      drainSeconds: 0,
      log: { level: "trace", format: "pretty" },
    });
    expect(config.signature.sharedSecrets.reveal()).toEqual([
      new Uint8Array(Buffer.from(ownSecret, "base64")),
    ]);
    expect(config.database.url.reveal()).toBe("postgres://user:password@db.internal:5433/site");
    expect(config.database.tls.reveal()).toEqual({
      mode: "verify-full",
      ca: folder.text("ca.pem"),
      client: {
        certificate: folder.text("server.pem"),
        key: folder.text("server.key"),
      },
    });
    expect(config.adminToken.reveal()).toBe("x".repeat(32));
    expect(config.redis?.connection.reveal()).toEqual({
      mode: "sentinel",
      nodes: [
        {
          host: "redis.internal",
          port: 6379,
          username: "user",
          password: "p@ss",
          database: 2,
          tls: true,
        },
        { host: "::1", port: 6380, username: null, password: null, database: 0, tls: true },
      ],
      sentinelMaster: "site",
      sentinelUsername: "watcher",
      sentinelPassword: "sentinel's",
      sentinelTls: false,
      tlsCa: folder.text("ca.pem"),
      clientCertificate: null,
    });
  });

  test("BASE_PATH=/ puts the endpoints at the root", () => {
    expect(load({ BASE_PATH: "/" }).publicListener.basePath).toBe("");
  });

  test("DATABASE_URL's scheme names the database, and an SQLite path may be written in three ways", () => {
    const address = (url: string) => {
      const { database } = load({ DATABASE_URL: url });
      return [database.kind, database.url.reveal()];
    };
    expect(address("postgresql://h/d")).toEqual(["postgres", "postgresql://h/d"]);
    expect(address("mysql://h/d")).toEqual(["mysql", "mysql://h/d"]);
    expect(address("mariadb://h/d")).toEqual(["mysql", "mariadb://h/d"]);
    expect(address("sqlite:./a.db")).toEqual(["sqlite", "./a.db"]);
    expect(address("sqlite:/a.db")).toEqual(["sqlite", "/a.db"]);
    expect(address("sqlite:///a.db")).toEqual(["sqlite", "/a.db"]);
  });

  test("OWNID_SHARED_SECRET holds two secrets during a rotation, and the generated one is not asked for", () => {
    const second = Buffer.alloc(32, 9).toString("base64");
    const config = loadConfig({ OWNID_SHARED_SECRET: `${ownSecret}, ${second}` }, () => expect.unreachable());
    expect(
      config.signature.sharedSecrets.reveal().map((secret) => Buffer.from(secret).toString("base64")),
    ).toEqual([ownSecret, second]);
  });

  test("a shared secret of 16 to 31 bytes works, with a warning that does not show it", () => {
    for (const bytes of [16, 31]) {
      const config = load({ OWNID_SHARED_SECRET: Buffer.alloc(bytes, 5).toString("base64") });
      expect(config.warnings).toEqual([
        "OWNID_SHARED_SECRET is shorter than 32 bytes; ask OwnID for a longer one",
      ]);
    }
  });

  test("a certificate authority for a Redis that is spoken to in the clear is warned about", () => {
    const REDIS_TLS_CA_FILE = folder.at("ca.pem");
    const warningsOf = (REDIS_URL: string) => load({ REDIS_TLS_CA_FILE, REDIS_URL }).warnings;
    expect(warningsOf("redis://redis.internal")).toEqual([
      "REDIS_TLS_CA_FILE is set, but REDIS_URL begins with redis://, so nothing is encrypted: write rediss://",
    ]);
    expect(warningsOf("rediss://redis.internal")).toEqual([]);
  });
});

describe("wrong settings", () => {
  const wrong = `"${marker}" {`;
  const everyWrongValue = {
    HOST: wrong,
    PORT: wrong,
    OPS_HOST: wrong,
    OPS_PORT: wrong,
    BASE_PATH: wrong,
    OWNID_SHARED_SECRET: wrong,
    SIGNATURE_MAX_AGE_SECONDS: wrong,
    REQUIRE_SESSION_TYPE: wrong,
    COMPAT_ERROR_CODE_404: wrong,
    LOGIN_ID_CASE: wrong,
    BODY_BYTES_MAX: wrong,
    KEEP_ALIVE_SECONDS: wrong,
    DATABASE_URL: wrong,
    DATABASE_POOL_MAX: wrong,
    DATABASE_PREPARE: wrong,
    DATABASE_TLS_CA_FILE: `/nowhere/${marker}`,
    DATABASE_TLS_CERT_FILE: `/nowhere/${marker}`,
    DATABASE_TLS_KEY_FILE: `/nowhere/${marker}`,
    REDIS_URL: wrong,
    REDIS_MODE: wrong,
    REDIS_SENTINEL_TLS: wrong,
    REDIS_TLS_CA_FILE: `/nowhere/${marker}`,
    REDIS_KEY_PREFIX: wrong,
    REDIS_INSTALLATION: wrong,
    REDIS_TTL_SECONDS: wrong,
    REPLAY_PROTECTION: wrong,
    AUDIT_SHARE: wrong,
    USERS_TABLE: wrong,
    USERS_LOGIN_ID_COLUMN: wrong,
    USERS_OWNID_DATA_COLUMN: wrong,
    USERS_BLOCKED_COLUMN: wrong,
    COHERENCE_STATEMENT_MS: wrong,
    COHERENCE_TOKEN_MS: wrong,
    COHERENCE_QUARANTINE_MS: wrong,
    COHERENCE_GRACE_MS: wrong,
    ADMIN_TOKEN: wrong,
    BACKEND_TOKEN: wrong,
    SESSION_ALG: wrong,
    SESSION_SECRET: wrong,
    SESSION_TOKEN_TYPE: `${wrong} jwt`,
    SESSION_SUBJECT_COLUMN: wrong,
    SESSION_CLAIMS: wrong,
    SESSION_TTL_SECONDS: wrong,
    SESSION_TTL_SECONDS_BROWSER: wrong,
    SESSION_TTL_SECONDS_MOBILE: wrong,
    SESSION_COOKIE: `${wrong};`,
    SESSION_HANDOFF: wrong,
    SESSION_HANDOFF_TTL_SECONDS: wrong,
    JWKS_MAX_AGE_SECONDS: wrong,
    SESSION_PROVIDER: wrong,
    SESSION_URL: wrong,
    SESSION_URL_SECRET: wrong,
    SESSION_URL_TIMEOUT_MS: wrong,
    DRAIN_SECONDS: wrong,
    LOG_LEVEL: wrong,
    LOG_FORMAT: wrong,
    NODE_ENV: wrong,
  };

  test("can be told from right ones in every setting but those that take any text", () => {
    const refusing = Object.entries(settings).filter(([, { parse }]) => parse(wrong) === null);
    expect(refusing.map(([name]) => name).toSorted()).toEqual(
      Object.keys(everyWrongValue)
        .filter((name) => !/_TLS_(?:CA|CERT|KEY)_FILE$/.test(name))
        .toSorted(),
    );
  });

  test("are all reported at once, each once and by its variable", () => {
    const named = problemsOf(everyWrongValue).map((problem) => /^[A-Z0-9_]+/.exec(problem)?.[0] ?? problem);
    expect(named.toSorted()).toEqual(Object.keys(everyWrongValue).toSorted());
  });

  test("are all reported at once in production too, with the files that are missing", () => {
    const environment = {
      ...everyWrongValue,
      NODE_ENV: "production",
      SESSION_KEYS_FILE: `/nowhere/${marker}`,
    };
    const named = problemsOf(environment).map((problem) => /^[A-Z0-9_]+/.exec(problem)?.[0] ?? problem);
    const others = Object.keys(everyWrongValue).filter((name) => name !== "NODE_ENV");
    expect(named.toSorted()).toEqual([...others, "SESSION_KEYS_FILE"].toSorted());
  });

  test("are reported without their values", () => {
    for (const mode of ["development", "production"]) {
      const environment = { ...everyWrongValue, NODE_ENV: mode, SESSION_KEYS_FILE: `/nowhere/${marker}` };
      const error = failureOf(environment);
      expect(`${error.message}${Bun.inspect(error.problems)}${JSON.stringify(error)}`).not.toContain(marker);
    }
  });

  test("include a hand-off that nobody could exchange", () => {
    const problem =
      "BACKEND_TOKEN must be set, since SESSION_HANDOFF is exchange: without it nobody can exchange a token.";
    expect(problemsOf({ SESSION_HANDOFF: "exchange" })).toEqual([problem]);
    for (const name of ["ADMIN_TOKEN", "BACKEND_TOKEN"])
      expect(problemsOf({ SESSION_HANDOFF: "exchange", [name]: "x".repeat(32) })).toEqual([]);
  });

  test.each(Object.keys(OwnClaims.properties))("include the sidecar's own claim %s", (claim) => {
    const problem = `SESSION_CLAIMS names the claim ${claim}, which the sidecar reserves.`;
    expect(problemsOf({ SESSION_CLAIMS: `${claim}:plan` })).toEqual([problem]);
  });

  test.each([
    ["iss:plan", "names the claim iss, which the sidecar reserves."],
    ["a:b,lid:plan", "names the claim lid, which the sidecar reserves."],
    ["session_type:plan", "names the claim session_type, which the sidecar reserves."],
    ["active:plan", "names the claim active, which the sidecar reserves."],
    ["plan:a,plan:b", "names the claim plan twice."],
    [Array.from({ length: 21 }, (_, n) => `c${n}:c`).join(","), "names more than 20 claims."],
    ["plan:ownIdData", "names the column of OwnID's data, which no token may carry."],
  ])("include the claims %p", (SESSION_CLAIMS, problem) => {
    expect(problemsOf({ SESSION_CLAIMS })).toEqual([`SESSION_CLAIMS ${problem}`]);
  });

  test.each([
    "plan",
    "plan:",
    ":plan",
    "a b:plan",
    'plan:pl"an',
    "1plan:plan",
    "plan:plan,",
    "pl\u00e4n:plan",
  ])("include the claims %p, which are no list", (SESSION_CLAIMS) => {
    expect(problemsOf({ SESSION_CLAIMS })).toEqual([
      expect.stringContaining("SESSION_CLAIMS must be a list"),
    ]);
  });

  test("include the column of OwnID's data as the subject, but the login id is the subject anyway", () => {
    expect(problemsOf({ SESSION_SUBJECT_COLUMN: "ownIdData" })).toEqual([
      "SESSION_SUBJECT_COLUMN names the column of OwnID's data, which no token may carry.",
    ]);
    expect(load({ SESSION_SUBJECT_COLUMN: "email" }).database.names.session).toBeNull();
  });

  test("leave nothing of a broken address or secret in the report", () => {
    const broken = [
      { DATABASE_URL: `postgres://user:${marker}@` },
      { DATABASE_URL: `postgres//user:${marker}@h/d` },
      { DATABASE_URL: `mongodb://user:${marker}@h/d` },
      { DATABASE_URL: `sqlite:////${marker}` },
      { DATABASE_URL: "sqlite:" },
      { DATABASE_URL: marker },
      { REDIS_URL: `redis://user:${marker}@` },
      { REDIS_URL: `redis//user:${marker}@h` },
      { REDIS_URL: `http://user:${marker}@h` },
      { REDIS_URL: `redis://user:${marker}%zz@h` },
      { REDIS_URL: `redis://h/${marker}` },
      { REDIS_URL: `redis://h,redis://user:${marker}@h2` },
      { ADMIN_TOKEN: marker },
      { BACKEND_TOKEN: marker },
      { SESSION_COOKIE: "a b" },
      { SESSION_COOKIE: "a=b" },
      { SESSION_TOKEN_TYPE: "application/jwt" },
      { SESSION_TOKEN_TYPE: "OwnID-Handoff+JWT" },
      { SESSION_HANDOFF: "on" },
      { SESSION_HANDOFF_TTL_SECONDS: "901" },
      { OWNID_SHARED_SECRET: `${ownSecret},${marker}` },
    ];
    for (const environment of broken) {
      const error = failureOf(environment);
      expect(error.problems).toHaveLength(1);
      expect(Bun.inspect(error.problems)).not.toContain(marker);
      expect(Bun.inspect(error.problems)).not.toContain(ownSecret);
    }
  });

  test("numbers are whole, plain and within their limits", () => {
    const refused = ["-1", "65536", "1.5", "1e3", "0x10", "8 0", "١", "NaN", "9".repeat(400), "8_0"];
    for (const PORT of refused) {
      expect(problemsOf({ PORT })).toEqual(["PORT must be a whole number from 0 to 65535."]);
    }
    for (const PORT of ["0", "65535"]) expect(problemsOf({ PORT })).toEqual([]);
    expect(problemsOf({ SIGNATURE_MAX_AGE_SECONDS: "0" })).toHaveLength(1);
    expect(problemsOf({ SESSION_TTL_SECONDS: "0" })).toHaveLength(1);
    expect(problemsOf({ BODY_BYTES_MAX: "1023" })).toHaveLength(1);
  });

  test("a path is written out, since only a shell replaces ~ and $HOME", () => {
    for (const path of [
      "~/keys.json",
      "~",
      "$HOME/keys.json",
      `\${HOME}/keys.json`,
      "/run/$USER/keys.json",
    ]) {
      const named = problemsOf({
        SESSION_KEYS_FILE: path,
        STATE_FILE: path,
        DATABASE_TLS_CA_FILE: path,
        DATABASE_URL: `sqlite:${path}`,
      }).map((problem) => /^(\S+) (?:begins with "~"|has a variable)/.exec(problem)?.[1]);
      expect(named.toSorted()).toEqual([
        "DATABASE_TLS_CA_FILE",
        "DATABASE_URL",
        "SESSION_KEYS_FILE",
        "STATE_FILE",
      ]);
    }
    expect(load({ SESSION_KEYS_FILE: "/run/~keys$1.json" }).sessions.keysFile).toBe("/run/~keys$1.json");
  });

  test("a comment behind a value is not taken for a part of it", () => {
    for (const name of [
      "SESSION_AUDIENCE",
      "SESSION_KEYS_FILE",
      "PORT",
      "USERS_TABLE",
      "LOG_LEVEL",
      "HOST",
    ]) {
      expect(problemsOf({ [name]: "1 # ours" })).toEqual([expect.stringContaining(`${name} must be `)]);
    }
    expect(load({ SESSION_AUDIENCE: "site#1" }).sessions.audience).toBe("site#1");
  });

  test("true and false have one spelling each", () => {
    for (const REQUIRE_SESSION_TYPE of ["1", "yes", "TRUE", "on"]) {
      expect(problemsOf({ REQUIRE_SESSION_TYPE })).toEqual(["REQUIRE_SESSION_TYPE must be true or false."]);
    }
  });

  test("names that could leave their quotes are refused", () => {
    for (const name of ['a"b', "a`b", "a'b", "a;b", "a\0b", "a\nb", "", "x".repeat(129)].filter(Boolean)) {
      const environment = { USERS_TABLE: name, USERS_LOGIN_ID_COLUMN: name, USERS_OWNID_DATA_COLUMN: name };
      expect(problemsOf(environment)).toHaveLength(3);
    }
    expect(problemsOf({ USERS_TABLE: "a.b.c" })).toHaveLength(1);
  });

  test("BASE_PATH is a plain path without patterns", () => {
    for (const BASE_PATH of ["ownid", "/ownid/", "//", "/a//b", "/:x", "/*", "/a?b", "/a b", "/%2e"]) {
      expect(problemsOf({ BASE_PATH })).toHaveLength(1);
    }
  });

  test("Redis settings that do not go together are refused", () => {
    expect(problemsOf({ REDIS_MODE: "cluster" })).toEqual([
      "REDIS_URL must name the first nodes, since REDIS_MODE is cluster.",
    ]);
    expect(problemsOf({ REDIS_URL: "redis://a,redis://b" })).toEqual([
      "REDIS_URL has several addresses, so REDIS_MODE must be cluster or sentinel.",
    ]);
    expect(problemsOf({ REDIS_URL: "redis://a", REDIS_MODE: "sentinel" })).toEqual([
      "REDIS_SENTINEL_MASTER must name the master, since REDIS_MODE is sentinel.",
    ]);
  });

  test("addresses of Redis that would be read otherwise than they look are refused by name", () => {
    const redisProblems = (REDIS_URL: string, REDIS_MODE = "cluster") =>
      problemsOf({ REDIS_URL, REDIS_MODE });
    for (const name of ["tls", "ssl", "db", "database", "user", "username", "password"]) {
      const [problem = "", ...others] = redisProblems(`redis://h?${name}=${marker}`, "single");
      expect(problem).toStartWith(`REDIS_URL has the parameter "${name}", which is not read: `);
      expect(others).toEqual([]);
    }
    expect(redisProblems(`redis://h/0?${marker}`)).toEqual([
      "REDIS_URL has a parameter after a question mark, and no parameter is known: remove it; a ? within a password is written %3F.",
    ]);
    expect(redisProblems("redis://a,rediss://b")).toEqual([
      "REDIS_URL mixes redis:// and rediss://: write rediss:// everywhere, or nowhere.",
    ]);
    expect(redisProblems("redis://a/3")).toEqual([
      "REDIS_URL ends with a database number, but a Cluster has database 0 only: remove it.",
    ]);
    const differs =
      "REDIS_URL has addresses with different users, passwords or database numbers: those of the first one are used for all.";
    expect(redisProblems("redis://a,redis://user:password@b")).toEqual([differs]);
    expect(redisProblems("redis://u:p@a,redis://b,redis://u:p@c")).toEqual([]);
  });

  test("a grace that could end while an old write may still be committed is refused", () => {
    const problems = [
      "COHERENCE_GRACE_MS must exceed twice COHERENCE_STATEMENT_MS plus one second, which is 11000.",
    ];
    expect(problemsOf({ COHERENCE_GRACE_MS: "11000" })).toEqual(problems);
    expect(problemsOf({ COHERENCE_GRACE_MS: "11001" })).toEqual([]);
  });

  test("an idle connection must stay open for longer than a request can take", () => {
    const [KEEP_ALIVE_SECONDS, COHERENCE_STATEMENT_MS] = ["11", "5000"];
    expect(problemsOf({ KEEP_ALIVE_SECONDS, COHERENCE_STATEMENT_MS })).toEqual([
      "KEEP_ALIVE_SECONDS must exceed twice COHERENCE_STATEMENT_MS plus one second, which is 11.",
    ]);
    expect(problemsOf({ KEEP_ALIVE_SECONDS: "12", COHERENCE_STATEMENT_MS })).toEqual([]);
    expect(problemsOf({ KEEP_ALIVE_SECONDS: "237" })).toHaveLength(1);
  });

  test("a shared secret is base64 of 16 bytes or more, and at most two are live", () => {
    const of = (bytes: number) => Buffer.alloc(bytes, 1).toString("base64");
    const refused = ["secret", of(15), "!".repeat(44), `${of(32)},`, `,${of(32)}`, `${of(32)},${of(15)}`];
    for (const OWNID_SHARED_SECRET of [...refused, [of(32), of(32), of(32)].join(",")]) {
      expect(problemsOf({ OWNID_SHARED_SECRET })).toHaveLength(1);
    }
  });
});

describe("the configuration", () => {
  const secrets = [marker, ownSecret, Buffer.from(ownSecret, "base64").toString("hex"), "thirty-two"];
  const secretive = () =>
    load({
      OWNID_SHARED_SECRET: ownSecret,
      DATABASE_URL: `postgres://user:${marker}@db.internal/site`,
      REDIS_URL: `redis://user:${marker}@redis.internal`,
      REDIS_SENTINEL_PASSWORD: marker,
      ADMIN_TOKEN: marker.repeat(2),
      BACKEND_TOKEN: marker.repeat(3),
    });

  test("shows no secret, however it is printed", () => {
    const config = secretive();
    const printed = [
      JSON.stringify(config),
      Bun.inspect(config, { depth: 20 }),
      inspect(config, { depth: 20, showHidden: true }),
      String(config.database.url),
      `${config.signature.sharedSecrets}`,
      Bun.inspect(config.signature.sharedSecrets),
      JSON.stringify(Object.entries(config.database)),
      JSON.stringify(structuredClone({ ...config.database.url })),
    ].join("\n");
    for (const secret of secrets) expect(printed).not.toContain(secret);
    // The secret's bytes as a list of numbers.
    expect(printed.replaceAll(/\s/g, "")).not.toContain(
      [...Buffer.from(ownSecret, "base64")].slice(0, 4).join(","),
    );
    const { url } = config.database;
    expect([Bun.inspect(url), inspect(url), String(url), JSON.stringify({ url })]).toEqual([
      "[redacted]",
      "[redacted]",
      "[redacted]",
      '{"url":"[redacted]"}',
    ]);
    expect(config.database.url.reveal()).toContain(marker);
  });

  test("cannot be changed, at any depth", () => {
    const isFrozen = (value: unknown): boolean =>
      typeof value !== "object" ||
      value === null ||
      value instanceof Secret ||
      (Object.isFrozen(value) && Object.values(value).every(isFrozen));
    expect(isFrozen(secretive())).toBe(true);
    expect(() => Object.assign(secretive().publicListener, { port: 1 })).toThrow(TypeError);
    expect(() => Object.assign(secretive(), { isProduction: true })).toThrow(TypeError);
  });

  test("is the only reader: it changes nothing in the environment it is given", () => {
    const environment = Object.freeze({ PORT: "1", OWNID_SHARED_SECRET: ownSecret });
    expect(load(environment).publicListener.port).toBe(1);
  });
});

describe("loadSetting", () => {
  test("reads one setting while others are wrong", () => {
    expect(loadSetting({ PORT: "wrong", SESSION_KEYS_FILE: "/keys.json" }, "SESSION_KEYS_FILE")).toBe(
      "/keys.json",
    );
    expect(loadSetting({}, "SESSION_KEYS_FILE")).toBe("./data/session-keys.json");
  });

  test("names the variable when it is wrong itself", () => {
    expect(() => loadSetting({ PORT: marker }, "PORT")).toThrow(
      "PORT must be a whole number from 0 to 65535.",
    );
  });
});
