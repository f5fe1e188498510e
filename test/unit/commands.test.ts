import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import { dependencies, scripts } from "../../package.json";
import { commands } from "../../scripts/commands.ts";

const folder = join(import.meta.dir, "../../scripts");
const transpiler = new Bun.Transpiler({ loader: "ts" });

/** The packages that a file imports, itself or through others. */
function packagesOf(file: string, seen = new Set<string>()): ReadonlySet<string> {
  const found = new Set<string>();
  if (seen.has(file) || !file.endsWith(".ts")) return found;
  seen.add(file);
  for (const { path } of transpiler.scanImports(readFileSync(file, "utf8"))) {
    if (path.startsWith(".")) {
      for (const name of packagesOf(join(dirname(file), path), seen)) found.add(name);
    } else if (!isBuiltin(path) && !path.startsWith("bun")) {
      found.add(/^(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? path);
    }
  }
  return found;
}

function fileOf(name: string): string {
  const [, path = ""] = /import\("(.+)"\)/.exec(String(commands[name]?.run)) ?? [];
  return join(folder, path);
}

describe("the commands of package.json", () => {
  test("are those of the launcher's table, each with its file", () => {
    const launched = Object.entries(scripts).flatMap(([name, script]) =>
      script === `sh scripts/launch.sh ${name}` ? [name] : [],
    );
    expect(Object.keys(commands).toSorted()).toEqual(launched.toSorted());
    expect(Object.keys(commands).filter((name) => !existsSync(fileOf(name)))).toEqual([]);
  });

  test("need the packages of development if they say so, and only then", () => {
    expect(packagesOf(fileOf("loadtest"))).toContain("hdr-histogram-js");
    const unmet = Object.entries(commands)
      .filter(([, { needs }]) => needs === "dependencies")
      .flatMap(([name]) =>
        [...packagesOf(fileOf(name))]
          .filter((it) => !Object.hasOwn(dependencies, it))
          .map((it) => [name, it]),
      );
    expect(unmet).toEqual([]);
  });
});
