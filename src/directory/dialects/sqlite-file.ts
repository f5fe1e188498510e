import { realpathSync, statSync } from "node:fs";

/** Files that SQLite keeps next to the database in WAL mode, and that hold a part of it. */
const companions = ["-wal", "-shm"];

/**
 * Returns a function that tells whether the database at the path is still the same file as now. A connection keeps
 * using the files that it has opened, even after they were deleted or replaced, and nobody would find what it wrote
 * there.
 */
export function watchFile(path: string): () => boolean {
  const opened = identityOf(path);
  // If the path is a symbolic link, SQLite keeps them next to the file that it leads to.
  const file = targetOf(path);
  const seen = new Map<string, string>();

  /** SQLite creates these files when it first needs them, and keeps them while a connection is open. */
  function isSameCompanion(suffix: string): boolean {
    const identity = identityOf(file + suffix);
    const before = seen.get(suffix);
    if (before === undefined && identity !== null) seen.set(suffix, identity);
    return before === undefined || before === identity;
  }

  return () => identityOf(path) === opened && companions.every(isSameCompanion);
}

/** An inode is not reused while a connection has the file open. */
function identityOf(path: string): string | null {
  const file = statSync(path, { throwIfNoEntry: false });
  return file === undefined ? null : `${file.dev}:${file.ino}`;
}

function targetOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
