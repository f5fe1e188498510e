import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
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

/**
 * Replaces the content of a private file as a whole: readers see the old content or the new one, also after a crash.
 * Mode, group and owner stay as they are; a symbolic link stays and the file behind it is replaced.
 *
 * @throws an error of the file system, also if this account may not give the new file to the old owner or group; the
 * old file is left as it is
 */
export function replacePrivateFile(path: string, content: string): void {
  const place = realpathSync(path);
  const { mode, uid, gid } = statSync(place);
  const draft = `${place}.${crypto.randomUUID()}`;
  try {
    writeFileSync(draft, content, { mode: 0o600, flag: "wx", flush: true });
    const made = statSync(draft);
    if (made.uid !== uid || made.gid !== gid) chownSync(draft, uid, gid);
    chmodSync(draft, mode & 0o7777);
    renameSync(draft, place);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** `narrowed`: every account of the machine could open the file until now. `open`: every account still can. */
export type Privacy = "private" | "narrowed" | "open";

const others = 0o007;

/**
 * Takes back what every account of the machine may do with the file. What its group may do stays: somebody has given
 * it to the group on purpose, such as Kubernetes to `fsGroup`. Only the owner's process changes anything, so that root
 * does not lock out the account of the service.
 */
export function keepPrivate(path: string): Privacy {
  try {
    const { mode, uid } = statSync(path);
    if ((mode & others) === 0) return "private";
    if (uid !== process.getuid?.()) return "open";
    chmodSync(path, mode & 0o7777 & ~others);
    return "narrowed";
  } catch {
    return "open";
  }
}
