import { RequestInvalid } from "../../src/errors.ts";
import { demoLoginId } from "../../src/process/development.ts";
import { parseLoginId } from "../../src/protocol/login-id.ts";
import { NoAnswer } from "../client/no-answer.ts";
import { resolveTarget } from "../client/target.ts";
import { type ExitStatus, runCommand, UsageWrong } from "../command.ts";
import { commandConfig } from "../command-environment.ts";
import { print, showStep, tell } from "../progress.ts";
import { ensureWritable, writeReport } from "../report/report-file.ts";
import { outputPage } from "../terminal.ts";
import { chooseCases } from "./choice.ts";
import { examine } from "./examine.ts";
import { help } from "./help.ts";
import { htmlReport } from "./html-report.ts";
import { junitXml } from "./junit.ts";
import { reportText } from "./report-text.ts";

await runCommand({
  help,
  options: {
    profile: { type: "string" },
    user: { type: "string", default: demoLoginId },
    "blocked-user": { type: "string" },
    replay: { type: "string" },
    "i-own-this-host": { type: "string" },
    report: { type: "string" },
    junit: { type: "string" },
    json: { type: "boolean", default: false },
  },
  async run([baseUrl, ...rest], options): Promise<ExitStatus> {
    if (baseUrl === undefined || rest.length > 0) {
      throw new UsageWrong("Name one base URL: bun run conformance http://127.0.0.1:3300/ownid");
    }
    const cases = chooseCases(options);
    const { user, "blocked-user": blockedUser = null } = options;
    ensureLoginId("user", user);
    if (blockedUser !== null) ensureLoginId("blocked-user", blockedUser);
    const ownedHost = options["i-own-this-host"];
    const target = await resolveTarget(baseUrl, {
      argument: "The base URL",
      takesTls: true,
      ownedHost,
      danger: "this run overwrites a user's data there",
    });
    const config = commandConfig();
    const sharedSecrets = config.signature.sharedSecrets.reveal();
    const html = { option: "report", path: options.report };
    const junit = { option: "junit", path: options.junit };
    for (const file of [html, junit]) ensureWritable(file);
    const report = await examine({
      target,
      ownedHost: ownedHost ?? null,
      cases,
      user,
      blockedUser,
      sharedSecrets,
    }).catch(reportNoAnswer);
    if (report === null) return 1;
    writeReport(html, htmlReport(report));
    writeReport(junit, junitXml(report));
    const page = { ...outputPage(), showsExchanges: options.replay !== undefined };
    print(options.json ? `${JSON.stringify(report)}\n` : reportText(report, page));
    return report.conforms ? 0 : 1;
  },
});

/** @throws {UsageWrong} */
function ensureLoginId(option: string, loginId: string): void {
  try {
    parseLoginId(loginId, "exact");
  } catch (error) {
    if (!(error instanceof RequestInvalid)) throw error;
    throw new UsageWrong(`--${option}: ${error.message}`);
  }
}

/** Prints why no answer came. Any other error is thrown again. */
function reportNoAnswer(error: unknown): null {
  showStep("");
  if (!(error instanceof NoAnswer)) throw error;
  tell(`${error.message}\n`);
  return null;
}
