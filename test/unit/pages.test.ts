import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import packageJson from "../../package.json";
import type { Setting } from "../../src/config/setting-kinds.ts";
import { settings } from "../../src/config/settings.ts";
import { failureReasons } from "../../src/errors.ts";
import { answers } from "../../src/http/problem.ts";
import { createMetrics } from "../../src/process/metrics.ts";
import { createKeys } from "../../src/redis/keys.ts";

const root = join(import.meta.dir, "../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

/** The rows of every table of a page that has this column first; cells without the code marks. */
function rowsOf(page: string, firstColumn: string): string[][] {
  const tables = new RegExp(`^\\| ${firstColumn} +\\|.*\\n\\|[-| ]+\\|\\n((?:\\|.*\\n)+)`, "gm");
  return [...page.matchAll(tables)].flatMap(([, rows = ""]) =>
    rows
      .trimEnd()
      .split("\n")
      .map((row) =>
        row
          .split(/(?<!\\)\|/)
          .slice(1, -1)
          .map((cell) => cell.trim().replaceAll("`", "")),
      ),
  );
}

describe("the page of settings", () => {
  const rows = rowsOf(read("src/config/README.md"), "variable");

  test("lists every setting once, in the order of settings.ts, with its default", () => {
    const listed = rows.map(([variable = "", value]) => [variable.replace(" *", ""), value]);
    const existing = Object.entries(settings).map(([name, setting]) => [name, setting.default ?? ""]);
    expect(listed).toEqual(existing);
  });

  test("marks exactly the settings that may come from a file", () => {
    const marked = rows.flatMap(([variable = ""]) =>
      variable.endsWith(" *") ? [variable.slice(0, -2)] : [],
    );
    const secret = Object.entries<Setting<unknown>>(settings).flatMap(([name, { isSecret }]) =>
      isSecret ? [name] : [],
    );
    expect(marked).toEqual(secret);
  });
});

describe("the page of answers", () => {
  test("lists every problem code with its status", () => {
    const listed = rowsOf(read("src/http/README.md"), "status").map(([status, code]) => `${code} ${status}`);
    const answered = Object.entries(answers)
      .filter(([code]) => code !== "ERR_USER_UNKNOWN")
      .map(([code, { status }]) => `${code} ${status}`);
    expect(listed.sort()).toEqual(answered.sort());
  });
});

describe("the pages of answers and of site sessions", () => {
  const listed = (page: string, column: string) =>
    rowsOf(read(page), column).flatMap(([reasons = ""]) => reasons.split(", "));

  test("list every reason for which a request is refused or a site makes no session", () => {
    const { ERR_SIGNATURE_INVALID, ERR_PATH_UNKNOWN, ERR_SESSION_PROVIDER_UNAVAILABLE } = failureReasons;
    // No request is refused with this reason, unless the sidecar has a defect.
    const refused = [...ERR_SIGNATURE_INVALID, ...ERR_PATH_UNKNOWN].filter(
      (reason) => reason !== "not verified",
    );
    expect(listed("src/http/README.md", "`reason` of a 401 or 404").sort()).toEqual(refused.sort());
    expect(listed("src/sessions/SITE-SESSIONS.md", "`reason`").sort()).toEqual(
      [...ERR_SESSION_PROVIDER_UNAVAILABLE].sort(),
    );
  });
});

describe("the page of operations", () => {
  test("lists every metric with its labels, and names every event, endpoint and outcome", async () => {
    const metrics = createMetrics();
    metrics.watch({ liveMasters: () => 1, isFilling: () => true, epochsSeen: () => 1 });
    const text = await metrics.text();
    const rows = rowsOf(read("src/process/README.md"), "metric");
    const shown = new Map(rows.map(([metric = "", meaning = ""]) => [metric.replace(/\{.*/, ""), meaning]));
    const existing = [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name = ""]) => name);
    expect([...shown.keys()]).toEqual(existing);
    const missing = [...text.matchAll(/^(\w+)\{(?!code)([^}]*)\}/gm)].flatMap(([, name = "", labels = ""]) =>
      [...labels.matchAll(/"(\w+)"/g)].flatMap(([, value = ""]) =>
        new RegExp(`\\b${value}\\b`).test(shown.get(name) ?? "") ? [] : [`${name}: ${value}`],
      ),
    );
    expect(missing).toEqual([]);
  });
});

describe("the page about Redis", () => {
  test("lists the changes to user rows that a site must announce", () => {
    const [, list = ""] =
      /Tell it whenever\n\n((?:- .*\n| {2}.*\n)+)/.exec(read("src/redis/README.md")) ?? [];
    for (const change of [
      "`ownIdData` is changed",
      "recovery",
      "deleted",
      "renamed",
      "blocked",
      "restored",
    ]) {
      expect(list).toContain(change);
    }
  });
});

describe("the table of keys", () => {
  test("lists every key that is written under the prefix", () => {
    const keys = createKeys("ownid:");
    const written = [
      ...[keys.user(""), keys.seen(new Uint8Array()), keys.revoked(""), keys.revokedBefore("")],
      ...[keys.revokedBeforeAll(0), keys.exchanged(""), keys.epoch(""), keys.installation],
    ];
    const kindOf = (key = "") => key.split(":").slice(0, 2).join(":");
    expect(rowsOf(read("src/redis/README.md"), "key").map(([key]) => kindOf(key))).toEqual(
      written.map(kindOf),
    );
  });
});

describe("every page", () => {
  const pages = [...new Bun.Glob("**/*.md").scanSync({ cwd: root, dot: true })].filter(
    (page) => !/^(?:node_modules|data|dist|\.git)\//.test(page),
  );

  test("names only commands that package.json has", () => {
    const scripts = Object.keys(packageJson.scripts);
    const unknown = pages.flatMap((page) =>
      [...read(page).matchAll(/\b(?:bun|bun@[\d.]+) run ([a-z-]+)/g)].flatMap(([, command = ""]) =>
        scripts.includes(command) ? [] : [`${page}: ${command}`],
      ),
    );
    expect(unknown).toEqual([]);
  });

  test("links only to files and headings that exist", () => {
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].flatMap(
        ([, path = "", heading]) => {
          const target = path === "" ? page : join(dirname(page), path);
          const exists = existsSync(join(root, target));
          const hasHeading = heading === undefined || (exists && headingsOf(read(target)).includes(heading));
          return exists && hasHeading ? [] : [`${page}: ${path}#${heading ?? ""}`];
        },
      ),
    );
    expect(broken).toEqual([]);
  });
});

/** The anchors of a page's headings, as GitHub makes them. */
function headingsOf(page: string): string[] {
  return [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

describe(".env.example", () => {
  test("names only settings that exist", () => {
    const named = [...read(".env.example").matchAll(/^#? ?([A-Z][A-Z0-9_]+)=/gm)].map(
      ([, name = ""]) => name,
    );
    expect(named.filter((name) => !Object.hasOwn(settings, name))).toEqual([]);
  });
});
