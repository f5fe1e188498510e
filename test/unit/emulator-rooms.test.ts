import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const root = join(import.meta.dir, "../../scripts/emulator");
const transpiler = new Bun.Transpiler({ loader: "ts" });

/** The rooms of the README's table, each with those that it may import. */
const rooms = new Map(
  [...readFileSync(join(root, "README.md"), "utf8").matchAll(/^\| \[?`(\w+)\/`.*\|([^|]*)\|$/gm)].map(
    ([, room = "", granted = ""]) => [room, granted.trim()] as const,
  ),
);

const folders = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== "screenshots")
  .map(({ name }) => name)
  .toSorted();

/** From one room to another one, at run time: an `import type` is free. */
const passages = [...new Bun.Glob("*/**/*.ts").scanSync(root)].flatMap((file) =>
  transpiler
    .scanImports(readFileSync(join(root, file), "utf8"))
    .map(({ path }) => relative(root, join(root, dirname(file), path)))
    .filter((to) => to.includes("/") && !to.startsWith("..") && roomOf(to) !== roomOf(file))
    .map((to) => ({ from: roomOf(file), to: roomOf(to) })),
);

test("each room of the emulator has its line in the README, and imports only what that grants", () => {
  expect([...rooms.keys()].toSorted()).toEqual(folders);
  expect(passages).toContainEqual({ from: "platform", to: "api" });
  const breaches = passages.filter(({ from, to }) => {
    const granted = rooms.get(from) ?? "";
    return granted !== "all" && !granted.includes(`\`${to}/\``);
  });
  expect(breaches).toEqual([]);
});

function roomOf(file: string): string {
  return file.split("/")[0] ?? "";
}
