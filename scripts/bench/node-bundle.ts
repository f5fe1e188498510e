import { basename, join } from "node:path";

const folder = join(import.meta.dir, "../../node_modules/.cache/bench");

/**
 * Compiles a TypeScript file into a module that Node can run, and returns its path. The module is placed below
 * node_modules so that Node finds the packages, which are not bundled.
 *
 * @throws {AggregateError} the file cannot be built
 */
export async function bundleForNode(path: string): Promise<string> {
  const name = `${basename(path, ".ts")}.mjs`;
  await Bun.build({
    entrypoints: [path],
    outdir: folder,
    naming: name,
    target: "node",
    packages: "external",
  });
  return join(folder, name);
}
