import { endpoints } from "../client/endpoints.ts";
import { NoAnswer } from "../client/no-answer.ts";
import type { Target } from "../client/target.ts";
import { showStep, tell } from "../progress.ts";
import { stopOnSignal } from "../stop-on-signal.ts";
import type { Case } from "./case.ts";
import { createRedact } from "./redact.ts";
import { makeReport, type Report } from "./result.ts";
import { type Run, runCases } from "./run.ts";
import { createSite, type ObservedSite } from "./site.ts";
import { newStranger } from "./test-data.ts";
import { readUserData, restoreUserData, type UserData, unknownData } from "./user-data.ts";
import { createWire, type Wire, type WireOptions } from "./wire.ts";

export interface ExamineOptions {
  readonly target: Target;
  /** The host that `--i-own-this-host` named, or `null`. */
  readonly ownedHost: string | null;
  readonly cases: readonly Case[];
  readonly user: string;
  readonly blockedUser: string | null;
  /** One secret, or two during a rotation. */
  readonly sharedSecrets: readonly Uint8Array[];
}

/**
 * Runs the cases against the server, and restores the data of the test user however the run ends. SIGINT and SIGTERM
 * end the run after the request that is in flight.
 *
 * @throws {NoAnswer} nothing answers
 * @throws {ConfigurationInvalid} the server refuses the shared secret
 * @throws {UsageWrong} the server does not know the user
 */
export async function examine(options: ExamineOptions): Promise<Report> {
  const { target, ownedHost, cases, user, blockedUser, sharedSecrets } = options;
  const [sharedSecret = new Uint8Array(), secondSecret = null] = sharedSecrets;
  const startedAt = new Date();
  const startMs = performance.now();
  const stop = stopOnSignal(
    "Stopping: the user's data is being restored. A second Ctrl-C would leave it overwritten.",
  );
  const wire = createWire({ target, sharedSecret, stop });
  showStep(`waiting for the first answer of ${target.url}`);
  const before = await lookAtUser(wire, target.url, user);
  wire.takeExchanges();
  const site = createSite({ wire, user, blockedUser, secondSecret, initialValue: before.value });
  const onCase = (id: string, done: number) => showStep(`${done + 1} of ${cases.length}  ${id}`);
  let run: Run;
  let notRestored: string | null = null;
  try {
    run = await runCases({ cases, site, wire, mayWrite: before.isKnown, onCase });
  } finally {
    showStep("restoring the user's data");
    notRestored = await restore(site, before, { target, sharedSecret, user });
    showStep("");
    if (notRestored !== null) tell(`${notRestored}\n`);
  }
  return makeReport({
    target: target.url,
    user,
    ownedHost,
    startedAt,
    durationMs: performance.now() - startMs,
    ...run,
    notRestored,
    redact: createRedact({ sharedSecrets, initialValue: before.value, isOurs: site.isOurs }),
  });
}

/**
 * Looks up the data of the test user. If the server answers other lookups but not this one, it is examined without the
 * cases that write.
 */
async function lookAtUser(wire: Wire, url: string, user: string): Promise<UserData> {
  const lookUp = (loginId: string) => wire.send(wire.sign(endpoints.get, { loginId }));
  try {
    return readUserData(await lookUp(user), url, user);
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    await lookUp(newStranger());
    return unknownData;
  }
}

/** Restores the user's data over a wire of its own, because the limits of the run may be reached. */
async function restore(
  site: ObservedSite,
  before: UserData,
  { target, sharedSecret, user }: Pick<WireOptions, "target" | "sharedSecret"> & { readonly user: string },
): Promise<string | null> {
  if (!before.isKnown || !site.hasWritten()) return null;
  const wire = createWire({ target, sharedSecret, stop: new AbortController().signal });
  const set = (ownIdData: string) => wire.send(wire.sign(endpoints.set, { loginId: user, ownIdData }));
  return restoreUserData(before, { url: target.url, user, set });
}
