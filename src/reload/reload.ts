import { isatty } from "node:tty";
import { secretFilesOf } from "../config/secret-files.ts";
import type { Environment } from "../config/setting-reader.ts";
import type { LiveSecrets } from "./live-secrets.ts";
import type { OpenedSessionKeys } from "./session-keys.ts";
import {
  createWatchedFiles,
  type ReloadsByVariable,
  type WatchedFile,
  type WatchedFilesOptions,
} from "./watched-files.ts";

export interface ReloadOptions extends Omit<WatchedFilesOptions, "files"> {
  /** `null` if the sidecar issues no tokens. */
  readonly sessionKeys: OpenedSessionKeys | null;
  readonly secrets: LiveSecrets;
  /** Called on SIGHUP, by which programs that rotate files ask to open them again. */
  readonly reopenAuditLog: () => void;
}

const lookIntervalMs = 1000;
const stdin = 0;

/**
 * Reloads the files of keys and secrets when they change, and all of them on SIGHUP. On a terminal, SIGHUP means that
 * the terminal was closed; it then ends the process as usual.
 */
export function reloadOnChange(environment: Environment, options: ReloadOptions): void {
  const watched = createWatchedFiles({ ...options, files: filesOf(environment, options) });
  const { sessionKeys, reopenAuditLog } = options;
  setInterval(() => {
    sessionKeys?.reportSigner();
    watched.look();
  }, lookIntervalMs).unref();
  if (isatty(stdin)) return;
  process.on("SIGHUP", () => {
    reopenAuditLog();
    watched.reloadAll();
  });
}

function filesOf(environment: Environment, { sessionKeys, secrets }: ReloadOptions): WatchedFile[] {
  const reloads: ReloadsByVariable = { ...secrets.reloads, ...sessionKeys?.reloads };
  const files = [...secretFilesOf(environment), ...(sessionKeys?.files ?? [])];
  return files.map((file) => ({ ...file, reload: reloads[file.variable] ?? null }));
}
