import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import { ConfigurationInvalid } from "../../src/errors.ts";
import { readSigningKeys } from "../../src/sessions/signing-keys.ts";
import { type Check, fine, shellWord, type Verdict, warning, wrong } from "./check.ts";

export interface Files {
  /** SESSION_KEYS_FILE. */
  readonly keys: string;
  /** The file that Bun reads the environment from. */
  readonly environment: string;
  /** Whether a start makes what is missing. */
  readonly isMadeAtStart: boolean;
}

const others = 0o007;
const groupOrOthers = 0o077;
const groupOrOthersWrite = 0o022;
const sticky = 0o1000;

const keys: Check<Files> = {
  id: "files.keys",
  title: "signing keys",
  async examine({ keys, isMadeAtStart }) {
    if (factsOf(keys) === null && isMadeAtStart) return fine("none yet: the first start makes them");
    try {
      const { active, publicKeys } = await readSigningKeys(keys);
      return fine(`${active.algorithm}, one active key of ${publicKeys.keys.length}`);
    } catch (error) {
      if (!(error instanceof ConfigurationInvalid)) throw error;
      const mend =
        factsOf(keys) === null
          ? generate
          : `mv ${shellWord(keys)} ${shellWord(`${keys}.broken`)} && ${generate}`;
      return wrong(error.problems.join(" "), mend);
    }
  },
};

const generate = "bun run keys generate";

const keysMode: Check<Files> = {
  id: "files.keys-mode",
  title: "keys are private",
  examine: ({ keys }) => judgePrivacy(keys, "the signing keys", groupOrOthers),
};

const keysOwner: Check<Files> = {
  id: "files.keys-owner",
  title: "keys' owner",
  examine({ keys }) {
    const facts = factsOf(keys);
    const self = process.getuid?.();
    if (facts === null || self === undefined || facts.uid === self) return fine("this account");
    return warning(
      "the signing keys belong to another account than this one",
      `chown "$(id -un)" ${shellWord(keys)}`,
    );
  },
};

const environmentFile: Check<Files> = {
  id: "files.env",
  title: ".env is private",
  examine: ({ environment }) => judgePrivacy(environment, "the settings and their secrets", others),
};

const folder: Check<Files> = {
  id: "files.folder",
  title: "data folder",
  examine({ keys, isMadeAtStart }) {
    const path = dirname(keys);
    const facts = factsOf(path);
    if (facts === null && isMadeAtStart) return fine("none yet: the first start makes it");
    if (facts === null)
      return wrong("the folder of the signing keys is missing", `mkdir -m 700 -p ${shellWord(path)}`);
    if ((facts.mode & groupOrOthersWrite) !== 0 && (facts.mode & sticky) === 0) {
      return wrong(
        "other accounts can put their own keys into the data folder",
        `chmod go-w ${shellWord(path)}`,
      );
    }
    if (!mayWrite(path))
      return warning(
        "this account cannot write the data folder, so it cannot rotate keys",
        `chmod u+w ${shellWord(path)}`,
      );
    return fine("there, and only this account writes it");
  },
};

export const fileChecks: readonly Check<Files>[] = [keys, keysMode, keysOwner, folder, environmentFile];

/** It is wrong where `forbidden` may open it; a group may be there for that very purpose. */
function judgePrivacy(path: string, what: string, forbidden: number): Verdict {
  const facts = factsOf(path);
  if (facts === null) return fine("no such file");
  if ((facts.mode & groupOrOthers) === 0) return fine("mode 0600 or less");
  const mode = (facts.mode & 0o777).toString(8).padStart(4, "0");
  const verdict = (facts.mode & forbidden) === 0 ? warning : wrong;
  return verdict(`other accounts may open ${what} (mode ${mode})`, `chmod 600 ${shellWord(path)}`);
}

/** `null` when there is nothing at the path. */
export function factsOf(
  path: string,
): { readonly mode: number; readonly uid: number; readonly size: number } | null {
  return statSync(path, { throwIfNoEntry: false }) ?? null;
}

export function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
