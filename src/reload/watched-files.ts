import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { ConfigurationInvalid } from "../errors.ts";
import type { reloadEvents } from "../process/counters.ts";
import type { Logger } from "../process/logger.ts";

/** A file that the sidecar was configured with. */
export interface WatchedFile {
  /** The setting that names it. */
  readonly variable: string;
  readonly path: string;
  /**
   * Reads the file again and works with what it holds from then on; `null` for a file that is read at the start only.
   *
   * @throws {ConfigurationInvalid} it is wrong; what it held before stays in use
   */
  readonly takeUp: (() => void | Promise<void>) | null;
}

export interface WatchedFilesOptions {
  readonly files: readonly WatchedFile[];
  readonly logger: Pick<Logger, "info" | "warn" | "error">;
  readonly onEvent: (event: (typeof reloadEvents)[number]) => void;
}

export interface WatchedFiles {
  /** Takes up each file whose content has changed and was the same at two looks in a row, and so is whole. */
  look(): Promise<void>;
  /** Takes up every file at once, changed or not. */
  reload(): Promise<void>;
}

/**
 * Watches files by their content, because a name may come to mean another file: Kubernetes swaps a symbolic link in the
 * path, and editors rename. The first look takes every file up without a word, since it may have changed since the
 * start read it.
 */
export function createWatchedFiles({ files, logger, onEvent }: WatchedFilesOptions): WatchedFiles {
  const watched = files.map((file) => ({ file, taken: "", seen: "" }));
  let isFirst = true;
  let running = Promise.resolve();

  /** One after the other, so that an older content never replaces a newer one. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    running = running.then(work);
    return running;
  }

  async function takeUp(file: WatchedFile, isChange: boolean): Promise<void> {
    const { variable } = file;
    if (file.takeUp === null) {
      if (!isChange) return;
      onEvent("restart needed");
      logger.warn({ variable }, "a file has changed that is read at the start only; restart to use it");
      return;
    }
    try {
      await file.takeUp();
      if (!isChange) return;
      onEvent("taken up");
      logger.info({ variable }, "a changed file was taken up");
    } catch (error) {
      onEvent("refused");
      const problems = error instanceof ConfigurationInvalid ? error.problems : ["it could not be read"];
      logger.error({ variable, problems }, "a changed file was refused; what it held before stays in use");
    }
  }

  async function lookAt(entry: (typeof watched)[number]): Promise<void> {
    if (isPipe(entry.file.path)) return;
    const content = digestOf(entry.file.path);
    const isWhole = isFirst || content === entry.seen;
    entry.seen = content;
    if (!isWhole || content === entry.taken) return;
    entry.taken = content;
    await takeUp(entry.file, !isFirst);
  }

  return {
    look: () =>
      inTurn(async () => {
        for (const entry of watched) await lookAt(entry);
        isFirst = false;
      }),

    reload: () =>
      inTurn(async () => {
        for (const entry of watched) {
          if (isPipe(entry.file.path)) continue;
          const content = digestOf(entry.file.path);
          const isChange = entry.file.takeUp !== null || (entry.taken !== "" && content !== entry.taken);
          entry.taken = content;
          entry.seen = content;
          await takeUp(entry.file, isChange);
        }
        isFirst = false;
        const onlyAtStart = files.flatMap(({ variable, takeUp }) => (takeUp === null ? [variable] : []));
        logger.info(
          { onlyAtStart },
          "SIGHUP: the files of keys and secrets were read again; all other settings are read at the start only",
        );
      }),
  };
}

/** A pipe, or whatever else is no file, gives its content once: reading it again could wait for ever. */
function isPipe(path: string): boolean {
  try {
    return !statSync(path).isFile();
  } catch {
    return false;
  }
}

/** What stands for the content. A file that cannot be read has the name of the failure. */
function digestOf(path: string): string {
  try {
    return createHash("sha256").update(readFileSync(path)).digest("base64");
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "unreadable";
  }
}
