import { isatty } from "node:tty";
import { loadSetting } from "../config/load-config.ts";
import { secretFilesOf } from "../config/secret-files.ts";
import type { Environment } from "../config/setting-reader.ts";
import type { LiveSecrets } from "./live-secrets.ts";
import type { OpenedSessionKeys } from "./session-keys.ts";
import { createWatchedFiles, type WatchedFile, type WatchedFilesOptions } from "./watched-files.ts";

export interface ReloadOptions extends Omit<WatchedFilesOptions, "files"> {
  readonly sessionKeys: OpenedSessionKeys;
  readonly secrets: LiveSecrets;
}

const lookIntervalMs = 1000;
const stdin = 0;

/**
 * Takes up the files of keys and secrets when they have changed, and all of them on SIGHUP. On a terminal, SIGHUP says
 * that the terminal was closed, and ends the process as it always does.
 */
export function reloadOnChange(environment: Environment, options: ReloadOptions): void {
  const watched = createWatchedFiles({ ...options, files: filesOf(environment, options) });
  setInterval(watched.look, lookIntervalMs).unref();
  if (!isatty(stdin)) process.on("SIGHUP", watched.reload);
}

function filesOf(environment: Environment, { sessionKeys, secrets }: ReloadOptions): WatchedFile[] {
  const { variable, takeUp } = sessionKeys;
  const takeUps: Readonly<Record<string, WatchedFile["takeUp"]>> = { ...secrets.takeUp, [variable]: takeUp };
  const keysFile = { variable: "SESSION_KEYS_FILE", path: loadSetting(environment, "SESSION_KEYS_FILE") };
  const files = [...secretFilesOf(environment), ...(variable === keysFile.variable ? [keysFile] : [])];
  return files.map((file) => ({ ...file, takeUp: takeUps[file.variable] ?? null }));
}
