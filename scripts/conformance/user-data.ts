import { ConfigurationInvalid } from "../../src/errors.ts";
import { createPrivateFile } from "../../src/files/private-file.ts";
import { shellWord } from "../../src/fix.ts";
import { NoAnswer } from "../client/no-answer.ts";
import type { Answer } from "../client/signed-client.ts";
import { UsageWrong } from "../command.ts";
import { describeAnswer, isDone, isErrorCode404, parseObject, readOwnIdData } from "./answers.ts";
import { Deviation } from "./case.ts";
import { isTestData } from "./test-data.ts";

/** The data of the test user when the run began. `isKnown` is false if the server did not return it. */
export interface UserData {
  readonly isKnown: boolean;
  /** `null` means no data. */
  readonly value: string | null;
}

export const unknownData: UserData = { isKnown: false, value: null };

const restoreAttempts = 3;
const restorePauseMs = 500;

/**
 * Reads the answer to the first lookup of the test user.
 *
 * @throws {ConfigurationInvalid} the server refuses the signature
 * @throws {UsageWrong} the server has no such user or is not at this address, or the data are those of another run
 */
export function readUserData(answer: Answer, url: string, user: string): UserData {
  const { status, headers } = answer;
  if (status === 401 || status === 403) throw new ConfigurationInvalid([secretRefused(url, status)]);
  if (status === 404 || isErrorCode404(answer)) {
    throw new UsageWrong(
      `The server at ${url} answers ${describeAnswer(answer)} for ${user}. Name an existing user with --user, or correct ` +
        "the base URL if the three endpoints are not directly below it.",
    );
  }
  if (status === 423) throw new UsageWrong("The site has blocked this user. Name another one with --user.");
  if (status >= 300 && status < 400) {
    throw new UsageWrong(
      `${url} redirects to ${headers.get("location") ?? "nowhere"}. OwnID does not follow redirects, and neither does this ` +
        "command: name the address itself.",
    );
  }
  if (saysNull(answer)) return { isKnown: true, value: null };
  try {
    const value = readOwnIdData(answer);
    if (value !== null && isTestData(value)) throw new UsageWrong(otherRun(url, user));
    return { isKnown: true, value };
  } catch (error) {
    if (!(error instanceof Deviation)) throw error;
    return unknownData;
  }
}

/**
 * Returns the message for a user who has data of another run. This run would otherwise restore that data after the
 * other run has restored the user's own.
 */
function otherRun(url: string, user: string): string {
  return (
    `${user} has data of another conformance run. Wait until it has ended, or name another user with --user. If it was ` +
    `killed, run: ${setCommand(url, user)} --data ''`
  );
}

function setCommand(url: string, user: string): string {
  return `bun run sign set ${shellWord(user)} --url ${shellWord(url)} --send`;
}

/** Returns whether the server says in its own way that the user has no data. */
function saysNull({ status, body }: Answer): boolean {
  const json = status === 200 ? parseObject(body) : null;
  return json !== null && (json.ownIdData === null || Object.keys(json).length === 0);
}

function secretRefused(url: string, status: number): string {
  return (
    `OWNID_SHARED_SECRET: the server at ${url} refuses the first signature (${status}). Set OWNID_SHARED_SECRET (or ` +
    "OWNID_SHARED_SECRET_FILE) to the server's secret, and compare the clocks. If both are right, the server computes " +
    "signatures wrongly: compare them with scripts/conformance/vectors.json."
  );
}

export interface Restoration {
  readonly url: string;
  readonly user: string;
  readonly set: (ownIdData: string) => Promise<Answer>;
}

/**
 * Restores the data of the test user and returns `null`. If the server does not accept it, the data is written to a
 * private file in `./data`, and the returned text says what to do.
 */
export async function restoreUserData({ value }: UserData, restoration: Restoration): Promise<string | null> {
  const { url, user, set } = restoration;
  let failure = "";
  for (let attempt = 1; attempt <= restoreAttempts; attempt += 1) {
    if (attempt > 1) await Bun.sleep(restorePauseMs);
    try {
      const answer = await set(value ?? "");
      if (isDone(answer)) return null;
      failure = describeAnswer(answer);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      failure = error.message;
    }
  }
  const begun = `The data of ${user} could NOT be restored: ${failure}`;
  const command = setCommand(url, user);
  if (value === null) return `${begun}\nThe user had none. Once the server works, run:\n${command} --data ''`;
  const file = `./data/conformance-user-data-${Date.now()}`;
  createPrivateFile(file, value);
  return `${begun}\nIt is in ${file}. Once the server works, run this, then delete the file:\n${command} < ${file}`;
}
