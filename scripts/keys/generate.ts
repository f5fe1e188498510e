import { readFileSync } from "node:fs";
import { codeOf } from "../../src/error-code.ts";
import { ConfigurationInvalid } from "../../src/errors.ts";
import { importKey } from "../../src/sessions/key-making.ts";
import { createSigningKeys } from "../../src/sessions/signing-keys.ts";
import type { KeyFileSettings, Report } from "./change.ts";
import { list } from "./list.ts";

/** Creates the file of the keys. The first key is the one in `pemFile`, or a new one if that is `null`. */
export async function generate(settings: KeyFileSettings, pemFile: string | null): Promise<Report> {
  const { keysFile, algorithm } = settings;
  const first = pemFile === null ? null : await importKey(readPem(pemFile), algorithm, Date.now());
  if (await createSigningKeys(keysFile, algorithm, first)) return list(settings);
  const lines = [`${keysFile} exists already and was left as it is.`];
  return { isDone: false, lines, facts: { file: keysFile } };
}

function readPem(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigurationInvalid([`--from: the file cannot be read (${codeOf(error)}).`]);
  }
}
