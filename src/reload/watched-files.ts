import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { NamedFile } from "../config/secret-files.ts";
import { codeOf } from "../error-code.ts";
import { ConfigurationInvalid } from "../errors.ts";
import type { ReloadEvent } from "../process/counters.ts";
import type { Logger } from "../process/logger.ts";

/**
 * Reads a file and uses its content from then on.
 *
 * @throws {ConfigurationInvalid} the content is wrong, and the previous one stays in use
 */
export type ReloadFile = () => void | Promise<void>;

/** How files are reloaded, by the variables that name them. */
export type ReloadsByVariable = Readonly<Record<string, ReloadFile>>;

/** A file that the sidecar was configured with. */
export interface WatchedFile extends NamedFile {
  /** `null` for a file that is read only at the start. */
  readonly reload: ReloadFile | null;
}

export interface WatchedFilesOptions {
  readonly files: readonly WatchedFile[];
  readonly logger: Pick<Logger, "info" | "warn" | "error">;
  /** Called with the setting that names the file. */
  readonly onEvent: (event: ReloadEvent, variable: string) => void;
}

export interface WatchedFiles {
  /** Reloads each file whose content has changed and was the same at two consecutive looks, so that it is complete. */
  look(): Promise<void>;
  /** Reloads every file now, whether it has changed or not. Only changes and refusals are logged one by one. */
  reloadAll(): Promise<void>;
}

/**
 * Watches the content of files, because a path may come to mean another file: Kubernetes swaps a symbolic link in the
 * path, and editors rename. The first look reloads every file without logging it, since the file may have changed
 * after the start read it.
 */
export function createWatchedFiles({ files, logger, onEvent }: WatchedFilesOptions): WatchedFiles {
  const watched = files.map((file) => ({ file, loaded: "", seen: "" }));
  let isFirst = true;
  let running = Promise.resolve();

  /** Runs reloads one after the other, so that older content never replaces newer content. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    running = running.then(work);
    return running;
  }

  async function reload(file: WatchedFile, isChange: boolean): Promise<void> {
    const { variable } = file;
    if (file.reload === null) {
      if (!isChange) return;
      onEvent("restart needed", variable);
      logger.warn({ variable }, "a file has changed that is read at the start only; restart to use it");
      return;
    }
    try {
      await file.reload();
      if (!isChange) return;
      onEvent("reloaded", variable);
      logger.info({ variable }, "a changed file was reloaded");
    } catch (error) {
      onEvent("refused", variable);
      const problems = error instanceof ConfigurationInvalid ? error.problems : ["it could not be read"];
      logger.error({ variable, problems }, "a changed file was refused; what it held before stays in use");
    }
  }

  async function lookAt(entry: (typeof watched)[number]): Promise<void> {
    if (isPipe(entry.file.path)) return;
    const content = digestOf(entry.file.path);
    const isComplete = isFirst || content === entry.seen;
    entry.seen = content;
    if (!isComplete || content === entry.loaded) return;
    entry.loaded = content;
    await reload(entry.file, !isFirst);
  }

  return {
    look: () =>
      inTurn(async () => {
        for (const entry of watched) await lookAt(entry);
        isFirst = false;
      }),

    reloadAll: () =>
      inTurn(async () => {
        for (const entry of watched) {
          if (isPipe(entry.file.path)) continue;
          const content = digestOf(entry.file.path);
          const isChange = entry.loaded !== "" && content !== entry.loaded;
          entry.loaded = content;
          entry.seen = content;
          await reload(entry.file, isChange);
        }
        isFirst = false;
        const onlyAtStart = files.flatMap(({ variable, reload }) => (reload === null ? [variable] : []));
        logger.info(
          { onlyAtStart },
          "SIGHUP: the files of keys and secrets were read again; all other settings are read at the start only",
        );
      }),
  };
}

/** A pipe returns its content only once; reading it again could wait forever. */
function isPipe(path: string): boolean {
  try {
    return !statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Returns a digest of the content, or the name of the failure if the file cannot be read. */
function digestOf(path: string): string {
  try {
    return createHash("sha256").update(readFileSync(path)).digest("base64");
  } catch (error) {
    return codeOf(error) || "unreadable";
  }
}
