import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder for one test. `using` deletes it with all it holds. */
export function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), "ownid-sidecar-"));
  return {
    path,
    at: (name: string) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
