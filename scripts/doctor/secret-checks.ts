import type { Config } from "../../src/config/load-config.ts";
import { publishedSecret } from "../../src/config/signature-config.ts";
import { type Check, fine, warning, wrong } from "./check.ts";

/**
 * Returns the command that writes a random secret into `.env` without showing it. The line break comes first, since
 * the last line of the file may lack one.
 */
export function makeSecret(variable: string): string {
  return `(umask 077; printf '\\n${variable}=%s\\n' "$(openssl rand -base64 32)" >> .env)`;
}

/** A secret as it is spelled in its setting. */
interface NamedSecret {
  readonly name: string;
  readonly text: string;
}

const generated = "generated at random, since none is set";
/** Below this many bits, whoever has one signed request can try all secrets. */
const bitsMin = 48;

const sample: Check<Config> = {
  id: "secrets.sample",
  title: "sample secret",
  examine({ signature, isProduction }) {
    if (signature.isGenerated) return fine(generated);
    const isSample = signature.sharedSecrets.reveal().some((secret) => publishedSecret.equals(secret));
    if (!isSample) return fine("the shared secret is no published sample");
    const judged = isProduction ? wrong : warning;
    return judged("anyone can sign with the shared secret: it is a published sample", fromConsole);
  },
};

const strength: Check<Config> = {
  id: "secrets.strength",
  title: "strength",
  examine(config) {
    const weak = ownSecrets(config).filter(({ bits }) => bits < bitsMin);
    if (weak.length === 0) return fine("no secret looks guessable");
    const names = weak.map(({ name }) => name);
    const fix = names.includes("OWNID_SHARED_SECRET") ? fromConsole : names.map(makeSecret).join("\n");
    return wrong(`${listOf(names)} is repetitive or a sequence, so it can be guessed`, fix);
  },
};

const random: Check<Config> = {
  id: "secrets.random",
  title: "random bytes",
  examine({ signature }) {
    const isText = signature.sharedSecrets
      .reveal()
      .some((secret) => /^[\x20-\x7e]*$/.test(Buffer.from(secret).toString("latin1")));
    if (signature.isGenerated) return fine(generated);
    if (!isText) return fine("the shared secret does not decode to readable text");
    return warning("the shared secret decodes to readable text, not to random bytes", fromConsole);
  },
};

const different: Check<Config> = {
  id: "secrets.equal",
  title: "all different",
  examine(config) {
    const secrets = allSecrets(config);
    const repeated = secrets.filter(
      ({ text }, index) => secrets.findIndex((other) => other.text === text) < index,
    );
    const [second] = repeated;
    if (second === undefined) return fine("no secret is used twice");
    const first = secrets.find(({ text }) => text === second.text);
    const names = [first?.name, second.name];
    const fix = names.includes("ADMIN_TOKEN")
      ? makeSecret("ADMIN_TOKEN")
      : "openssl rand -base64 32   # a secret of its own for one of them";
    return wrong(`${names.join(" and ")} are the same secret`, fix);
  },
};

const fromConsole = "OWNID_SHARED_SECRET=<a new Shared Secret from OwnID's console>";

export const secretChecks: readonly Check<Config>[] = [sample, strength, random, different];

function ownSecrets(config: Config) {
  const { sharedSecrets, isGenerated } = config.signature;
  const shared = isGenerated ? [] : sharedSecrets.reveal();
  const tokens = textsOf(config);
  return [
    ...shared.map((secret) => ({ name: "OWNID_SHARED_SECRET", bits: entropyBits(secret) })),
    ...tokens.flatMap(({ name, text }) =>
      text === null ? [] : [{ name, bits: entropyBits(Buffer.from(text)) }],
    ),
  ];
}

const textsOf = ({ adminToken, backendToken, sessions }: Config) => [
  { name: "SESSION_SECRET", text: sessionSecretText(sessions.secret.reveal()) },
  { name: "ADMIN_TOKEN", text: adminToken.reveal() },
  { name: "BACKEND_TOKEN", text: backendToken.reveal() },
  ...(sessions.site?.secrets.reveal() ?? []).map((secret) => ({
    name: "SESSION_URL_SECRET",
    text: Buffer.from(secret).toString("base64"),
  })),
];

function sessionSecretText(secret: Uint8Array | null): string | null {
  return secret === null ? null : new TextDecoder().decode(secret);
}

function allSecrets(config: Config): NamedSecret[] {
  const shared = config.signature.sharedSecrets
    .reveal()
    .map((secret) => Buffer.from(secret).toString("base64"));
  const redis = config.redis?.connection.reveal();
  const secrets = [
    ...shared.map((text) => ({ name: "OWNID_SHARED_SECRET", text })),
    ...textsOf(config),
    { name: "the password in DATABASE_URL", text: databasePassword(config) },
    { name: "the password in REDIS_URL", text: redis?.nodes[0].password ?? null },
  ];
  return secrets.flatMap(({ name, text }) => (text === null || text === "" ? [] : [{ name, text }]));
}

function databasePassword({ database }: Config): string | null {
  if (database.kind === "sqlite") return null;
  const { password } = new URL(database.url.reveal());
  return /%(?![0-9a-f]{2})/i.test(password) ? password : decodeURIComponent(password);
}

/**
 * Returns an upper bound of the bits in it: Shannon's entropy of its bytes, counted once if they repeat, and zero if
 * each byte follows from the previous one.
 */
export function entropyBits(bytes: Uint8Array): number {
  const steps = new Set(
    [...bytes].map((byte, index) => (byte - (bytes[index - 1] ?? byte) + 256) % 256).slice(1),
  );
  if (steps.size <= 1) return 0;
  const unit = [...bytes.subarray(0, smallestPeriod(bytes))];
  const counts = Object.values(Object.groupBy(unit, (byte) => byte)).map((group) => group?.length ?? 0);
  const bitsEach = counts.reduce(
    (sum, count) => sum - (count / unit.length) * Math.log2(count / unit.length),
    0,
  );
  return bitsEach * unit.length;
}

function smallestPeriod(bytes: Uint8Array): number {
  const repeatsAt = (period: number) =>
    bytes.every((byte, index) => index < period || byte === bytes[index - period]);
  let period = 1;
  while (period < bytes.length && !repeatsAt(period)) period += 1;
  return period;
}

function listOf(names: readonly string[]): string {
  return [...new Set(names)].join(" and ");
}
