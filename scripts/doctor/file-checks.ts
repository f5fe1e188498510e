import { dirname } from "node:path";
import { ConfigurationInvalid } from "../../src/errors.ts";
import { changeMode, closedFolder, factsOf, grantAccess, isOwn, may } from "../../src/files/file-access.ts";
import { command, fixBy, fixWhen, shellWord } from "../../src/fix.ts";
import type { SessionAlgorithm } from "../../src/sessions/key-algorithms.ts";
import { KeyAlgorithmDiffers } from "../../src/sessions/key-file.ts";
import { readSigningKeys } from "../../src/sessions/signing-keys.ts";
import { auditFileCheck } from "./audit-file-check.ts";
import { type Check, fine, type Verdict, warning, wrong } from "./check.ts";
import { judgePrivacy, judgeWay } from "./file-privacy.ts";
import { stateFileCheck } from "./state-file-check.ts";

export interface Files {
  /** Whether the sidecar issues tokens. If it does not, it needs neither keys nor a record of revocations. */
  readonly issuesTokens: boolean;
  /** SESSION_ALG. HS256 needs no file of keys. */
  readonly algorithm: SessionAlgorithm;
  /** SESSION_KEYS_FILE. */
  readonly keys: string;
  /** STATE_FILE; `null` if Redis replaces it. */
  readonly state: string | null;
  /** AUDIT_LOG. */
  readonly audit: string | null;
  /** The file from which settings are read. */
  readonly environment: string;
  /** Files that contain a secret, by the setting that names them. */
  readonly secrets: readonly { readonly variable: string; readonly path: string }[];
  /** Whether a start creates what is missing. */
  readonly isMadeAtStart: boolean;
}

const groupOrOthersWrite = 0o022;
const sticky = 0o1000;
const root = 0;

const keys: Check<Files> = {
  id: "files.keys",
  title: "signing keys",
  async examine({ algorithm, keys, isMadeAtStart }) {
    if (algorithm === "HS256") return fine("none: HS256 signs with SESSION_SECRET");
    const move = "Move the keys to a folder that this account may enter, and name them by SESSION_KEYS_FILE";
    const noWay = judgeWay(keys, move);
    if (noWay !== null) return noWay;
    if (factsOf(keys) === null && isMadeAtStart) return fine("none yet: the first start creates them");
    try {
      const { active, publicKeys } = await readSigningKeys(keys, algorithm);
      return fine(`${active.algorithm}, one active key of ${publicKeys.keys.length}`);
    } catch (error) {
      if (!(error instanceof ConfigurationInvalid)) throw error;
      if (error instanceof KeyAlgorithmDiffers) return wrong(error.message, `SESSION_ALG=${error.found}`);
      return judgeBrokenKeys(keys, error.problems.join(" "));
    }
  },
};

/** Whatever is wrong with an existing file, no fix may discard its keys, because sessions depend on them. */
function judgeBrokenKeys(path: string, problem: string): Verdict {
  if (factsOf(path) === null) return wrong(problem, fixBy(command("service", "bun run keys generate")));
  if (!may("read", path))
    return wrong("this account cannot read the signing keys", fixBy(...grantAccess("read", path)));
  return wrong(problem, [
    fixWhen("Restore the file from a backup. New keys would end every session that the old ones signed"),
  ]);
}

const keysMode: Check<Files> = {
  id: "files.keys-mode",
  title: "keys are private",
  examine: ({ keys }) => judgePrivacy(keys, "the signing keys"),
};

const keysOwner: Check<Files> = {
  id: "files.keys-owner",
  title: "keys' owner",
  examine({ keys }) {
    const facts = closedFolder(keys) === null ? factsOf(keys) : null;
    if (facts === null || isOwn(facts)) return fine("this account");
    if (facts.uid === root) return fine("root");
    return warning(`the signing keys belong to the account ${facts.uid}, which can replace them`, [
      fixWhen(
        "If that account does not manage the keys",
        command("root", `chown ${process.getuid?.()} ${shellWord(keys)}`),
      ),
    ]);
  },
};

const environmentFile: Check<Files> = {
  id: "files.env",
  title: ".env is private",
  examine: ({ environment }) => judgePrivacy(environment, "the settings and their secrets"),
};

const folder: Check<Files> = {
  id: "files.folder",
  title: "data folder",
  examine({ keys, isMadeAtStart }) {
    if (closedFolder(keys) !== null) return fine("managed by another account");
    const path = dirname(keys);
    const facts = factsOf(path);
    if (facts === null && isMadeAtStart) return fine("none yet: the first start creates it");
    if (facts === null)
      return wrong(
        "the folder of the signing keys is missing",
        fixBy(command("service", `mkdir -m 700 -p ${shellWord(path)}`)),
      );
    if ((facts.mode & groupOrOthersWrite) !== 0 && (facts.mode & sticky) === 0) {
      return wrong(
        "other accounts can put their own keys into the data folder",
        fixBy(changeMode("go-w", path)),
      );
    }
    if (isOwn(facts) && !may("write", path))
      return warning(
        "this account cannot write the data folder, so it cannot rotate keys",
        fixBy(...grantAccess("write", path)),
      );
    return fine(
      isOwn(facts) ? "exists, and only this account can write to it" : "managed by another account",
    );
  },
};

const ofKeys: readonly Check<Files>[] = [keysMode, keysOwner, folder];

function judgeSecret(path: string): Verdict {
  const noWay = judgeWay(path, "Move the file to a folder that this account may enter, and name it there");
  if (noWay !== null) return noWay;
  if (factsOf(path) !== null && !may("read", path))
    return wrong("this account cannot read the secret", fixBy(...grantAccess("read", path)));
  return judgePrivacy(path, "the secret");
}

/** Adds one check for each file that contains a secret. */
export function fileChecks({ issuesTokens, algorithm, secrets }: Files): readonly Check<Files>[] {
  const ofSecrets = secrets.map(
    ({ variable, path }): Check<Files> => ({
      id: `files.${variable}`,
      title: variable,
      examine: () => judgeSecret(path),
    }),
  );
  const ofFile = algorithm === "HS256" ? [] : ofKeys;
  const ofTokens = issuesTokens ? [keys, ...ofFile, stateFileCheck] : [];
  return [...ofTokens, auditFileCheck, environmentFile, ...ofSecrets];
}
