import { casesOf, countOutcomes, type Report, type ShownCase } from "./result.ts";

/**
 * Returns the report as JUnit XML with one suite per profile. A should that does not hold is reported in `system-out`,
 * not as a failure.
 */
export function junitXml(report: Report): string {
  const suites = report.profiles.map((profile) => {
    const cases = casesOf(profile, report);
    return `${openingTag("testsuite", `conformance ${profile}`, cases)}\n${cases.map(testCase).join("")}  </testsuite>\n`;
  });
  const head = openingTag("testsuites", `conformance of ${report.target}`, report.cases);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${head.trimStart()}\n${suites.join("")}${stoppedSuite(report)}</testsuites>\n`;
}

function openingTag(tag: "testsuite" | "testsuites", name: string, cases: readonly ShownCase[]): string {
  const { fail, skip } = countOutcomes(cases);
  const seconds = cases.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000;
  const skipped = tag === "testsuite" ? ` skipped="${skip}"` : "";
  return `  <${tag} name="${xml(name)}" tests="${cases.length}" failures="${fail}" errors="0"${skipped} time="${seconds}">`;
}

function testCase(shown: ShownCase): string {
  const { id, profile, durationMs } = shown;
  const content = contentOf(shown);
  const tag = `    <testcase name="${id}" classname="conformance.${profile}" time="${durationMs / 1000}"`;
  return content === "" ? `${tag}/>\n` : `${tag}>\n      ${content}\n    </testcase>\n`;
}

function contentOf({ outcome, level, contract, found, hint }: ShownCase): string {
  switch (outcome) {
    case "pass":
      return "";
    case "fail":
      return `<failure message="${xml(found)}" type="${level}">${xml(`${contract}\n${found}\n${hint}`)}</failure>`;
    case "skip":
      return `<skipped message="${xml(found)}"/>`;
    case "warn":
    case "note":
      return `<system-out>${xml(`${outcome === "warn" ? "Warning" : "Note"}: ${contract}\n${found}\n${hint}`)}</system-out>`;
  }
}

/** A run that did not reach its end must not look like one that passed. */
function stoppedSuite({ stopped, notRestored }: Report): string {
  const problems = [stopped, notRestored].filter((problem) => problem !== null);
  if (problems.length === 0) return "";
  const failures = problems.map(
    (problem) =>
      `    <testcase name="the run itself" classname="conformance.run">\n      <error message="${xml(problem)}"/>\n    </testcase>\n`,
  );
  const counts = `tests="${problems.length}" failures="0" errors="${problems.length}"`;
  return `  <testsuite name="conformance run" ${counts}>\n${failures.join("")}  </testsuite>\n`;
}

/**
 * Escapes a text for XML 1.0. Most control characters are not allowed there even if they are escaped, so they are
 * replaced.
 */
function xml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these characters are replaced
  return Bun.escapeHTML(text.toWellFormed().replaceAll(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\ufffd"));
}
