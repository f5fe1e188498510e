import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ExitStatus, runCommand, UsageWrong } from "./command.ts";
import { reasonOf } from "./reason.ts";

const help = `Builds the sidecar into dist/: one file with its bytecode, which starts in half
the time of the source. It does nothing if dist/ was built from the same source
by the same Bun. \`bun run start\` runs it each time.

  bun run build
  bun dist/index.js

  --quiet  print nothing unless the build fails
  --json   print JSON

Exits 0 if dist/ is up to date, 1 if it cannot be built, 2 on wrong usage.
`;

const root = join(import.meta.dir, "..");
const dist = join(root, "dist");
/** Written last, so that a build which was interrupted is none. */
const originFile = join(dist, "built-from");
const entry = "index.js";

await runCommand({
  help,
  options: { quiet: { type: "boolean", default: false }, json: { type: "boolean", default: false } },
  async run(operands, { quiet, json }): Promise<ExitStatus> {
    if (operands.length > 0) throw new UsageWrong("bun run build takes no operands.");
    try {
      const wasCurrent = await bringUpToDate();
      if (json) process.stdout.write(`${JSON.stringify({ entry: `dist/${entry}`, wasCurrent })}\n`);
      else if (!quiet) process.stdout.write(`dist/${entry} ${wasCurrent ? "was up to date" : "is built"}\n`);
      return 0;
    } catch (error) {
      process.stderr.write(
        `dist/ cannot be built: ${reasonOf(error)}. The source runs without it: bun src/index.ts\n`,
      );
      return 1;
    }
  },
});

/** Answers whether nothing had to be done. */
async function bringUpToDate(): Promise<boolean> {
  const origin = describeOrigin();
  if (existsSync(join(dist, entry)) && readOrigin() === origin) return true;
  await build(origin);
  return false;
}

/** A digest of all that a build depends on; the lockfile stands for the packages. */
function describeOrigin(): string {
  const sources = [...new Bun.Glob("src/**/*").scanSync(root)].toSorted();
  const digest = new Bun.CryptoHasher("sha256").update(Bun.version + Bun.revision);
  for (const file of ["package.json", "bun.lock", "tsconfig.json", "scripts/build.ts", ...sources]) {
    const content = readFileSync(join(root, file));
    digest.update(`\n${file} ${content.length}\n`).update(content);
  }
  return digest.digest("hex");
}

function readOrigin(): string | null {
  return existsSync(originFile) ? readFileSync(originFile, "utf8") : null;
}

/**
 * Each file is exchanged as a whole, so that what starts meanwhile runs the old build or the new one: Bun takes
 * bytecode for the text it was made from alone. Not minified, so that the frames of a stack keep their names. No source
 * map: pino asks at every start where it was called from, and Bun would load the whole map for the answer.
 */
async function build(origin: string): Promise<void> {
  const draft = `${dist}.${crypto.randomUUID()}`;
  mkdirSync(dist, { recursive: true });
  mkdirSync(draft);
  try {
    const { outputs } = await Bun.build({
      entrypoints: [join(root, "src/index.ts")],
      outdir: draft,
      target: "bun",
      format: "cjs",
      bytecode: true,
      env: "disable",
    });
    rmSync(originFile, { force: true });
    for (const { path } of outputs) renameSync(path, path.replace(draft, dist));
    writeFileSync(originFile, origin);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
