import { settings } from "../../src/config/settings.ts";
import { type Check, fine, type Verdict, warning, wrong } from "./check.ts";
import { type ExaminedConfig, variableOf } from "./examined-config.ts";
import { makeSecret } from "./secret-checks.ts";

/** What to put in place of a wrong setting. For all others, it is the default. */
const fixTexts: Readonly<Record<string, string>> = {
  OWNID_SHARED_SECRET: "OWNID_SHARED_SECRET=<the Shared Secret of OwnID's console>",
  DATABASE_URL: "DATABASE_URL=postgres://<user>:<password>@<host>/<database>",
  REDIS_URL: "REDIS_URL=redis://<user>:<password>@<host>:6379",
  REDIS_SENTINEL_MASTER: "REDIS_SENTINEL_MASTER=<the name under which the sentinels know the master>",
  ADMIN_TOKEN: makeSecret("ADMIN_TOKEN"),
  BACKEND_TOKEN: makeSecret("BACKEND_TOKEN"),
  ...Object.fromEntries(["DATABASE", "REDIS"].flatMap(fixesOfTlsFiles)),
  SESSION_KEYS_FILE: "bun run keys generate",
  SESSION_SECRET: makeSecret("SESSION_SECRET"),
};

/** Their default would turn verification or encryption off. */
function fixesOfTlsFiles(server: string): [variable: string, fix: string][] {
  const whose = { CA: "of the certificate authority", CERT: "of the client certificate", KEY: "of its key" };
  return Object.entries(whose).map(([file, of]) => {
    const variable = `${server}_TLS_${file}_FILE`;
    return [variable, `${variable}=<path of the PEM file ${of}>`];
  });
}

const environment: Check<ExaminedConfig> = {
  id: "config.NODE_ENV",
  title: "NODE_ENV",
  examine: ({ isProduction }) =>
    isProduction
      ? fine("production")
      : warning("not production: secrets and files that are missing are generated", "NODE_ENV=production"),
};

const allSettings: Check<ExaminedConfig> = {
  id: "config.settings",
  title: "settings",
  examine: () => fine("every setting holds"),
};

/** Returns one check for each setting that a start would refuse or warn about. */
export function configChecks({ problems, config }: ExaminedConfig): readonly Check<ExaminedConfig>[] {
  const wrongs = problems.map(({ variable, sentence }) =>
    found(variable, wrong(sentence, fixFor(variable, sentence))),
  );
  const warnings = config.warnings.map((sentence) => {
    const variable = variableOf(sentence);
    return found(variable, warning(sentence, fixFor(variable, sentence)));
  });
  const all = [...wrongs, ...warnings];
  return [environment, ...(all.length === 0 ? [allSettings] : all)];
}

function found(variable: string, verdict: Verdict): Check<ExaminedConfig> {
  return { id: `config.${variable}`, title: variable, examine: () => verdict };
}

function fixFor(variable: string, sentence: string): string {
  const [, meant] = /Did you mean (\w+)\?$/.exec(sentence) ?? [];
  if (meant !== undefined) return `${meant}=<the value of ${variable}>`;
  const [, fileVariable] = /^(\w+_FILE) names a /.exec(sentence) ?? [];
  if (fileVariable !== undefined && fileVariable !== variable)
    return `${fileVariable}=<path of a file that this account may read>`;
  const setting = Object.entries(settings).find(([name]) => name === variable)?.[1];
  if (setting === undefined) return `unset ${variable}`;
  return fixTexts[variable] ?? `${variable}=${setting.default ?? ""}`;
}
