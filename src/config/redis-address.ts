/** One server, as `REDIS_URL` names it. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly username: string | null;
  readonly password: string | null;
  readonly database: number;
  readonly tls: boolean;
}

/** An address with the names of its query's parameters, none of which has a meaning here. */
export interface ParsedRedisAddress extends RedisAddress {
  readonly parameters: readonly string[];
}

const redisPort = 6379;

export function parseRedisAddresses(text: string): ParsedRedisAddress[] | null {
  const addresses = text.split(",").map((address) => parseRedisAddress(address.trim()));
  return addresses.every((address) => address !== null) ? addresses : null;
}

function parseRedisAddress(text: string): ParsedRedisAddress | null {
  const url = /^rediss?:\/\//.test(text) && URL.canParse(text) ? new URL(text) : null;
  const database = /^\/?(\d{0,4})$/.exec(url?.pathname ?? "none");
  const [username, password] = [decode(url?.username ?? ""), decode(url?.password ?? "")];
  if (url === null || url.hostname === "" || database === null) return null;
  if (username === null || password === null) return null;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? redisPort : Number(url.port),
    username: username || null,
    password: password || null,
    database: Number(database[1] ?? 0),
    tls: url.protocol === "rediss:",
    parameters: [...url.searchParams.keys()],
  };
}

/** `null` when a percent sign stands for itself. */
function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
