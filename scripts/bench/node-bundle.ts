import { basename, join } from "node:path";

const folder = join(import.meta.dir, "../../node_modules/.cache/bench");

/**
 * Turns a TypeScript file into a module that Node runs, and answers its path. It lies below node_modules, so that
 * Node finds the packages, which stay as they are.
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
