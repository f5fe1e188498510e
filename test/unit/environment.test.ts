import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { type ProcessStart, takeEnvironment } from "../../src/config/environment.ts";
import { readEnvironmentFile } from "../../src/config/environment-file.ts";
import { ConfigurationInvalid } from "../../src/errors.ts";

const marker = "hunter2";

function problemsOf(work: () => unknown): readonly string[] {
  try {
    work();
    return [];
  } catch (error) {
    if (error instanceof ConfigurationInvalid) return error.problems;
    throw error;
  }
}

describe(".env", () => {
  function read(content: string) {
    using folder = temporaryFolder();
    writeFileSync(folder.at(".env"), content);
    return readEnvironmentFile(folder.path);
  }

  test("gives each value as it is written", () => {
    const lines = [
      "# a comment",
      "PLAIN=postgres://user:p$$w@h/d",
      "DOLLAR=a$HOME",
      "  SPACED =  two words  # a comment",
      "export EXPORTED=yes",
      `DOUBLE="p#ss $HOME $"`,
      `SINGLE='p#ss \${HOME} "quoted" \\n' # a comment`,
      "EMPTY=",
      "HASHES=earlier",
      'HASHES="#"',
      'HASHES="#"',
      "PEM='-----BEGIN",
      "# not a comment",
      "-----END'",
    ];
    const expected = {
      PLAIN: "postgres://user:p$$w@h/d",
      DOLLAR: "a$HOME",
      SPACED: "two words",
      EXPORTED: "yes",
      DOUBLE: "p#ss $HOME $",
      SINGLE: `p#ss \${HOME} "quoted" \\n`,
      EMPTY: "",
      HASHES: "#",
      PEM: "-----BEGIN\n# not a comment\n-----END",
    };
    expect(read(lines.join("\n"))).toEqual(expected);
    expect(read(`\uFEFF${lines.slice(0, 8).join("\r\n")}`)).toMatchObject({
      PLAIN: expected.PLAIN,
      EMPTY: "",
    });
  });

  test("that does not exist is empty", () => {
    using folder = temporaryFolder();
    expect(readEnvironmentFile(folder.path)).toEqual({});
  });

  test("is refused where readers disagree about a line, by its number and without its value", () => {
    const ambiguous = [
      `A=${marker}#x`,
      `A=#${marker}`,
      `A="${marker}"#x`,
      `A="${marker}" x`,
      `A='it's ${marker}'`,
      `A="${marker}\\n"`,
      `A="${marker}\\"x"`,
      `A="${marker}`,
      `A=\${B}${marker}`,
      `A="\${${marker}}"`,
      `A=${marker}#x\nA=1`,
    ];
    for (const text of ambiguous) {
      const problems = problemsOf(() => read(`FIRST=1\n${text}\n`));
      expect({ text, problems }).toEqual({
        text,
        problems: [expect.stringMatching(/^A: line [23] of \.env .*single quotes\.$/)],
      });
      expect(problems.join()).not.toContain(marker);
    }
    for (const text of [`A ${marker}`, `A: ${marker}`, marker]) {
      expect(problemsOf(() => read(`\n${text}`))).toEqual([
        ".env: line 2 is neither NAME=value nor a comment.",
      ]);
    }
  });

  test("that cannot be read is refused", () => {
    using folder = temporaryFolder();
    mkdirSync(folder.at(".env"));
    expect(problemsOf(() => readEnvironmentFile(folder.path))).toEqual([
      ".env is a folder instead of a file.",
    ]);
  });
});

describe("the environment of a process", () => {
  const start = (variables: ProcessStart["variables"], ...flags: string[]): ProcessStart => ({
    variables,
    flags,
  });

  test("is what the process was started with, and .env for the rest", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.at(".env"), "PORT=1\nHOST='#'\nEMPTY=x\n");
    writeFileSync(folder.at(".env.local"), "LOCAL=1\n");
    // As Bun leaves them.
    const variables = { PATH: "/bin", PORT: "2", HOST: "", EMPTY: "", LOCAL: "1" };
    const sources = takeEnvironment(variables, folder.path, start({ PATH: "/bin", PORT: "2", EMPTY: "" }));
    expect(variables).toEqual({ PATH: "/bin", PORT: "2", HOST: "#", EMPTY: "" } as never);
    expect(sources).toEqual({
      fromFile: ["HOST"],
      overridden: ["PORT", "EMPTY"],
      ignoredFiles: [".env.local"],
    });
  });

  test("is refused where Bun has read files and the system does not tell what it changed", () => {
    using folder = temporaryFolder();
    const take = (...flags: string[]) =>
      problemsOf(() => takeEnvironment({}, folder.path, start(null, ...flags)));
    expect(take()).toEqual([]);
    writeFileSync(folder.at(".env.production"), "A=1");
    expect(take()).toEqual([expect.stringContaining("bun --no-env-file")]);
    expect(take("--no-env-file")).toEqual([]);
    writeFileSync(folder.at("bunfig.toml"), "env = false\n");
    expect(take()).toEqual([]);
  });

  test("is refused where Bun was told to read a file of another name", () => {
    for (const flags of [["--env-file=/etc/sidecar.env"], ["--env-file", "/etc/sidecar.env"]]) {
      expect(problemsOf(() => takeEnvironment({}, "/nowhere", start({}, ...flags)))).toEqual([
        expect.stringMatching(/^--env-file: /),
      ]);
    }
    expect(problemsOf(() => takeEnvironment({}, "/nowhere", start({}, "--env-file=")))).toEqual([]);
  });
});
