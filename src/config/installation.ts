import { createHash } from "node:crypto";
import { resolve } from "node:path";
import type { DatabaseKind } from "./database-address.ts";
import { isLoopback } from "./loopback.ts";

export interface InstallationNames {
  readonly table: string;
  readonly loginIdColumn: string;
  readonly ownIdDataColumn: string;
}

export interface Installation {
  readonly kind: DatabaseKind;
  /** The address of the database; for SQLite, the path of the file. */
  readonly url: string;
  readonly names: InstallationNames;
  /**
   * Replaces the address, if sidecars reach one database at different addresses. The digest of an installation is
   * also accepted as its name, so that its hashes can be taken over when its data moves to another address.
   */
  readonly name?: string | null;
}

const digestLength = 16;
const defaultPorts: Readonly<Record<DatabaseKind, string>> = { postgres: "5432", mysql: "3306", sqlite: "" };

/**
 * Returns a digest, in hex, of whose users these are: the address of the database, the table and its columns. The
 * login and the encryption are not part of it, so that they can change.
 */
export function installationOf({ kind, url, names, name = null }: Installation): string {
  if (name !== null && isDigest(name)) return name;
  const { table, loginIdColumn, ownIdDataColumn } = names;
  const database = name === null ? [kind, addressOf(kind, url)] : [name];
  const place = [...database, table, loginIdColumn, ownIdDataColumn];
  return createHash("sha256").update(JSON.stringify(place)).digest("hex").slice(0, digestLength);
}

function isDigest(text: string): boolean {
  return text.length === digestLength && /^[0-9a-f]+$/.test(text);
}

function addressOf(kind: DatabaseKind, url: string): string {
  if (kind === "sqlite") return resolve(url);
  const { hostname: host, port, pathname, searchParams } = new URL(url);
  const named = host.toLowerCase().replace(/\.$/, "");
  const place = searchParams.get("path") ?? (isLoopback(named) ? "localhost" : named);
  return `${place}:${port || defaultPorts[kind]}${pathname}`;
}
