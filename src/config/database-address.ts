export type DatabaseKind = "sqlite" | "postgres" | "mysql";

export interface DatabaseAddress {
  readonly kind: DatabaseKind;
  /** For SQLite, the file's path. */
  readonly url: string;
}

const databaseKinds: Record<string, DatabaseKind> = {
  sqlite: "sqlite",
  postgres: "postgres",
  postgresql: "postgres",
  mysql: "mysql",
  mariadb: "mysql",
};

export function parseDatabaseAddress(url: string): DatabaseAddress | null {
  const scheme = url.slice(0, Math.max(0, url.indexOf(":")));
  const kind = databaseKinds[scheme];
  if (kind === undefined) return null;
  if (kind === "sqlite") return parseSqliteFile(url);
  return URL.canParse(url) && new URL(url).hostname !== "" ? { kind, url } : null;
}

/** `sqlite:relative.db`, `sqlite:/absolute.db` or `sqlite:///absolute.db`. */
function parseSqliteFile(url: string): DatabaseAddress | null {
  const path = url.replace(/^sqlite:(?:\/\/(?=\/))?/, "");
  return path === "" || path === ":memory:" || path.startsWith("//") ? null : { kind: "sqlite", url: path };
}
