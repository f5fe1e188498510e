import { join } from "node:path";

/** Runs `bun run build` as a process of its own, and returns its exit status with what it said. */
export async function runBuild(): Promise<{ readonly status: number; readonly complaints: string }> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "build.ts"), "--quiet"], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const [complaints, status] = await Promise.all([child.stderr.text(), child.exited]);
  return { status, complaints };
}
