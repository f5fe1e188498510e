import { join } from "node:path";

/** What `bun run start` runs: the sidecar from dist/, or from its source where this account cannot write dist/. */
const build = Bun.spawnSync([process.execPath, join(import.meta.dir, "build.ts"), "--quiet"], {
  stderr: "inherit",
});
await import(build.exitCode === 0 ? "../dist/index.js" : "../src/index.ts");
