import { codeOf } from "../error-code.ts";
import type { RedisConnectionOptions } from "./options.ts";

/** Why something failed and how to fix it, in our words. It quotes nothing that was sent. */
export interface Explanation {
  readonly reason: string;
  readonly fix: string;
}

/** Returns whether Redis itself answered with an error. It can be reached, and it has executed nothing. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof Error && error.name === "ReplyError";
}

/** Returns whether the client did not send the command because it has no connection at present. */
export function isUnsent(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("Stream isn't writeable");
}

/** Returns whether the key's slot has moved, or is moving, to another master of the Cluster. */
export function isRedirection(error: unknown): boolean {
  return error instanceof Error && /^(?:MOVED|ASK) /.test(error.message);
}

/** Returns whether the key holds something other than a hash, which somebody else has written under our prefix. */
export function isOfAnotherType(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("WRONGTYPE");
}

/** Matched against the code of the system, of TLS or of Redis, or against the first words of ioredis or Redis. */
const explanations: readonly (readonly [RegExp, Explanation])[] = [
  [
    /ECONNREFUSED/,
    { reason: "nothing answers at REDIS_URL", fix: "start Redis, or correct host and port in REDIS_URL" },
  ],
  [
    /ENOTFOUND|EAI_AGAIN/,
    { reason: "the host in REDIS_URL has no address", fix: "correct the host in REDIS_URL" },
  ],
  [
    /EHOSTUNREACH|ENETUNREACH/,
    {
      reason: "no network leads to the host in REDIS_URL",
      fix: "correct the host in REDIS_URL or the network",
    },
  ],
  [
    /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE/i,
    {
      reason: "Redis asks for a client certificate that it trusts",
      fix: "set REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE, or set tls-auth-clients no in Redis",
    },
  ],
  [
    /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|CERTIFICATE_EXPIRED/i,
    { reason: "the certificate of Redis is not valid now", fix: "renew it, or correct the clock" },
  ],
  [
    /ALTNAME/,
    {
      reason: "the certificate of Redis names another host",
      fix: "write the host in REDIS_URL as the certificate names it",
    },
  ],
  [
    /SELF_SIGNED|UNABLE_TO|UNKNOWN_CA|self.signed|unable to (?:get|verify)/i,
    {
      reason: "the certificate of Redis is issued by an authority that is not trusted",
      fix: "set REDIS_TLS_CA_FILE to the certificate of the authority that issued it",
    },
  ],
  [
    /SSL|TLS|CERT/,
    {
      reason: "the TLS connection to Redis cannot be made",
      fix: "compare the TLS settings of Redis and the sidecar",
    },
  ],
  [
    /WRONGPASS|NOAUTH|invalid password/i,
    { reason: "Redis refuses the login", fix: "correct user and password in REDIS_URL" },
  ],
  [
    /DB index is out of range/i,
    {
      reason: "Redis has no database with the number in REDIS_URL",
      fix: "write a lower number, or raise databases in the configuration of Redis",
    },
  ],
  [
    /cluster support disabled|unknown command '?cluster/i,
    {
      reason: "REDIS_MODE is cluster, but the server is not a node of a Cluster",
      fix: "set REDIS_MODE=single, or sentinel where REDIS_URL names sentinels",
    },
  ],
  [
    /unknown command '?sentinel/i,
    {
      reason: "REDIS_MODE is sentinel, but REDIS_URL names a Redis server",
      fix: "name the sentinels in REDIS_URL (their usual port is 26379), or set REDIS_MODE=single",
    },
  ],
  [/No such master/i, { reason: "the sentinels know no such master", fix: "correct REDIS_SENTINEL_MASTER" }],
  [/LOADING/, { reason: "Redis is still loading its data", fix: "wait until it has loaded" }],
  [
    /CLUSTERDOWN/,
    {
      reason: "the Cluster serves no slots",
      fix: "start the masters that are down; run: redis-cli --cluster check",
    },
  ],
  [/^(?:MOVED|ASK) /, { reason: "the server is a node of a Redis Cluster", fix: "set REDIS_MODE=cluster" }],
  [/READONLY/, { reason: "the server is a replica", fix: "name the master in REDIS_URL" }],
  [
    /NOREPLICAS/,
    { reason: "too few replicas are in step", fix: "start the replicas, or lower min-replicas-to-write" },
  ],
  [
    /MISCONF/,
    {
      reason: "Redis cannot write to its disk",
      fix: "make room where Redis writes; df -h shows how much there is",
    },
  ],
  [
    /^OOM/,
    { reason: "Redis has reached maxmemory", fix: "raise maxmemory, with maxmemory-policy noeviction" },
  ],
  [
    /max number of clients/i,
    { reason: "Redis has reached maxclients", fix: "raise maxclients, or close connections" },
  ],
  [
    /WRONGTYPE/,
    {
      reason: "a key under REDIS_KEY_PREFIX holds another type: something else writes there",
      fix: "run: bun run sync verify --repair",
    },
  ],
  [
    /ECONNRESET|EPIPE|Connection is closed|connection was closed/,
    {
      reason: "Redis closes the connection",
      fix: "correct host and port in REDIS_URL; see the log of Redis",
    },
  ],
  [
    /ETIMEDOUT|timed out|no answer/i,
    {
      reason: "Redis does not answer",
      fix: "check whether the server hangs, or a firewall drops what is sent to REDIS_URL",
    },
  ],
  [
    /^Command queue state error/,
    {
      reason: "Redis sent an answer that nothing had asked for",
      fix: "none needed: a new connection is made",
    },
  ],
  [
    /slots cache|startup nodes/,
    { reason: "no node in REDIS_URL describes the Cluster", fix: "start the nodes, or correct REDIS_URL" },
  ],
  [
    /sentinels are unreachable/i,
    {
      reason: "no sentinel in REDIS_URL leads to the master",
      fix: "start the sentinels, or correct REDIS_URL",
    },
  ],
];

