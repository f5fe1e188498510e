import { signMessage } from "../src/protocol/signature.ts";
import { baseUrlText, parseBaseUrl } from "./client/base-url.ts";
import { curlCommand } from "./client/curl-command.ts";
import { type Action, actions, endpoints } from "./client/endpoints.ts";
import { NoAnswer } from "./client/no-answer.ts";
import { type SignedRequest, send } from "./client/send.ts";
import { signingSecret } from "./client/signing-secret.ts";
import { type ExitStatus, runCommand, UsageWrong } from "./command.ts";
import { commandConfig } from "./command-environment.ts";
import { listenerUrl } from "./listener-url.ts";
import { showStep, tell } from "./progress.ts";

const help = `Signs a request as OwnID does and prints the curl command that sends it. The
signature is valid for a minute.

  bun run sign get     <loginId>
  bun run sign set     <loginId> --data TEXT
  bun run sign session <loginId> --session-type browser

  --data TEXT          set: the ownIdData to write. Without it, standard input
                       is read
  --session-type TYPE  session: browser or mobile
  --send               send the request and show the answer
  --url URL            where the sidecar is (default: what HOST, PORT and
                       BASE_PATH say)
  --json               print JSON

Exits 0. With --send it exits 0 if the answer is 2xx, and 1 if it is another one
or if there is none. Exits 2 on wrong usage, 78 if a setting is wrong.
`;

await runCommand({
  help,
  options: {
    data: { type: "string" },
    "session-type": { type: "string" },
    send: { type: "boolean", default: false },
    url: { type: "string" },
    json: { type: "boolean", default: false },
  },
  async run([action, loginId, ...rest], options) {
    if (!isAction(action) || loginId === undefined || rest.length > 0) {
      throw new UsageWrong("Say what to sign and for whom: bun run sign get|set|session <loginId>");
    }
    refuseMisplaced(action, options);
    const config = commandConfig();
    const body = JSON.stringify({
      loginId,
      ...(action === "set" ? { ownIdData: options.data ?? (await readData()) } : {}),
      ...(action === "session" ? { sessionType: options["session-type"] } : {}),
    });
    const timestamp = String(Date.now());
    const baseUrl =
      options.url === undefined
        ? listenerUrl(config.publicListener)
        : baseUrlText(parseBaseUrl(options.url, { argument: "--url", takesTls: true }));
    const request = {
      url: `${baseUrl}/${endpoints[action]}`,
      headers: {
        "content-type": "application/json",
        "ownid-signature": signMessage(body, timestamp, signingSecret(config)),
        "ownid-timestamp": timestamp,
      },
      body,
    };
    return options.send ? sendAndShow(request, options.json) : printCurl(request, options.json);
  },
});

function isAction(word: string | undefined): word is Action {
  return actions.some((action) => action === word);
}

/** @throws {UsageWrong} an option would have no effect */
function refuseMisplaced(action: Action, options: { data?: string; "session-type"?: string }): void {
  if (options.data !== undefined && action !== "set") throw new UsageWrong("--data goes with set only.");
  if (options["session-type"] !== undefined && action !== "session") {
    throw new UsageWrong("--session-type goes with session only.");
  }
}

async function readData(): Promise<string> {
  if (process.stdin.isTTY)
    tell("Type the ownIdData, and end it with Ctrl-D on a new line. (--data gives it at once.)\n");
  return Bun.stdin.text();
}

function printCurl(request: SignedRequest, asJson: boolean): ExitStatus {
  process.stdout.write(`${asJson ? JSON.stringify(request) : curlCommand(request)}\n`);
  return 0;
}

async function sendAndShow(request: SignedRequest, asJson: boolean): Promise<ExitStatus> {
  showStep(`waiting for ${request.url}`);
  try {
    const { status, statusText, body } = await send(request);
    showStep("");
    const shown = `HTTP ${status} ${statusText}\n${body === "" ? "" : `${body}\n`}`;
    process.stdout.write(asJson ? `${JSON.stringify({ status, body })}\n` : shown);
    return status >= 200 && status < 300 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    showStep("");
    tell(`${error.message}\n`);
    return 1;
  }
}
