import { join } from "node:path";

const root = join(import.meta.dir, "..");

export interface SourceCommit {
  readonly id: string;
  /** Whether tracked files differ from it. */
  readonly isChanged: boolean;
}

/** Returns the commit of this clone, or `null` outside a clone or without git. `paths` limits where changes count. */
export function sourceCommit(...paths: readonly string[]): SourceCommit | null {
  if (Bun.which("git") === null) return null;
  const git = (...args: string[]) => Bun.spawnSync(["git", ...args], { cwd: root, stderr: "ignore" });
  const commit = git("rev-parse", "--short=12", "HEAD");
  if (!commit.success) return null;
  const changes = git("status", "--porcelain", "--untracked-files=no", "--", ...paths);
  return { id: commit.stdout.toString().trim(), isChanged: changes.stdout.length > 0 };
}
