import { loadSetting } from "../src/config/load-config.ts";
import { codeOf } from "../src/error-code.ts";
import { fetchDirect } from "./client/fetch-direct.ts";
import { type ExitStatus, refuseOperands, runCommand } from "./command.ts";
import { commandEnvironment } from "./command-environment.ts";
import { listenerUrl } from "./listener-url.ts";
import { reasonOf } from "./reason.ts";

const help = `Asks the sidecar on this machine whether it works, for a container's health
check: GET /livez on the ops listener, where OPS_HOST and OPS_PORT say it is.

  bun run health

  --json  print JSON

Exits 0 if it answers with 200, else 1; 2 on wrong usage, 78 if one of the two
settings is wrong.
`;

const answerMs = 2000;
/** Errors that Bun describes only in its own terms. */
const plainReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the connection was closed without an answer",
};

await runCommand({
  help,
  options: { json: { type: "boolean", default: false } },
  async run(operands, { json }): Promise<ExitStatus> {
    refuseOperands(operands, "health");
    const environment = commandEnvironment();
    const url = listenerUrl({
      host: loadSetting(environment, "OPS_HOST"),
      port: loadSetting(environment, "OPS_PORT"),
      basePath: "/livez",
    });
    const answer = await ask(url);
    process.stdout.write(json ? `${JSON.stringify({ url, answer })}\n` : `${url}: ${answer}\n`);
    return answer === "200" ? 0 : 1;
  },
});

/** Returns the status, or the reason why there is none. */
async function ask(url: string): Promise<string> {
  try {
    const { status } = await fetchDirect(url, { signal: AbortSignal.timeout(answerMs) });
    return String(status);
  } catch (error) {
    return plainReasons[codeOf(error)] ?? reasonOf(error);
  }
}
