import { type DatabaseParameters, parseDatabaseParameters } from "./database-parameters.ts";
import { decodePercent, refuseUnencoded } from "./percent-encoding.ts";
import { Refusal, refuseUnexpanded } from "./setting-kinds.ts";
import type { TlsMode } from "./tls-mode.ts";
import type { ServerKind } from "./unfollowed-parameters.ts";

export type DatabaseKind = "sqlite" | "postgres" | "mysql";

export interface DatabaseAddress {
  readonly kind: DatabaseKind;
  /**
   * For SQLite, the path of the file. For a server, an address in one normal form: parameters that name a part of the
   * address are moved to their place, and a Unix socket is the parameter `path`, which the driver knows for all
   * servers.
   */
  readonly url: string;
  /** What the address says about encryption; `null` if it says nothing. */
  readonly tls: TlsMode | null;
  readonly isSocket: boolean;
}

const kinds: Readonly<Record<string, DatabaseKind>> = {
  sqlite: "sqlite",
  postgres: "postgres",
  postgresql: "postgres",
  mysql: "mysql",
  mariadb: "mysql",
};

/** Returns `null` if the setting's rule says all there is to say. A refusal never contains a part of the address. */
export function parseDatabaseAddress(text: string): DatabaseAddress | Refusal | null {
  const scheme = text.slice(0, Math.max(0, text.indexOf(":")));
  const kind = Object.hasOwn(kinds, scheme) ? kinds[scheme] : undefined;
  if (kind === undefined) return null;
  return kind === "sqlite" ? parseSqliteFile(text) : parseServerAddress(kind, scheme, text);
}

/** Accepts `sqlite:relative.db`, `sqlite:/absolute.db` and `sqlite:///absolute.db`. */
function parseSqliteFile(text: string): DatabaseAddress | Refusal | null {
  const path = text.replace(/^sqlite:(?:\/\/(?=\/))?/, "");
  if (path === "" || path === ":memory:" || path.startsWith("//")) return null;
  // The driver would open the file whose name ends at the question mark, or begins after the scheme.
  if (path.includes("?") || /^(?:sqlite|file):/i.test(path)) {
    return new Refusal('must be "sqlite:" and a path alone, without parameters and a second scheme.');
  }
  return refuseUnexpanded(path) ?? { kind: "sqlite", url: path, tls: null, isSocket: false };
}

function parseServerAddress(
  kind: ServerKind,
  scheme: string,
  text: string,
): DatabaseAddress | Refusal | null {
  const refusal = refuseUnencoded(text);
  if (refusal !== null) return refusal;
  if (/^[^:]*:\/\/[^/?]*@(?:[/?:]|$)/.test(text)) return withoutHost(kind);
  const url = text.startsWith(`${scheme}://`) && URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.port === "0") return null;
  const parameters = parseDatabaseParameters(kind, url.searchParams);
  return parameters instanceof Refusal ? parameters : composeAddress(kind, url, parameters);
}

function composeAddress(
  kind: ServerKind,
  url: URL,
  parameters: DatabaseParameters,
): DatabaseAddress | Refusal {
  const hosts = [decodePercent(url.hostname) ?? "", parameters.host ?? ""];
  const socket = hosts.find((place) => place.startsWith("/"));
  const host = socket === undefined ? hosts.find((place) => place !== "") : "localhost";
  if (host === undefined) return withoutHost(kind);
  // With a socket, the host of the address is "localhost", and the parameter is the path of the socket.
  const named = socket === undefined ? parameters : { ...parameters, host: null };
  const refusal = refuseParts(host, url) ?? refuseTwice(url, named);
  if (refusal !== null) return refusal;
  const address = new URL(`${url.protocol}//${host}`);
  address.username = url.username || encodeURIComponent(parameters.user ?? "");
  address.password = url.password;
  address.port = url.port || (parameters.port ?? "");
  address.pathname = url.pathname;
  const query = new URLSearchParams(parameters.forDriver);
  if (socket !== undefined) query.set("path", socket);
  address.search = query.toString();
  return { kind, url: address.href, tls: parameters.tls, isSocket: socket !== undefined };
}

function refuseParts(host: string, { pathname }: URL): Refusal | null {
  if (host.includes(",")) return new Refusal("names several hosts: name the primary alone.");
  if (!hostPattern.test(host)) return new Refusal("names a host that cannot be one.");
  return /^\/?$/.test(pathname) ? new Refusal("must name the database, as the path behind the host.") : null;
}

function refuseTwice(url: URL, { host, user, port }: DatabaseParameters): Refusal | null {
  const isTwice = (part: string, parameter: string | null) =>
    part !== "" && parameter !== null && decodePercent(part) !== parameter;
  if (!isTwice(url.hostname, host) && !isTwice(url.username, user) && !isTwice(url.port, port)) return null;
  return new Refusal("names its host, port or user twice: before the path, and otherwise as a parameter.");
}

function withoutHost(kind: ServerKind): Refusal {
  return new Refusal(`must name a host, or "localhost" with the path of a Unix socket: ${socketForm[kind]}.`);
}

const hostPattern = /^(?:[\w.-]+|\[[\da-f:.]+\])$/i;

const socketForm = {
  postgres: "postgres://user@localhost/database?host=/run/postgresql",
  mysql: "mysql://user@localhost/database?socket=/run/mysqld/mysqld.sock",
};
