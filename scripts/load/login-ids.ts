import { existsSync, readFileSync, statSync } from "node:fs";
import { demoLoginId } from "../../src/process/development.ts";
import { parseLoginId } from "../../src/protocol/login-id.ts";
import { UsageWrong } from "../command.ts";
import { countText } from "../quantities.ts";

export interface LoginIds {
  readonly count: number;
  /** Returns the login id at an index from 0 to `count` − 1. */
  at(index: number): string;
}

export interface LoginIdOptions {
  readonly users: string | undefined;
  readonly "login-id": string | undefined;
}

const fileBytesMax = 256 * 1024 * 1024;
const patternCountMax = 100_000_000;

/**
 * Returns the login ids that are requested: the lines of a file, those of a pattern, or the demo user. A message about
 * a wrong login id gives its line number and not the login id, since login ids are not printed.
 *
 * @throws {UsageWrong} there is no login id, or one that the sidecar would refuse
 */
export function chooseLoginIds(options: LoginIdOptions): LoginIds {
  const { users, "login-id": pattern } = options;
  if (users !== undefined && pattern !== undefined)
    throw new UsageWrong("Give --users or --login-id, not both.");
  if (users !== undefined) return loginIdsOfFile(users);
  return loginIdsOfPattern(pattern ?? demoLoginId);
}

function loginIdsOfFile(path: string): LoginIds {
  if (!existsSync(path) || !statSync(path).isFile())
    throw new UsageWrong(`--users: there is no file ${path}.`);
  if (statSync(path).size > fileBytesMax) throw new UsageWrong("--users: the file is larger than 256 MiB.");
  // Some editors write a byte order mark at the beginning of a file. The decoder removes it.
  const lines = new TextDecoder().decode(readFileSync(path)).split(/\r?\n/);
  const loginIds = lines.filter((line, index) => {
    if (line !== "") verify(line, `--users: line ${index + 1} is not a login id`);
    return line !== "";
  });
  if (loginIds.length === 0) throw new UsageWrong(`--users: ${path} contains no login id.`);
  return { count: loginIds.length, at: (index) => loginIds[index] ?? "" };
}

/**
 * Reads a pattern with at most one range, such as `user{1..10000}@example.com`. Leading zeros of its first number are
 * kept, as in a shell.
 */
function loginIdsOfPattern(pattern: string): LoginIds {
  const [, before = "", first, last, after = ""] =
    /^(.*?)\{(\d{1,12})\.\.(\d{1,12})\}(.*)$/u.exec(pattern) ?? [];
  if (first === undefined || last === undefined) {
    verify(pattern, "--login-id is not a login id");
    return { count: 1, at: () => pattern };
  }
  const count = Number(last) - Number(first) + 1;
  if (count < 1 || count > patternCountMax) {
    throw new UsageWrong(
      `--login-id: a range must ascend and cover at most ${countText(patternCountMax)} users.`,
    );
  }
  const width = first.startsWith("0") ? first.length : 0;
  const at = (index: number) => `${before}${String(Number(first) + index).padStart(width, "0")}${after}`;
  verify(at(count - 1), "--login-id yields something that is not a login id");
  return { count, at };
}

function verify(loginId: string, problem: string): void {
  try {
    parseLoginId(loginId, "exact");
  } catch {
    throw new UsageWrong(`${problem}: login ids have 1 to 320 characters and no control characters.`);
  }
}
