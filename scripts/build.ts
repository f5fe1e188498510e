import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type ExitStatus, refuseOperands, runCommand } from "./command.ts";
import { showStep } from "./progress.ts";
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
/** Written last, so that an interrupted build does not count. */
const originFile = join(dist, "built-from");
const entry = "index.js";

await runCommand({
  help,
  options: { quiet: { type: "boolean", default: false }, json: { type: "boolean", default: false } },
  async run(operands, { quiet, json }): Promise<ExitStatus> {
    refuseOperands(operands, "build");
    // With a listener, a signal waits until the work in progress returns to the event loop.
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
    try {
      if (process.stderr.isTTY && !quiet) showStep("building dist/");
      const wasCurrent = await bringUpToDate().finally(() => showStep(""));
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

/** Returns whether the build was up to date already. */
async function bringUpToDate(): Promise<boolean> {
  const origin = describeOrigin();
  if (existsSync(join(dist, entry)) && readOrigin() === origin) return true;
  await build(origin);
  return false;
}

/** Returns a digest of everything that a build depends on. The lockfile stands for the packages. */
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
 * Each file is replaced atomically, so that a process that starts meanwhile runs the old build or the new one; Bun
 * accepts bytecode only for the text it was made from. The output is not minified, so that stack frames keep their
 * names. There is no source map, because pino asks at every start where it was called from, and Bun would load the
 * whole map to answer.
 */
async function build(origin: string): Promise<void> {
  const { outputs } = await Bun.build({
    entrypoints: [join(root, "src/index.ts")],
    target: "bun",
    format: "cjs",
    bytecode: true,
    env: "disable",
  });
  const files = await Promise.all(
    outputs.map(async (output) => ({
      name: basename(output.path),
      content: new Uint8Array(await output.arrayBuffer()),
    })),
  );
  // Nothing is awaited from here on, so a signal arrives before or after all files are replaced.
  mkdirSync(dist, { recursive: true });
  const draft = mkdtempSync(join(dist, "draft-"));
  try {
    for (const { name, content } of files) writeFileSync(join(draft, name), content);
    rmSync(originFile, { force: true });
    for (const { name } of files) renameSync(join(draft, name), join(dist, name));
    writeFileSync(originFile, origin);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}
