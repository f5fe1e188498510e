import { describe, expect, test } from "bun:test";
import type { Environment } from "../../src/config/setting-reader.ts";
import { warnOfNearNames } from "../../src/config/unused-names.ts";

describe("a variable whose name is close to a setting's", () => {
  const meant = (name: string, others: Environment = {}) => warnOfNearNames({ [name]: "x", ...others });

  test("is named with the setting that was probably meant", () => {
    const pairs = {
      REDIS_ULR: "REDIS_URL",
      REDISURL: "REDIS_URL",
      USERS_BLOCKED_COLUM: "USERS_BLOCKED_COLUMN",
      DATABASE_URI: "DATABASE_URL",
      OWNID_SHARED_SECRT_FILE: "OWNID_SHARED_SECRET_FILE",
      OWNID_SHARED_SECRET_FIEL: "OWNID_SHARED_SECRET_FILE",
      database_url: "DATABASE_URL",
      NODE_ENVS: "NODE_ENV",
      BACKEND_TOKENS: "BACKEND_TOKEN",
      SESSION_KEYS: "SESSION_KEYS_FILE",
      DATABASE_TLS_CA: "DATABASE_TLS_CA_FILE",
    };
    for (const [name, setting] of Object.entries(pairs)) {
      expect(meant(name)).toEqual([`${name} is not a setting. Did you mean ${setting}?`]);
    }
  });

  test("is named where it would read a setting from a file that cannot come from one", () => {
    expect(meant("SESSION_AUDIENCE_FILE")).toEqual([
      "SESSION_AUDIENCE_FILE is not read: SESSION_AUDIENCE cannot come from a file.",
    ]);
    expect(meant("PORT_FILE")).toEqual([]);
  });

  test("is left alone where the setting itself is set, or the variable is empty", () => {
    expect(meant("DATABASE_URI", { DATABASE_URL: "postgres://h/d" })).toEqual([]);
    expect(warnOfNearNames({ REDIS_ULR: "" })).toEqual([]);
  });

  test("is told from settings and from the variables that other programs use", () => {
    const others = [
      ..."PATH HOME USER SHELL PWD LANG TZ TERM HOSTNAME PORTS PGHOST PGPORT PGUSER PGPASSWORD".split(" "),
      ..."MYSQL_HOST MYSQL_PWD REDIS_HOST REDIS_PORT REDIS_PASSWORD DATABASE_HOST DATABASE_USER".split(" "),
      ..."DATABASE_NAME DATABASE_PASSWORD DB_URL NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS".split(" "),
      ..."NODE_TLS_REJECT_UNAUTHORIZED HTTP_PROXY NO_PROXY NO_COLOR CI XDG_SESSION_ID LOGNAME".split(" "),
      ..."npm_config_cache npm_package_name BUN_INSTALL KUBERNETES_SERVICE_HOST REDIS_SERVICE_PORT".split(
        " ",
      ),
      ..."DBUS_SESSION_BUS_ADDRESS SESSION_MANAGER DESKTOP_SESSION SSH_AUTH_SOCK INVOCATION_ID".split(" "),
      ..."HOST PORT REDIS_URL REDIS_URL_FILE OTEL_EXPORTER_OTLP_ENDPOINT OTEL_SERVICE_NAME".split(" "),
    ];
    expect(warnOfNearNames(Object.fromEntries(others.map((name) => [name, "x"])))).toEqual([]);
  });
});
