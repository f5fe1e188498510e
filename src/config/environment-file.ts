import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { codeOf } from "../error-code.ts";
import { ConfigurationInvalid } from "../errors.ts";

/** The only file that settings are read from. */
export const environmentFile = ".env";

/**
 * Reads the `.env` file of a folder. Returns an empty object if there is no file. Values are taken literally: `$` is
 * an ordinary character, and so is `#` within quotes. A line that other readers of such files interpret differently
 * is refused, because its author may have meant that.
 *
 * @throws {ConfigurationInvalid} names each such line by its number, without its value
 */
export function readEnvironmentFile(folder: string): Readonly<Record<string, string>> {
  const text = readText(join(folder, environmentFile));
  const problems = withoutEntries(text)
    .split("\n")
    .flatMap((line, index) => problemOf(line, index + 1));
  if (problems.length > 0) throw new ConfigurationInvalid(problems);
  return parse(text);
}

function parse(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(parseEnv(text)).map(([name, value = ""]) => [name, value]));
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8")
      .replace(/^\uFEFF/, "")
      .replaceAll("\r\n", "\n");
  } catch (error) {
    const code = codeOf(error) || "unreadable";
    if (code === "ENOENT") return "";
    throw new ConfigurationInvalid([
      code === "EISDIR"
        ? `${environmentFile} is a folder instead of a file.`
        : `${environmentFile} is there, but this account cannot read it (${code}).`,
    ]);
  }
}

/**
 * Removes each entry that was read exactly as it is written, and keeps the numbers of the other lines. If a name is
 * set twice, the later line counts; once it is removed, the earlier one is found.
 */
function withoutEntries(text: string): string {
  const rest = Object.entries(parse(text)).reduce(
    (before, [name, value]) =>
      before.replace(entryPattern(name, value), (entry) => entry.replace(/[^\n]/g, "")),
    text,
  );
  return rest === text ? text : withoutEntries(rest);
}

/**
 * Matches `name=value` if nothing was cut off, joined or replaced. Readers differ about a backslash within double
 * quotes, and about `${NAME}` outside single quotes.
 */
function entryPattern(name: string, value: string): RegExp {
  const literal = RegExp.escape(value);
  const isReplacedByOthers = /\$\{\w+/.test(value);
  const spellings = [`'${literal}'`, `\`${literal}\``];
  if (!isReplacedByOthers && !value.includes("\\")) spellings.push(`"${literal}"`);
  if (!isReplacedByOthers && !/^['"`]/.test(value)) spellings.push(literal);
  const start = `^[ \\t]*(?:export[ \\t]+)?${RegExp.escape(name)}[ \\t]*=[ \\t]*`;
  return new RegExp(`${start}(?:${spellings.join("|")})[ \\t]*(?:[ \\t]#.*)?$`, "m");
}

function problemOf(line: string, number: number): string[] {
  if (/^\s*(?:#|$)/.test(line)) return [];
  const place = `line ${number} of ${environmentFile}`;
  const [, name] = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=/.exec(line) ?? [];
  if (name === undefined) return [`${environmentFile}: line ${number} is neither NAME=value nor a comment.`];
  return [
    `${name}: ${place} has a value that can be read in more than one way. Put the value in single quotes.`,
  ];
}
