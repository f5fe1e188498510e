import { loadConfig } from "../src/config/load-config.ts";
import { developmentSharedSecret } from "../src/development.ts";
import { signMessage } from "../src/protocol/signature.ts";
import { type ExitStatus, runCommand, UsageWrong } from "./command.ts";
import { listenerUrl } from "./listener-url.ts";

const help = `Signs a request as OwnID does and prints the curl command that sends it, good for a minute.

  bun run sign get     <loginId>
  bun run sign set     <loginId> --data TEXT
  bun run sign session <loginId> --session-type browser

  --data TEXT          set: the ownIdData to write; without it, standard input is read
  --session-type TYPE  session: browser or mobile
  --send               send it and show the answer; exits 0 if the answer is 2xx
  --url URL            where the sidecar is (default: from HOST, PORT and BASE_PATH)
  --json               print JSON
`;

const endpoints = {
  get: "getOwnIDDataByLoginId",
  set: "setOwnIDDataByLoginId",
  session: "getSessionByLoginId",
} as const;

type Action = keyof typeof endpoints;

interface SignedRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

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
    const config = loadConfig(process.env, developmentSharedSecret);
    const [secret] = config.signature.sharedSecrets.reveal();
    if (secret === undefined) throw new UsageWrong("Set OWNID_SHARED_SECRET.");
    const body = JSON.stringify({
      loginId,
      ...(action === "set" ? { ownIdData: options.data ?? (await Bun.stdin.text()) } : {}),
      ...(action === "session" ? { sessionType: options["session-type"] } : {}),
    });
    const timestamp = String(Date.now());
    const request = {
      url: `${options.url ?? listenerUrl(config.publicListener)}/${endpoints[action]}`,
      headers: {
        "content-type": "application/json",
        "ownid-signature": signMessage(body, timestamp, secret),
        "ownid-timestamp": timestamp,
      },
      body,
    };
    return options.send ? send(request, options.json) : print(request, options.json);
  },
});

function isAction(word: string | undefined): word is Action {
  return word !== undefined && Object.hasOwn(endpoints, word);
}

function print(request: SignedRequest, asJson: boolean): ExitStatus {
  const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const headers = Object.entries(request.headers).map(
    ([name, value]) => `  -H ${quote(`${name}: ${value}`)}`,
  );
  const curl = [`curl -si ${quote(request.url)}`, ...headers, `  --data-raw ${quote(request.body)}`].join(
    " \\\n",
  );
  process.stdout.write(`${asJson ? JSON.stringify(request) : curl}\n`);
  return 0;
}

async function send({ url, headers, body }: SignedRequest, asJson: boolean): Promise<ExitStatus> {
  const response = await fetch(url, { method: "POST", headers, body }).catch(() => null);
  if (response === null) {
    process.stderr.write(`Nothing answers at ${url}. Start the sidecar with: bun run start\n`);
    return 1;
  }
  const { status, statusText } = response;
  const text = await response.text();
  const shown = `HTTP ${status} ${statusText}\n${text === "" ? "" : `${text}\n`}`;
  process.stdout.write(asJson ? `${JSON.stringify({ status, body: text })}\n` : shown);
  return response.ok ? 0 : 1;
}
