import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { testHome } from "./after-this-process.ts";

/** A folder for one test. `using` deletes it with all it holds; so does the end of this process, in whatever way it comes. */
export function temporaryFolder() {
  const path = mkdtempSync(join(testHome(), "folder-"));
  return {
    path,
    at: (name: string) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
