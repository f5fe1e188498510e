import { join } from "node:path";
import { runCommand } from "../servers/run-command.ts";

const root = join(import.meta.dir, "../..");
let built: Promise<string> | null = null;

/**
 * The file that `bun run start` and the image run, made from the source as it is.
 *
 * @throws {Error} with what the build said
 */
export function builtSidecar(): Promise<string> {
  built ??= runCommand([process.execPath, join(root, "scripts/build.ts"), "--quiet"]).then(() =>
    join(root, "dist/index.js"),
  );
  return built;
}
