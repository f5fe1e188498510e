import type { Needs } from "./packages.ts";

/** What each command of package.json runs. This file imports no package, since packages may still be missing. */

export interface Entry {
  readonly needs: Needs;
  readonly run: () => Promise<unknown>;
}

export const commands: Readonly<Record<string, Entry>> = {
  start: { needs: "dependencies", run: () => import("./start.ts") },
  dev: { needs: "dependencies", run: () => import("./dev.ts") },
  build: { needs: "dependencies", run: () => import("./build.ts") },
  sign: { needs: "dependencies", run: () => import("./sign.ts") },
  keys: { needs: "dependencies", run: () => import("./keys/index.ts") },
  audit: { needs: "dependencies", run: () => import("./audit.ts") },
  health: { needs: "dependencies", run: () => import("./health.ts") },
  doctor: { needs: "dependencies", run: () => import("./doctor/index.ts") },
  sync: { needs: "dependencies", run: () => import("./sync/index.ts") },
  emulator: { needs: "devDependencies", run: () => import("./emulator/index.ts") },
  loadtest: { needs: "devDependencies", run: () => import("./load/index.ts") },
  conformance: { needs: "dependencies", run: () => import("./conformance/index.ts") },
  bench: { needs: "devDependencies", run: () => import("./bench/index.ts") },
  faults: { needs: "devDependencies", run: () => import("./faults/index.ts") },
  "quick-start": { needs: "devDependencies", run: () => import("./quick-start.ts") },
  test: { needs: "devDependencies", run: () => import("./test.ts") },
  check: { needs: "devDependencies", run: () => import("./check.ts") },
};
