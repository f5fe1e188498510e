import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { testHome } from "./after-this-process.ts";

/** Creates a folder for one test. `using` deletes it with its content, and so does the end of this process. */
export function temporaryFolder() {
  const path = mkdtempSync(join(testHome(), "folder-"));
  return {
    path,
    at: (name: string) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
