import { realpathSync, statSync } from "node:fs";

/** Files that SQLite keeps beside the database in WAL mode, and that hold a part of it. */
const companions = ["-wal", "-shm"];

/**
 * Returns a function that tells whether the database at the path is still the file that it is now. A connection
 * keeps using the files that it has opened, even after they were deleted or replaced, and nobody would find what it wrote.
 */
export function watchFile(path: string): () => boolean {
  const opened = identityOf(path);
  // Where the path is a symbolic link, SQLite keeps them beside the file that it leads to.
  const file = targetOf(path);
  const seen = new Map<string, string>();

  /** SQLite makes them when it first needs them, and keeps them for as long as a connection is open. */
  function isSameCompanion(suffix: string): boolean {
    const identity = identityOf(file + suffix);
    const before = seen.get(suffix);
    if (before === undefined && identity !== null) seen.set(suffix, identity);
    return before === undefined || before === identity;
  }

  return () => identityOf(path) === opened && companions.every(isSameCompanion);
}

/** An inode is not used again while a connection has it open. */
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
