import { createPublicKey, type JsonWebKeyInput } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import jsonwebtoken from "jsonwebtoken";
import { fetchDirect } from "./client/fetch-direct.ts";
import { type ExitStatus, refuseOperands, runCommand } from "./command.ts";
import { print, showStep, tell } from "./progress.ts";
import { freePort } from "./servers/free-port.ts";
import { eventually } from "./servers/waiting.ts";
import { stopOnSignal, untilStopped } from "./stop-on-signal.ts";

const help = `Follows the quick start of README.md word for word in a clean clone of this
repository's last commit, on free ports, and checks every answer that README.md
promises. Then a JWT library that the sidecar does not use verifies the session
token with the published keys.

  bun run quick-start

Exits 0 if every answer is the promised one, 1 if one is not, 2 on wrong usage.
`;

const readyMs = 120_000;

interface Step {
  readonly command: string;
  /** What the README says the command prints first, such as `HTTP 204`, up to an ellipsis; empty if it says nothing. */
  readonly promise: string;
}

/** The quick start cannot be followed to its end. `message` says why. */
class CannotFollow extends Error {}

await runCommand({
  help,
  options: {},
  async run(operands): Promise<ExitStatus> {
    refuseOperands(operands, "quick-start");
    const stop = stopOnSignal("Stopping the sidecar and deleting the clone.");
    const folder = mkdtempSync(join(tmpdir(), "ownid-quick-start-"));
    try {
      showStep("cloning the last commit");
      await clone(folder);
      return stop.aborted ? 1 : await followReadme(folder, stop);
    } catch (error) {
      if (!(error instanceof CannotFollow)) throw error;
      tell(`${error.message}\n`);
      return 1;
    } finally {
      showStep("");
      rmSync(folder, { recursive: true, force: true });
    }
  },
});

async function clone(folder: string): Promise<void> {
  const git = Bun.spawn(["git", "clone", "--quiet", join(import.meta.dir, ".."), folder], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const [complaints, status] = await Promise.all([git.stderr.text(), git.exited]);
  if (status !== 0) throw new CannotFollow(`This repository cannot be cloned:\n${complaints.trimEnd()}`);
}

async function followReadme(cwd: string, stop: AbortSignal): Promise<ExitStatus> {
  const [start, ...steps] = readSteps(readFileSync(join(cwd, "README.md"), "utf8"));
  if (start === undefined || steps.length === 0) throw new CannotFollow("README.md has no quick start.");
  const [port, opsPort] = [await freePort(), await freePort()];
  const env = {
    ...process.env,
    PORT: String(port),
    OPS_PORT: String(opsPort),
    DRAIN_SECONDS: "0",
    NODE_ENV: undefined,
  };
  // The sidecar has its own process group, since npx does not pass signals on.
  const sidecar = Bun.spawn(["sh", "-c", `exec ${start.command}`], {
    detached: true,
    cwd,
    env,
    stdout: "ignore",
    stderr: "inherit",
  });
  const ended = sidecar.exited.then((status) => {
    throw new CannotFollow(`The sidecar ended with status ${status} before it was ready.`);
  });
  const followed = async (): Promise<ExitStatus> => {
    showStep(`waiting for the sidecar: ${start.command}`);
    await Promise.race([waitUntilReady(`http://127.0.0.1:${opsPort}/readyz`), ended]);
    const lastAnswer = await takeSteps(steps, { cwd, env, stop });
    if (lastAnswer === null) return 1;
    return (await verifyToken(lastAnswer, `http://127.0.0.1:${port}/.well-known/jwks.json`)) ? 0 : 1;
  };
  try {
    return await Promise.race([followed(), untilStopped(stop).then((): ExitStatus => 1)]);
  } finally {
    ended.catch(() => {});
    if (sidecar.exitCode === null) process.kill(-sidecar.pid, "SIGTERM");
    await waitUntilGone(`http://127.0.0.1:${opsPort}/livez`);
    await sidecar.exited;
  }
}

interface Surroundings {
  readonly cwd: string;
  readonly env: Record<string, string | undefined>;
  readonly stop: AbortSignal;
}

/** Returns the last answer, or `null` if an answer was not the promised one. */
async function takeSteps(steps: readonly Step[], { cwd, env, stop }: Surroundings): Promise<string | null> {
  let allHold = true;
  let lastAnswer = "";
  for (const { command, promise } of steps) {
    showStep(command);
    lastAnswer = await shell(command, { cwd, env });
    if (stop.aborted) return null;
    const holds = lastAnswer.replaceAll("\n", " ").startsWith(promise);
    allHold &&= holds;
    print(`${holds ? "ok  " : "FAIL"}  ${command}\n      ${lastAnswer.split("\n", 1)[0]}\n`);
  }
  showStep("");
  return allHold ? lastAnswer : null;
}

/** Returns the lines of the fenced blocks that are marked `quick-start`. */
function readSteps(readme: string): Step[] {
  const blocks = [...readme.matchAll(/^```sh quick-start\n([\s\S]*?)^```$/gm)].map(
    ([, block]) => block ?? "",
  );
  const lines = blocks.flatMap((block) => block.split("\n")).filter((line) => line.trim() !== "");
  return lines.map((line) => {
    const [, command = line, promise = ""] = /^(.*?)(?:\s+#\s+([^…]*).*)?$/.exec(line) ?? [];
    return { command, promise };
  });
}

/** Runs one line in a shell and returns its standard output, whatever its exit status. */
async function shell(command: string, options: Pick<Surroundings, "cwd" | "env">): Promise<string> {
  const child = Bun.spawn(["sh", "-c", command], {
    ...options,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  return child.stdout.text();
}

async function waitUntilReady(url: string): Promise<void> {
  if (await eventually(async () => (await statusOf(url)) === 200, true, readyMs)) return;
  throw new CannotFollow(`The sidecar did not get ready in ${readyMs / 1000} s.`);
}

async function waitUntilGone(url: string): Promise<void> {
  await eventually(() => statusOf(url), null, readyMs);
}

/** Returns `null` if nothing answers. */
async function statusOf(url: string): Promise<number | null> {
  return fetchDirect(url).then(
    ({ status }) => status,
    () => null,
  );
}

async function verifyToken(answer: string, jwksUrl: string): Promise<boolean> {
  const token = /"token":"([^"]+)"/.exec(answer)?.[1] ?? "";
  const { keys } = (await (await fetchDirect(jwksUrl)).json()) as {
    keys: (JsonWebKeyInput["key"] & { kid: string })[];
  };
  const kid = jsonwebtoken.decode(token, { complete: true })?.header.kid;
  const key = keys.find((candidate) => candidate.kid === kid);
  if (key === undefined) return false;
  const publicKey = createPublicKey({ key, format: "jwk" });
  const claims = jsonwebtoken.verify(token, publicKey, {
    algorithms: ["ES256"],
    issuer: "ownid-sidecar",
    audience: "website",
  });
  print(`ok    jsonwebtoken verifies the session of ${claims.sub}\n`);
  return true;
}
