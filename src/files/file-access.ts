import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { command, type Step, shellWord } from "../fix.ts";
import { accountName } from "./account.ts";

type Access = "read" | "write" | "enter";

const accessMode = { read: constants.R_OK, write: constants.W_OK, enter: constants.X_OK } as const;

export interface FileFacts {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
}

const groupBits = 0o070;
const root = 0;

/** Returns the facts of the file that the path leads to, following symbolic links, or `null` if there is none. */
export function factsOf(path: string): FileFacts | null {
  return statSync(path, { throwIfNoEntry: false }) ?? null;
}

export function may(access: Access, path: string): boolean {
  try {
    accessSync(path, accessMode[access]);
    return true;
  } catch {
    return false;
  }
}

/** Returns the first folder on the path that this account may not enter, or `null`. */
export function closedFolder(path: string): string | null {
  const parents: string[] = [];
  for (let folder = dirname(path); parents[0] !== folder; folder = dirname(folder)) parents.unshift(folder);
  return parents.find((folder) => existsSync(folder) && !may("enter", folder)) ?? null;
}

/** Returns whether this account owns the file and may therefore change its permissions. */
export function isOwn({ uid }: FileFacts): boolean {
  return uid === process.getuid?.();
}

/**
 * Returns the steps that give this account access to a file or folder without taking access from anyone. The owner
 * stays, unless it is root, and a group that has access stays. A new group applies only to processes that start
 * afterwards.
 */
export function grantAccess(access: Access, path: string): readonly Step[] {
  const facts = factsOf(path);
  const file = shellWord(path);
  const letters = access === "write" ? "rwX" : "rX";
  if (facts === null || isOwn(facts)) return [command("service", `chmod u+${letters} ${file}`)];
  const widenGroup = command("root", `chmod g+${letters} ${file}`);
  if (facts.uid === root)
    return [command("root", `chown ${account()} ${file}`), command("service", `chmod u+${letters} ${file}`)];
  if (isOwnGroup(facts.gid)) return [widenGroup];
  if ((facts.mode & groupBits) === 0) return [command("root", `chgrp ${ownGroup()} ${file}`), widenGroup];
  return [command("root", `usermod --append --groups ${facts.gid} ${account()}`), widenGroup];
}

/** Returns the step that creates a folder for this account alone where the account may not create one itself. */
export function provideFolder(path: string): Step {
  return command("root", `install --directory --owner=${account()} --mode=700 ${shellWord(path)}`);
}

/** Returns whether this account is neither the owner nor in the group, and so has only the permissions of everyone. */
export function hasAccessAsOther(facts: FileFacts): boolean {
  return process.getuid?.() !== root && !isOwn(facts) && !isOwnGroup(facts.gid);
}

/** Returns the step that changes the permissions of the file, for the account that may do so. */
export function changeMode(change: string, path: string): Step {
  const facts = factsOf(path);
  const as = facts === null || isOwn(facts) ? "service" : "root";
  return command(as, `chmod ${change} ${shellWord(path)}`);
}

function ownGroup(): number {
  return process.getgid?.() ?? root;
}

function isOwnGroup(gid: number): boolean {
  return gid === ownGroup() || (process.getgroups?.() ?? []).includes(gid);
}

/** Returns the account's name for a shell, or its number if it has no name. */
function account(): string {
  return shellWord(accountName() ?? String(process.getuid?.() ?? root));
}
