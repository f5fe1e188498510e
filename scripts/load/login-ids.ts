import { existsSync, readFileSync, statSync } from "node:fs";
import { demoLoginId } from "../../src/process/development.ts";
import { parseLoginId } from "../../src/protocol/login-id.ts";
import { UsageWrong } from "../command.ts";
import { countText } from "../quantities.ts";

export interface LoginIds {
  readonly count: number;
  /** From 0 to `count` − 1. */
  at(index: number): string;
}

export interface LoginIdOptions {
  readonly users: string | undefined;
  readonly "login-id": string | undefined;
}

const fileBytesMax = 256 * 1024 * 1024;
const patternCountMax = 100_000_000;

/**
 * Whom the requests are about: the lines of a file, a pattern, or the demo user. What is wrong with a login id is
 * told by its line, since it is nothing to print.
 *
 * @throws {UsageWrong} there is none, or one that the sidecar would refuse
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
  // Some editors begin a file with a byte order mark, which a decoder takes away.
  const lines = new TextDecoder().decode(readFileSync(path)).split(/\r?\n/);
  const loginIds = lines.filter((line, index) => {
    if (line !== "") verify(line, `--users: line ${index + 1} is no login id`);
    return line !== "";
  });
  if (loginIds.length === 0) throw new UsageWrong(`--users: ${path} names no login id.`);
  return { count: loginIds.length, at: (index) => loginIds[index] ?? "" };
}

/** `user{1..10000}@example.com`: one range; zeros in front of its first number are kept, as a shell keeps them. */
function loginIdsOfPattern(pattern: string): LoginIds {
  const [, before = "", first, last, after = ""] =
    /^(.*?)\{(\d{1,12})\.\.(\d{1,12})\}(.*)$/u.exec(pattern) ?? [];
  if (first === undefined || last === undefined) {
    verify(pattern, "--login-id is no login id");
    return { count: 1, at: () => pattern };
  }
  const count = Number(last) - Number(first) + 1;
  if (count < 1 || count > patternCountMax) {
    throw new UsageWrong(
      `--login-id: a range goes upwards, over at most ${countText(patternCountMax)} users.`,
    );
  }
  const width = first.startsWith("0") ? first.length : 0;
  const at = (index: number) => `${before}${String(Number(first) + index).padStart(width, "0")}${after}`;
  verify(at(count - 1), "--login-id gives no login id");
  return { count, at };
}

function verify(loginId: string, problem: string): void {
  try {
    parseLoginId(loginId, "exact");
  } catch {
    throw new UsageWrong(`${problem}: it has 1 to 320 characters and no control characters.`);
  }
}
