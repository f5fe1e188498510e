import { basename, join } from "node:path";

const folder = join(import.meta.dir, "../../node_modules/.cache/bench");

/**
 * Builds a module that Node can run from a TypeScript file, and returns its path. The module lies below node_modules, so
 * that Node finds the packages, which are not bundled.
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
