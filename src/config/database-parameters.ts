import { Refusal } from "./setting-kinds.ts";
import { isTlsParameter, parseTlsMode, type TlsMode } from "./tls-mode.ts";
import { explainUnfollowed, type ServerKind, tlsForm } from "./unfollowed-parameters.ts";

/** The parameters of a database address, as far as the sidecar supports them. */
export interface DatabaseParameters {
  /** `null` if the address says nothing about encryption. */
  readonly tls: TlsMode | null;
  /** A host, or the path of a Unix socket. */
  readonly host: string | null;
  readonly port: string | null;
  readonly user: string | null;
  /** Parameters that the driver itself supports. */
  readonly forDriver: Readonly<Record<string, string>>;
}

interface Parameter {
  readonly name: string;
  /** The name in lower case. */
  readonly key: string;
  readonly value: string;
}

const portPattern = /^(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])$/;

/** Parameters that the driver supports. */
const ofDriver = new Map([
  ["application_name", /./],
  ["options", /./],
  ["channel_binding", /^(?:disable|prefer|require)$/],
]);

/**
 * Which values of which parameters are accepted: those that name a part of the address, and those that ask for what
 * is done anyway.
 */
const followed: Readonly<Record<ServerKind, ReadonlyMap<string, RegExp>>> = {
  postgres: new Map([
    ...ofDriver,
    ["host", /./],
    ["port", portPattern],
    ["user", /./],
    ["target_session_attrs", /^(?:any|read-write|primary)$/],
    ["client_encoding", /^utf-?8$/i],
  ]),
  mysql: new Map([
    ["socket", /^\//],
    ["charset", /^utf8mb4$/i],
    ["characterencoding", /^utf-?8(?:mb4)?$/i],
  ]),
};

/**
 * Parses the query of `postgres://…?…` or `mysql://…?…`. Each parameter is supported or refused by name, and none is
 * dropped: the driver would drop some that ask for encryption.
 */
export function parseDatabaseParameters(
  kind: ServerKind,
  query: URLSearchParams,
): DatabaseParameters | Refusal {
  const found = [...query].map(([name, value]) => ({ name, key: name.toLowerCase(), value }));
  const reasons = found
    .map((parameter) => refusalOf(kind, parameter, found))
    .filter((reason) => reason !== null);
  if (reasons.length > 0) return new Refusal([...new Set(reasons)].join(" It "));
  const modes = new Set(
    found.flatMap(({ key, value }) => (isTlsParameter(key) ? [parseTlsMode(value)] : [])),
  );
  if (modes.size > 1) {
    return new Refusal("has parameters that contradict each other about encryption: keep one of them.");
  }
  const textOf = (key: string) => found.find((parameter) => parameter.key === key)?.value ?? null;
  const forDriver = found.filter(({ key }) => ofDriver.has(key));
  const [tls = null] = modes;
  return {
    tls,
    host: textOf(kind === "postgres" ? "host" : "socket"),
    port: textOf("port"),
    user: textOf("user"),
    forDriver: Object.fromEntries(forDriver.map(({ key, value }) => [key, value])),
  };
}

/** Returns why the parameter is refused, or `null`. */
function refusalOf(
  kind: ServerKind,
  { name, key, value }: Parameter,
  all: readonly Parameter[],
): string | null {
  if (all.filter((other) => other.key === key).length > 1) {
    return "has a parameter twice: keep one of them.";
  }
  if (isTlsParameter(key)) {
    return parseTlsMode(value) === null
      ? `has a value of ${name} that is not known: ${tlsForm[kind]}.`
      : null;
  }
  return followed[kind].get(key)?.test(value) ? null : explainUnfollowed(kind, name);
}
