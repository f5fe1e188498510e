import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { type Installation, installationOf } from "../../src/config/installation.ts";

const names = { table: "users", loginIdColumn: "email", ownIdDataColumn: "ownIdData" };
const site: Installation = { kind: "postgres", url: "postgres://app:secret@db.internal/site", names };
const of = (changes: Partial<Installation>) => installationOf({ ...site, ...changes });

describe("an installation", () => {
  test("is told by a short digest that shows nothing of it", () => {
    expect(of({})).toMatch(/^[0-9a-f]{16}$/);
  });

  test("is another one with another server, port, database, table or column", () => {
    const others = [
      of({ kind: "mysql", url: "mysql://app:secret@db.internal/site" }),
      of({ url: "postgres://app:secret@staging.internal/site" }),
      of({ url: "postgres://app:secret@db.internal:6432/site" }),
      of({ url: "postgres://app:secret@db.internal/staging" }),
      of({ url: "postgres://app@localhost/site?path=%2Frun%2Fpostgresql" }),
      of({ names: { ...names, table: "admins" } }),
      of({ names: { ...names, loginIdColumn: "phone" } }),
      of({ names: { ...names, ownIdDataColumn: "devices" } }),
    ];
    expect(new Set([of({}), ...others]).size).toBe(others.length + 1);
  });

  test("stays the same with another login, encryption or spelling of the address", () => {
    for (const url of [
      "postgres://other:password@db.internal/site",
      "postgresql://app@DB.internal.:5432/site?sslmode=verify-full",
    ])
      expect(of({ url })).toBe(of({}));
    const at = (host: string) => of({ url: `postgres://app@${host}/site` });
    expect(at("127.0.0.1")).toBe(at("localhost"));
    expect(at("[::1]:5432")).toBe(at("localhost"));
  });

  test("with a name is the same at any address, and another one with another name or table", () => {
    const url = "postgres://app@replica.internal:6432/site";
    expect(of({ url, name: "shop" })).toBe(of({ name: "shop" }));
    const others = [of({ name: "other" }), of({ name: "shop", names: { ...names, table: "admins" } })];
    expect(new Set([of({}), of({ name: "shop" }), ...others]).size).toBe(4);
  });

  test("is taken over by its digest, whatever the address and the table are", () => {
    const taken = of({ url: "postgres://app@restored.internal/site", name: of({}) });
    expect(taken).toBe(of({}));
  });

  test("of an SQLite file is told by where the file is", () => {
    const at = (url: string) => installationOf({ kind: "sqlite", url, names });
    expect(at("./data/ownid.db")).toBe(at(resolve("data/ownid.db")));
    expect(at("./data/ownid.db")).not.toBe(at("./data/other.db"));
  });
});
