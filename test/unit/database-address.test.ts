import { describe, expect, test } from "bun:test";
import { parseDatabaseAddress } from "../../src/config/database-address.ts";
import { Refusal } from "../../src/config/setting-kinds.ts";
import { createMysqlDialect } from "../../src/directory/dialects/mysql.ts";
import { postgres } from "../../src/directory/dialects/postgres.ts";
import { createSeededRandom } from "../simulation/seeded-random.ts";

const marker = "hunter2";

function addressOf(text: string) {
  const address = parseDatabaseAddress(text);
  if (address === null || address instanceof Refusal) throw new Error(`refused: ${address?.reason}`);
  return address;
}

/** `null` = accepted; "rule" = refused without more to say than the setting's rule. */
function refusalOf(text: string): string | null {
  const address = parseDatabaseAddress(text);
  if (address instanceof Refusal) return address.reason;
  return address === null ? "rule" : null;
}

describe("a password in an address", () => {
  test("may contain everything that is percent-encoded", () => {
    const url = "postgres://user:a%25b%23c%2Fd%3Fe%40f@db.internal:5433/site";
    expect(addressOf(url).url).toBe(url);
  });

  test("is refused with an unencoded character, and the refusal says to percent-encode and shows no piece", () => {
    const passwords = [
      `${marker}#x`,
      `${marker}/x`,
      `${marker}?x`,
      `${marker}%x`,
      `12#${marker}`,
      "12?a=3&b",
    ];
    for (const scheme of ["postgres", "postgresql", "mysql", "mariadb"]) {
      for (const password of [...passwords, `%${marker}`, `1/${marker}`, `1?${marker}`, "100%"]) {
        const refusal = refusalOf(`${scheme}://user:${password}@db.internal/site`);
        expect(refusal).toContain("percent-encode");
        expect(refusal).not.toContain(marker);
      }
    }
    for (const text of ["postgres://u%00ser:p@h/d", "mysql://u:p%0Aw@h/d", "postgres://h/d?options=a%00b"]) {
      expect(refusalOf(text)).toBe("has an encoded control character, such as %00 or %0A.");
    }
    expect(refusalOf("mysql://us%er@h/d")).toContain("percent-encode");
    expect(refusalOf("mysql://user@h/d%")).toContain("percent-encode");
  });
});

describe("an address", () => {
  test("must name one host and a database", () => {
    expect(refusalOf("postgres://user@h")).toContain("must name the database");
    expect(refusalOf("mysql://user@h/")).toContain("must name the database");
    expect(refusalOf("postgres://user@a,b/d")).toContain("several hosts");
    expect(refusalOf("postgres://user@a:5432,b:5432/d")).toBe("rule");
    expect(refusalOf("postgres://user@h:0/d")).toBe("rule");
    expect(refusalOf("postgres:/h/d")).toBe("rule");
    expect(refusalOf("mongodb://h/d")).toBe("rule");
    expect(refusalOf("constructor://h/d")).toBe("rule");
    for (const host of ["h%20x", "h%40x", "h%3A1"]) {
      expect(refusalOf(`postgres://user@${host}/d`)).toContain("a host that cannot be one");
    }
    for (const host of ["a%20b", "a:1", "u%40h"]) {
      expect(refusalOf(`postgres:///d?host=${host}`)).toContain("a host that cannot be one");
    }
    for (const port of ["0", "65536", "x"]) {
      expect(refusalOf(`postgres:///d?host=/run&port=${port}`)).toContain(" port");
    }
    expect(addressOf("postgres://user@[::1]:5433/d").url).toBe("postgres://user@[::1]:5433/d");
  });

  test("of a Unix socket may be written in the ways of libpq, and the refusal of none names sockets", () => {
    const socket = "postgres://user@localhost/site?path=%2Frun%2Fpostgresql";
    const ways = [
      "postgres:///site?host=/run/postgresql&user=user",
      "postgres://user@localhost/site?host=/run/postgresql",
      "postgres://user@%2Frun%2Fpostgresql/site",
    ];
    for (const way of ways) {
      expect(addressOf(way)).toEqual({ kind: "postgres", url: socket, tls: null, isSocket: true });
    }
    expect(addressOf("postgres:///site?host=/run&port=5433").url).toBe(
      "postgres://localhost:5433/site?path=%2Frun",
    );
    expect(addressOf("mysql://user@localhost/site?socket=/run/mysqld/mysqld.sock").url).toBe(
      "mysql://user@localhost/site?path=%2Frun%2Fmysqld%2Fmysqld.sock",
    );
    for (const text of [
      "postgres:///site",
      "postgres://user@/site?host=/run",
      "postgres://user@:5433/site",
    ]) {
      expect(refusalOf(text)).toContain("Unix socket");
    }
    expect(refusalOf("postgres:///site")).toContain("?host=/run/postgresql");
    expect(refusalOf("mysql:///site")).toContain("?socket=");
  });

  test("may name its host as a parameter, but not two hosts", () => {
    expect(addressOf("postgres:///site?host=db.internal&port=5433").url).toBe(
      "postgres://db.internal:5433/site",
    );
    for (const text of ["a/d?host=b", "h:1/d?port=2", "a@h/d?user=b", "h:1/d?host=/run&port=2"]) {
      expect(refusalOf(`postgres://${text}`)).toContain("twice");
    }
    expect(addressOf("postgres://a@h:1/d?host=h&port=1&user=a").url).toBe("postgres://a@h:1/d");
  });

  test("of an SQLite file is a path without parameters or a second scheme", () => {
    for (const text of ["sqlite:./a.db?mode=ro", "sqlite:file:a.db", "sqlite:sqlite:a.db"]) {
      expect(refusalOf(text)).toContain('must be "sqlite:" and a path alone');
    }
    expect(addressOf("sqlite:./a#b%20c.db").url).toBe("./a#b%20c.db");
  });
});

