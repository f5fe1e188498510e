import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const root = join(import.meta.dir, "../..");
const linesMax = 300;

/**
 * The rooms that each room may import at run time, besides its own files. A room is a folder of src/ or a file directly
 * in it. Type-only imports are free.
 */
const rooms: Readonly<Record<string, readonly string[] | "all">> = {
  errors: [],
  "error-code": [],
  audit: [],
  fix: [],
  files: ["error-code", "fix"],
  config: ["error-code", "errors"],
  protocol: ["errors"],
  replay: ["errors"],
  coherence: ["errors"],
  redis: ["error-code", "errors", "replay"],
  directory: ["error-code", "errors", "files", "fix"],
  sessions: ["error-code", "errors", "files"],
  process: ["audit", "error-code", "errors", "files", "fix"],
  reload: ["audit", "config", "error-code", "errors", "protocol", "sessions"],
  http: ["errors", "protocol", "replay"],
  app: ["http"],
  dependencies: "all",
  index: "all",
};

/** Packages that are one room's business. */
const packages: Readonly<Record<string, readonly string[]>> = {
  elysia: ["app", "http"],
  bun: ["directory", "process"],
  "bun:sqlite": ["sessions"],
  "cluster-key-slot": ["redis"],
  ioredis: ["redis"],
  jose: ["sessions"],
  pino: ["process"],
  "pino-pretty": ["process"],
  "prom-client": ["process"],
};

interface Import {
  readonly from: string;
  /** A path below the repository, or a package's name. */
  readonly to: string;
}

const transpiler = new Bun.Transpiler({ loader: "ts" });
const files = [...new Bun.Glob("src/**/*.ts").scanSync(root)]
  .filter((file) => !file.endsWith(".d.ts"))
  .toSorted();
const imports: readonly Import[] = files.flatMap((from) =>
  transpiler
    .scanImports(readFileSync(join(root, from)))
    .map(({ path }) => ({ from, to: resolve(from, path) })),
);

describe("src", () => {
  test("is read by this test at all", () => {
    expect(files.length).toBeGreaterThan(20);
    expect(imports).toContainEqual({ from: "src/index.ts", to: "src/app.ts" });
    expect(imports).toContainEqual({ from: "src/http/signed-body.ts", to: "src/http/json-body.ts" });
    expect(imports).toContainEqual({ from: "src/sessions/jwt-issuer.ts", to: "jose" });
  });

  test("an import of a type counts for nothing, an import beside it does", () => {
    const scan = (code: string) => transpiler.scanImports(code).map(({ path }) => path);
    expect(scan('import type { A } from "./a.ts"; export type B = A;')).toEqual([]);
    expect(scan('import { type A, b } from "./a.ts"; export const c: A = b;')).toEqual(["./a.ts"]);
    expect(scan('export { b } from "./a.ts";')).toEqual(["./a.ts"]);
    expect(scan('const a = await import("./a.ts"); a.b();')).toEqual(["./a.ts"]);
  });

  test("every room has its line in the table", () => {
    expect(files.map(roomOf).filter((room) => !Object.hasOwn(rooms, room))).toEqual([]);
  });

  test("each room imports only what the table grants it", () => {
    const breaches = imports.filter(({ from, to }) => {
      const granted = rooms[roomOf(from)] ?? [];
      return (
        to.startsWith("src/") &&
        roomOf(from) !== roomOf(to) &&
        granted !== "all" &&
        !granted.includes(roomOf(to))
      );
    });
    expect(breaches).toEqual([]);
  });

  test("only the reader of settings reads their table", () => {
    const readers = imports.filter(({ to }) => to === "src/config/settings.ts").map(({ from }) => from);
    expect(readers).toEqual(["src/config/setting-reader.ts"]);
  });

  test("each package stays in the rooms that know it", () => {
    const breaches = imports.filter(({ from, to }) => {
      const room = roomOf(from);
      return Object.hasOwn(packages, to) && !packages[to]?.includes(room);
    });
    expect(breaches).toEqual([]);
  });

  test("imports no script and no test, and nothing outside but the package's own description", () => {
    const outside = imports.filter(({ to }) => to.includes("/") && /^(?:\.\.|scripts|test)\//.test(to));
    expect(outside).toEqual([]);
    expect(imports.filter(({ to }) => to === "package.json").map(({ from }) => from)).toEqual([
      "src/process/greeting.ts",
    ]);
  });

  test("reads the process's environment in index alone, and hides it from the database's driver", () => {
    const readers = files.filter((file) =>
      /\b(?:process|Bun|import\.meta)\.env\b/.test(readFileSync(join(root, file), "utf8")),
    );
    expect(readers).toEqual(["src/directory/dialects/driver-environment.ts", "src/index.ts"]);
  });

  test("no file is longer than 300 lines", () => {
    const long = files.filter(
      (file) => readFileSync(join(root, file), "utf8").split("\n").length - 1 > linesMax,
    );
    expect(long).toEqual([]);
  });
});

describe("src and scripts", () => {
  const all = [...new Bun.Glob("{src,scripts}/**/*.ts").scanSync(root)].toSorted();
  const graph = new Map(all.map((file) => [file, everyImportOf(file)]));

  test("are read with the imports of types, and with those that are made later", () => {
    expect(graph.get("src/redis/keyspace.ts")).toContain("src/redis/epochs.ts");
    expect(graph.get("src/redis/hot-copy-options.ts")).toContain("src/redis/keyspace.ts");
    expect(graph.get("scripts/commands.ts")).toContain("scripts/bench/index.ts");
  });

  test("import nothing from test/", () => {
    const intoTests = [...graph].filter(([, imported]) => imported.some((to) => to.startsWith("test/")));
    expect(intoTests).toEqual([]);
  });

  test("have no circle of imports, the imports of types included", () => {
    const round = new Map([
      ["a", ["b"]],
      ["b", ["c", "a"]],
      ["c", []],
    ]);
    expect(circleIn(round)).toEqual(["a", "b", "a"]);
    expect(circleIn(graph)).toBeNull();
  });
});

/** Every file that a file imports, also where it needs a type only. */
function everyImportOf(file: string): readonly string[] {
  const code = readFileSync(join(root, file), "utf8");
  const paths = code.matchAll(/\b(?:from|import)\s*\(?\s*"(\.[^"]+)"/g);
  return [...paths].map(([, path = ""]) => resolve(file, path));
}

/** The files of a circle, from one of them back to itself; `null` if there is no circle. */
function circleIn(graph: ReadonlyMap<string, readonly string[]>): readonly string[] | null {
  const done = new Set<string>();

  function follow(file: string, path: readonly string[]): readonly string[] | null {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const next of graph.get(file) ?? []) {
      const circle = follow(next, [...path, file]);
      if (circle !== null) return circle;
    }
    done.add(file);
    return null;
  }

  for (const file of graph.keys()) {
    const circle = follow(file, []);
    if (circle !== null) return circle;
  }
  return null;
}

/** `src/http/routes/jwks.ts` is in `http`, `src/app.ts` in a room of its own. */
function roomOf(file: string): string {
  const [room = ""] = relative("src", file).split("/");
  return room.replace(/\.ts$/, "");
}

function resolve(from: string, to: string): string {
  return to.startsWith(".") ? join(dirname(from), to) : to;
}