/** Explains a failure to the operator. Redis quotes arguments and keys in its errors, so only their code is used. */
export function explainRedisFailure(error: unknown): Explanation {
  const text = textOf(error);
  return (
    explanations.find(([pattern]) => pattern.test(text))?.[1] ??
    explainMissingCommand(text) ?? {
      reason: nameCode(text),
      fix: "see the log of Redis; bun run doctor says more",
    }
  );
}

/**
 * Explains a connection that could not be made, with the help of the settings: a server that expects TLS resets a
 * plain connection, and one that expects a plain connection never answers TLS.
 */
export function explainConnectionFailure(error: unknown, options: RedisConnectionOptions): Explanation {
  const text = textOf(error);
  const { mode, nodes, sentinelTls } = options;
  const isOfSentinel = error instanceof Error && /^All sentinels/.test(error.message);
  const usesTls = isOfSentinel ? (sentinelTls ?? nodes[0].tls) : nodes[0].tls;
  const ofSentinel = isOfSentinel ? explainSentinel(text, usesTls) : null;
  if (ofSentinel !== null) return ofSentinel;
  const server = isOfSentinel ? "a sentinel" : mode === "cluster" ? "a node of the Cluster" : "Redis";
  const otherwise = isOfSentinel ? `REDIS_SENTINEL_TLS=${!usesTls}` : usesTls ? "redis://" : "rediss://";
  if (!usesTls && /ECONNRESET|EPIPE|Connection is closed/.test(text)) {
    return {
      reason: `${server} closes the connection, as it does where it expects TLS`,
      fix: `write ${otherwise} if its port is a tls-port; otherwise see the log of Redis`,
    };
  }
  if (usesTls && /ETIMEDOUT|timed out|no answer|WRONG_VERSION|ECONNRESET/i.test(text)) {
    return {
      reason: `${server} does not answer in TLS`,
      fix: `write ${otherwise} if its port is not a tls-port; otherwise check whether the server hangs, or a firewall drops what is sent`,
    };
  }
  return explainRedisFailure(error);
}

/** Explains what only sentinels can fail with; `null` for anything else. */
function explainSentinel(text: string, usesTls: boolean): Explanation | null {
  if (/WRONGPASS|NOAUTH|invalid password/i.test(text)) {
    return {
      reason: "the sentinels refuse the login",
      fix: "correct REDIS_SENTINEL_USERNAME and REDIS_SENTINEL_PASSWORD",
    };
  }
  if (!/Connection is closed/.test(text)) return null;
  const ifTls = usesTls ? "" : "; where they expect TLS, set REDIS_SENTINEL_TLS=true";
  return {
    reason: "no sentinel in REDIS_URL answers",
    fix: `start the sentinels, or correct REDIS_URL${ifTls}`,
  };
}

/** Explains a missing privilege or a renamed command. Only the name of the command is repeated, never an argument. */
function explainMissingCommand(text: string): Explanation | null {
  const [, forbidden] = /NOPERM.*? run the '([\w|]{1,30})' command/i.exec(text) ?? [];
  const [, unknown] = /unknown (?:redis )?command '?(\w{1,30})'?/i.exec(text) ?? [];
  if (unknown !== undefined) {
    return {
      reason: `Redis does not know the command ${unknown.toUpperCase()}`,
      fix: "remove its rename-command from the configuration of Redis, which must be 7.0 or newer",
    };
  }
  if (forbidden === undefined && !/NOPERM|ACL failure/.test(text)) return null;
  return {
    reason:
      forbidden === undefined
        ? "the account may not do what the sidecar asks (NOPERM)"
        : `the account may not run ${forbidden.toUpperCase()} (NOPERM)`,
    fix: "give it the rights that bun run doctor prints",
  };
}

function nameCode(text: string): string {
  const [code] = /^[A-Z]{2,30}\b/.exec(text) ?? [];
  return code === undefined ? "the connection to Redis failed" : `Redis answers ${code}`;
}

/** Bun reports a failure of TLS by its code alone. ioredis wraps what a sentinel or a node of a Cluster reported. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  const message = error.message.replace(/^All sentinels.* Last error: /s, "");
  return `${codeOf(error)} ${message}`.trimStart();
}
