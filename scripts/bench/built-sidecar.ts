import { join } from "node:path";
import { runBuild } from "../run-build.ts";

const root = join(import.meta.dir, "../..");
let built: Promise<string> | null = null;

/** The build failed. `message` says why, and how to fix it. */
export class SidecarNotBuilt extends Error {}

/**
 * Builds dist/ from the current source and returns the file that `bun run start` and the image run.
 *
 * @throws {SidecarNotBuilt}
 */
export function builtSidecar(): Promise<string> {
  built ??= build();
  return built;
}

async function build(): Promise<string> {
  const { status, complaints } = await runBuild();
  if (status === 0) return join(root, "dist/index.js");
  const isReadOnly = /\b(?:EACCES|EPERM|EROFS)\b/.test(complaints);
  const advice = isReadOnly ? ` Measure as the account that owns ${root}, or in a copy of it.` : "";
  throw new SidecarNotBuilt(`${complaints.trim()}\nA measurement needs dist/.${advice}`);
}
