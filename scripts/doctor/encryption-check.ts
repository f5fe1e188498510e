import { isLoopback } from "../../src/config/loopback.ts";
import type { RunSql } from "../../src/directory/dialects/dialect.ts";
import { type Check, fine, warning } from "./check.ts";
import type { Database } from "./database.ts";

/**
 * Checks whether the connection to a server on another machine is encrypted. Each database reports that in its own
 * way.
 */
export function encryptionCheck(isEncrypted: (run: RunSql) => Promise<boolean>): Check<Database> {
  return {
    id: "database.tls",
    title: "encryption",
    async examine({ run, settings }) {
      if (await isEncrypted(run)) return fine("TLS");
      if (isLoopback(new URL(settings.url.reveal()).hostname)) return fine("none needed on this machine");
      return warning(
        "logins and values cross the network unencrypted",
        "DATABASE_TLS_CA_FILE=<the authority that issued the server's certificate>",
      );
    },
  };
}