describe("a parameter of an address", () => {
  test("that says how to encrypt is understood in the words of either server", () => {
    const modes = {
      "postgres://h/d": null,
      "postgres://h/d?sslmode=disable": "disable",
      "postgres://h/d?sslmode=prefer": "prefer",
      "postgres://h/d?sslmode=require": "require",
      "postgres://h/d?sslmode=verify-ca": "verify-ca",
      "postgres://h/d?sslmode=verify-full": "verify-full",
      "postgres://h/d?ssl=true": "require",
      "mysql://h/d?ssl-mode=DISABLED": "disable",
      "mysql://h/d?ssl-mode=PREFERRED": "prefer",
      "mysql://h/d?sslMode=REQUIRED": "require",
      "mysql://h/d?ssl-mode=VERIFY_CA": "verify-ca",
      "mariadb://h/d?ssl-mode=VERIFY_IDENTITY": "verify-full",
      "mysql://h/d?tls=false": "disable",
    } as const;
    for (const [text, tls] of Object.entries(modes)) {
      expect({ text, ...addressOf(text) }).toMatchObject({ text, tls });
      expect(addressOf(text).url).toBe(text.replace(/\?.*/, ""));
    }
  });

  test("that asks for encryption in other words is refused by its name", () => {
    const asking = [
      "postgres://h/d?sslrootcert=/ca.pem",
      "postgres://h/d?sslcert=/c.pem",
      "postgres://h/d?sslmode=on",
      "postgres://h/d?ssl=yes",
      "postgres://h/d?sslaccept=strict",
      "postgres://h/d?sslnegotiation=direct",
      "postgres://h/d?gssencmode=require",
      "mysql://h/d?useSSL=true",
      "mysql://h/d?requireSSL=true",
      "mysql://h/d?verifyServerCertificate=true",
      "mysql://h/d?sslaccept=strict",
      'mysql://h/d?ssl={"rejectUnauthorized":true}',
      "mysql://h/d?ssl-ca=/ca.pem",
      "mysql://h/d?ssl_verify_cert=true",
      "mysql://h/d?tlsVersion=1.3",
    ];
    for (const text of asking) {
      const [, name = ""] = /\?([^=]+)=/.exec(text) ?? [];
      expect(`${text}: ${refusalOf(text)}`).toContain(` ${name}`);
      expect(refusalOf(text)).not.toBeNull();
    }
    expect(refusalOf("mysql://h/d?useSSL=true&requireSSL=true")).toMatch(
      /parameter useSSL, .* instead\. It has the parameter requireSSL, /,
    );
    expect(refusalOf("postgres://h/d?sslmode=require&ssl=false")).toContain("contradict");
    expect(refusalOf("postgres://h/d?sslmode=require&sslmode=disable")).toContain("twice");
  });

  test("that a setting replaces is refused by its name, with the setting", () => {
    const replaced = {
      "postgres://h/d?pgbouncer=true":
        "pgbouncer, which the sidecar does not follow: set DATABASE_PREPARE=false",
      "postgres://h/d?schema=shop": "schema, which the sidecar does not follow: set USERS_TABLE=schema.table",
      "postgres://h/d?connection_limit=5": "set DATABASE_POOL_MAX",
      "postgres://h/d?max=5": "set DATABASE_POOL_MAX",
      "postgres://h/d?connect_timeout=10": "connect_timeout, which the sidecar does not follow: remove it",
      "postgres://h/d?prepare=false": "set DATABASE_PREPARE",
      "postgres://h/d?sslrootcert=system": "set DATABASE_TLS_CA_FILE",
      "mysql://h/d?ssl-cert=a": "set DATABASE_TLS_CERT_FILE",
      "mysql://h/d?charset=latin1": "the sidecar uses UTF-8",
      "mysql://h/d?allowPublicKeyRetrieval=true": "ask for TLS",
      "mysql://h/d?host=/run": "write it before the path",
    };
    for (const [text, words] of Object.entries(replaced)) expect(refusalOf(text)).toContain(words);
  });

  test("that the driver honours is handed to it, and one that changes nothing is accepted", () => {
    expect(addressOf("postgres://h/d?application_name=a%20b&options=-c%20search_path%3Dx").url).toBe(
      "postgres://h/d?application_name=a+b&options=-c+search_path%3Dx",
    );
    expect(addressOf("postgres://h/d?sslmode=require&channel_binding=require").url).toBe(
      "postgres://h/d?channel_binding=require",
    );
    expect(addressOf("mysql://h/d?charset=utf8mb4").url).toBe("mysql://h/d");
    expect(addressOf("postgres://h/d?target_session_attrs=read-write").url).toBe("postgres://h/d");
    expect(refusalOf("postgres://h/d?target_session_attrs=standby")).toContain("target_session_attrs");
  });

  test("that nobody knows is refused, and no value and no piece of a password is shown", () => {
    for (const name of ["color", "constructor", "__proto__", "toString"]) {
      expect(refusalOf(`postgres://h/d?${name}=red`)).toContain("the sidecar does not know: remove it.");
    }
    expect(refusalOf("postgres://h/d?color=red")).toContain("the parameter color");
    for (const text of [
      `mysql://h/d?${marker}`,
      `mysql://h/d?password=x${marker}`,
      `mysql://h/d?x=${marker}`,
    ]) {
      expect(refusalOf(text)).not.toBeNull();
      expect(refusalOf(text)).not.toContain(marker);
    }
  });
});

