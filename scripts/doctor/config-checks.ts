import { settings } from "../../src/config/settings.ts";
import { type Check, fine, type Verdict, warning, wrong } from "./check.ts";
import { type ExaminedConfig, variableOf } from "./examined-config.ts";
import { makeSecret } from "./secret-checks.ts";

/** What to put in place of a wrong setting; for all others, its default. */
const mends: Readonly<Record<string, string>> = {
  OWNID_SHARED_SECRET: "OWNID_SHARED_SECRET=<the Shared Secret of OwnID's console>",
  DATABASE_URL: "DATABASE_URL=postgres://<user>:<password>@<host>/<database>",
  REDIS_URL: "REDIS_URL=redis://<user>:<password>@<host>:6379",
  REDIS_SENTINEL_MASTER: "REDIS_SENTINEL_MASTER=<the name under which the sentinels know the master>",
  ADMIN_TOKEN: makeSecret("ADMIN_TOKEN"),
  SESSION_KEYS_FILE: "bun run keys generate",
};

const environment: Check<ExaminedConfig> = {
  id: "config.NODE_ENV",
  title: "NODE_ENV",
  examine: ({ isProduction }) =>
    isProduction
      ? fine("production")
      : warning("not production: secrets and files that are missing are generated", "NODE_ENV=production"),
};

const whole: Check<ExaminedConfig> = {
  id: "config.settings",
  title: "settings",
  examine: () => fine("every setting holds"),
};

/** One check for each setting that a start would refuse or warn of. */
export function configChecks({ problems, config }: ExaminedConfig): readonly Check<ExaminedConfig>[] {
  const wrongs = problems.map(({ variable, sentence }) => found(variable, wrong(sentence, mendOf(variable))));
  const warnings = config.warnings.map((sentence) => {
    const variable = variableOf(sentence);
    return found(
      variable,
      warning(sentence, Object.hasOwn(settings, variable) ? mendOf(variable) : `unset ${variable}`),
    );
  });
  const all = [...wrongs, ...warnings];
  return [environment, ...(all.length === 0 ? [whole] : all)];
}

function found(variable: string, verdict: Verdict): Check<ExaminedConfig> {
  return { id: `config.${variable}`, title: variable, examine: () => verdict };
}

function mendOf(variable: string): string {
  const setting = Object.entries(settings).find(([name]) => name === variable)?.[1];
  return mends[variable] ?? `${variable}=${setting?.fallback ?? ""}`;
}
