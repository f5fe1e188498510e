import { decodePercent, refuseUnencoded } from "./percent-encoding.ts";
import { Refusal } from "./setting-kinds.ts";

/** One server of `REDIS_URL`. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly username: string | null;
  readonly password: string | null;
  readonly database: number;
  readonly tls: boolean;
}

/** An address with the names of its query parameters, none of which is supported. */
export interface ParsedRedisAddress extends RedisAddress {
  readonly parameters: readonly string[];
}

const redisPort = 6379;

/** Returns `null` if the setting's rule says all there is to say. A refusal never contains a part of the addresses. */
export function parseRedisAddresses(text: string): ParsedRedisAddress[] | Refusal | null {
  const spellings = text.split(",").map((spelling) => spelling.trim());
  if (spellings.length > 1 && spellings.some((spelling) => !/^[a-z]+:\/\//.test(spelling))) {
    return new Refusal(
      "has a comma that no address follows: write each address in full, and a comma in a password as %2C.",
    );
  }
  const refusal = spellings.map(refuseUnencoded).find((unencoded) => unencoded !== null);
  if (refusal !== undefined) return refusal;
  const addresses = spellings.map(parseRedisAddress);
  return addresses.every((address) => address !== null) ? addresses : null;
}

function parseRedisAddress(text: string): ParsedRedisAddress | null {
  const url = /^rediss?:\/\//.test(text) && URL.canParse(text) ? new URL(text) : null;
  const database = /^\/?(\d{0,4})$/.exec(url?.pathname ?? "none");
  if (url === null || url.hostname === "" || database === null) return null;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? redisPort : Number(url.port),
    username: decodePercent(url.username) || null,
    password: decodePercent(url.password) || null,
    database: Number(database[1] ?? 0),
    tls: url.protocol === "rediss:",
    parameters: [...url.searchParams.keys()],
  };
}