test("whatever is accepted, the driver takes it without throwing, and with TLS where it is asked for", async () => {
  const random = createSeededRandom(20_260_301);
  const piece = () => random.pick(pieces);
  let accepted = 0;
  for (let round = 0; round < 4000; round += 1) {
    const scheme = random.pick(["postgres", "mysql", "mariadb"]);
    const query = random.chance(0.5) ? `?${piece()}${piece()}` : "";
    const address = parseDatabaseAddress(
      `${scheme}://u:${piece()}${piece()}@h${piece()}/d${piece()}${query}`,
    );
    if (address === null || address instanceof Refusal) continue;
    accepted += 1;
    const dialect = address.kind === "postgres" ? postgres : createMysqlDialect();
    const tls = { mode: address.tls ?? "disable", ca: null, client: null } as const;
    const options = { url: address.url, poolMax: 1, prepare: true, statementMs: 1000, tls };
    const sql = dialect.connect(options);
    const isEncrypted = address.isSocket || Boolean(sql.options.tls);
    expect([address.url, isEncrypted]).toEqual([
      address.url,
      address.isSocket || (address.tls !== null && address.tls !== "disable"),
    ]);
    await sql.close();
  }
  expect(accepted).toBeGreaterThan(100);
});

const pieces = [
  ...[
    "",
    "a",
    "é",
    "😀",
    " ",
    "\\",
    "%",
    "%41",
    "%2F",
    "%00",
    "/",
    "?",
    "#",
    "@",
    ":",
    "&",
    "=",
    "[",
    "]",
    "::1",
  ],
  ...["'", '"', "$", "!", "*", "(", ",", ";", "|", "^", "`", "{", "<", "..", "5432", "0", "99999", "\n"],
  ...["sslmode=require", "sslmode=prefer", "ssl=true", "&ssl-mode=REQUIRED", "&sslmode=verify-full"],
  ...["host=", "&host=/run", "&port=5433", "&user=b", "options=-c", "&application_name=", "socket=/run/x"],
] as const;
