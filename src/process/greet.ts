import { dirname } from "node:path";
import type { UserDirectory } from "../coherence/user-directory.ts";
import type { Config } from "../config/load-config.ts";
import { demoLoginId, developmentFolder } from "./development.ts";
import { developmentWarning, type GreetingFacts, greeting, nextCommand } from "./greeting.ts";
import type { Log } from "./logger.ts";

export interface Started extends Pick<GreetingFacts, "publicUrl" | "opsUrl" | "defaultUrl"> {
  readonly config: Config;
  readonly log: Log;
  readonly directory: UserDirectory;
}

/** Greets whoever has started a development sidecar: on a terminal with a page, otherwise with lines of the log. */
export async function greet({ config, log, directory, ...urls }: Started): Promise<void> {
  const madeSecret = config.signature.isGenerated;
  const madeDatabase = config.database.isDemo;
  const facts = {
    ...urls,
    folder: developmentFolder(),
    madeSecret,
    madeDatabase,
    demoLoginId: madeDatabase && (await hasDemoUser(directory)) ? demoLoginId : null,
    checkout: dirname(dirname(Bun.main)),
    startFolder: process.cwd(),
  };
  if (log.isPretty) {
    log.output.write(greeting(facts));
    return;
  }
  const warning = developmentWarning(facts);
  if (warning !== null) log.logger.warn(warning);
  log.logger.info({ madeSecret, madeDatabase, next: nextCommand(facts) }, "development mode");
}

/** A database that was there before the start may have other users. */
function hasDemoUser(directory: UserDirectory): Promise<boolean> {
  return directory.find(demoLoginId).then(
    () => true,
    () => false,
  );
}
