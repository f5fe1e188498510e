import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";
import { UsageWrong } from "../command.ts";
import { keptFile } from "./kept-file.ts";

/** How far a warm has come, and between which sides. */
export interface ResumePoint {
  readonly place: string;
  /** The epochs of the masters. What was filled under other epochs is no longer believed. */
  readonly redis: string;
  readonly keep: boolean;
  /** The last login id that is done; `null` before the first batch. */
  readonly after: string | null;
  /** How many users are done. */
  readonly users: number;
}

const name = "sync-warm.json";

const Content = TypeCompiler.Compile(
  Type.Object({
    place: Type.String(),
    redis: Type.String(),
    keep: Type.Boolean(),
    after: Type.Union([Type.String(), Type.Null()]),
    users: Type.Number(),
  }),
);

/**
 * Returns where a warm of these sides continues.
 *
 * @throws {UsageWrong} there is nothing to resume, or some users would be left out
 */
export function loadResumePoint(now: Pick<ResumePoint, "place" | "redis" | "keep">): ResumePoint {
  const point = read();
  if (point === null) throw refused("no warm was stopped in this folder");
  if (point.place !== now.place) throw refused("the last warm was of another table or prefix");
  if (point.redis !== now.redis) {
    throw refused("Redis has restarted or failed over since, so what was filled before is not believed");
  }
  if (point.keep !== now.keep)
    throw refused(`the last warm was begun ${point.keep ? "with" : "without"} --keep`);
  return point;
}

/** Saves the point atomically, in a file for this account only, since it names a user. */
export function saveResumePoint(point: ResumePoint): void {
  const file = keptFile(name);
  const draft = `${file}.draft`;
  rmSync(draft, { force: true });
  writeFileSync(draft, JSON.stringify(point), { mode: 0o600 });
  renameSync(draft, file);
}

export function hasResumePoint(): boolean {
  return existsSync(keptFile(name));
}

export function forgetResumePoint(): void {
  rmSync(keptFile(name), { force: true });
}

function read(): ResumePoint | null {
  const file = keptFile(name);
  try {
    const content: unknown = JSON.parse(readFileSync(file, "utf8"));
    return Content.Check(content) ? content : null;
  } catch {
    return null;
  }
}

function refused(reason: string): UsageWrong {
  return new UsageWrong(`Nothing to resume: ${reason}. Start again without --resume.`);
}
