import { chmodSync, linkSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Creates a file that only this account can read (mode 0600), whole or not at all: it is written beside
 * its place and linked there, so that no one reads half of it and of two creators one wins.
 *
 * Answers `false` and changes nothing when the file is there already.
 */
export function createPrivateFile(path: string, content: string): boolean {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${crypto.randomUUID()}`;
  try {
    writeFileSync(draft, content, { mode: 0o600, flag: "wx", flush: true });
    chmodSync(draft, 0o600);
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Takes back what other accounts may do with the file. Answers whether it is private now. */
export function keepPrivate(path: string): boolean {
  try {
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
    return true;
  } catch {
    return false;
  }
}
