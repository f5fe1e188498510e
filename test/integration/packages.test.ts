import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { engines, scripts } from "../../package.json";
import { arePackagesInstalled } from "../../scripts/packages.ts";
import { serviceAccount } from "../../scripts/servers/run-for-output.ts";
import { temporaryFolder } from "../../scripts/servers/temporary-folder.ts";
import { runProgram } from "../support/finished-process.ts";
import { asInstalled } from "../support/installed-runner.ts";

type Folder = ReturnType<typeof temporaryFolder>;

const root = join(import.meta.dir, "../..");

/**
 * A checkout with two packages of its own, one of which needs a third one that is there twice, and a command that says
 * `it ran`. Nothing in it is on any registry.
 */
function createCheckout(): Folder {
  const checkout = temporaryFolder();
  chmodSync(checkout.path, 0o755);
  mkdirSync(checkout.at("scripts"));
  // Its other files are never imported, but for those that the launcher itself needs.
  for (const file of new Bun.Glob("scripts/*.ts").scanSync(root))
    copyFileSync(join(root, file), checkout.at(file));
  mkdirSync(checkout.at("scripts/keys"));
  writeFileSync(
    checkout.at("scripts/keys/index.ts"),
    'console.log("it ran", process.argv.slice(2).join(" "));\n',
  );
  writePackageJson(checkout, ">=1.0.0");
  const packages = {
    one: [
      "one@1.0.0",
      "",
      { dependencies: { shared: "^1.0.0" }, optionalDependencies: { "one-mac": "1" } },
      "",
    ],
    "one-mac": ["one-mac@1.0.0", "", { os: "darwin", cpu: "arm64" }, ""],
    "one/shared": ["shared@1.2.0", "", {}, ""],
    shared: ["shared@2.0.0", "", {}, ""],
    "@scope/two": [
      "@scope/two@3.1.0",
      "",
      { peerDependencies: { shared: "*", none: "*" }, optionalPeers: ["none"] },
      "",
    ],
  };
  const workspaces = {
    "": { name: "site", dependencies: { one: "1.0.0" }, devDependencies: { "@scope/two": "3.1.0" } },
  };
  writeFileSync(checkout.at("bun.lock"), JSON.stringify({ lockfileVersion: 1, workspaces, packages }));
  put(checkout, "one", "1.0.0");
  put(checkout, "one/node_modules/shared", "1.2.0");
  put(checkout, "shared", "2.0.0");
  put(checkout, "@scope/two", "3.1.0");
  return checkout;
}

function writePackageJson(checkout: Folder, bun: string): void {
  const dependencies = { dependencies: { one: "1.0.0" }, devDependencies: { "@scope/two": "3.1.0" } };
  writeFileSync(
    checkout.at("package.json"),
    JSON.stringify({ name: "site", version: "1.0.0", engines: { bun }, ...dependencies }),
  );
}

function put(checkout: Folder, place: string, version: string): void {
  const folder = checkout.at(`node_modules/${place}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: place, version }));
}

let checkout: Folder;
let outside: Folder;
beforeEach(() => {
  checkout = createCheckout();
  outside = temporaryFolder();
  chmodSync(outside.path, 0o755);
});
afterEach(() => {
  chmodSync(checkout.path, 0o755);
  checkout[Symbol.dispose]();
  outside[Symbol.dispose]();
});

/** A service account that may read the checkout, has no home and reaches no registry. */
async function launch(...args: string[]) {
  const bun = outside.at("bun");
  if (!existsSync(bun)) linkOrCopy(process.execPath, bun);
  chmodSync(checkout.path, 0o555);
  return runProgram([bun, checkout.at("scripts/launch.ts"), ...args], {
    ...serviceAccount("nobody"),
    cwd: checkout.path,
    environment: { PATH: "/nonexistent", HOME: "/nonexistent", BUN_CONFIG_REGISTRY: "http://127.0.0.1:9/" },
  });
}

/** A copy where the folder is on another disk. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

describe("a command of package.json", () => {
  test("runs where its packages are there, without a home and where nothing may be written", async () => {
    expect(await launch("keys", "list", "--json")).toEqual({
      status: 0,
      stdout: "it ran list --json\n",
      stderr: "",
    });
  });

  test("needs the packages of development only if it is a command of development", async () => {
    rmSync(checkout.at("node_modules/@scope"), { recursive: true });
    expect((await launch("keys")).stdout).toBe("it ran \n");
    const { status, stderr } = await launch("bench");
    expect(status).toBe(1);
    expect(stderr).toStartWith("The packages that bun.lock lists cannot be installed:");
  });

  test("says that the account may not write where packages are missing", async () => {
    rmSync(checkout.at("node_modules"), { recursive: true });
    const { status, stderr } = await launch("keys");
    expect(status).toBe(1);
    expect(stderr.replaceAll("\n", " ")).toContain(`This account may not write to ${checkout.path}.`);
    expect(stderr).toEndWith("\n\n  bun install --frozen-lockfile\n");
  });

  test("says that the registry cannot be reached where packages are missing", async () => {
    const own = await createOwnCheckout();
    expect(own.status).toBe(1);
    expect(own.stderr).toMatch(/error: ConnectionRefused /);
    expect(own.stderr.replaceAll("\n", " ")).toContain("The package registry cannot be reached");
  });

  test("corrects nothing in a source that this account cannot write, and says so in a line", async () => {
    for (const folder of ["src", "node_modules/fastest-levenshtein"])
      cpSync(join(root, folder), checkout.at(folder), { recursive: true });
    chmodSync(checkout.at("src"), 0o555);
    const { status, stdout, stderr } = await launch("check", "--fix");
    chmodSync(checkout.at("src"), 0o755);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(asInstalled(stderr)).toBe(
      `This account cannot write to ${checkout.at("src")} (EACCES), so nothing was corrected. As the account that owns it, run: bun run fix\n`,
    );
  });

  test("says which Bun it needs when this one is too old", async () => {
    writePackageJson(checkout, ">=99.1.0");
    const { status, stderr } = await launch("keys");
    expect(status).toBe(1);
    expect(stderr).toBe(
      `This is Bun ${Bun.version}, and Bun 99.1.0 or newer is needed. Run: npx --yes bun@99.1.0 run keys\n`,
    );
  });
});

/** The real lockfile in a folder of this account's own, with an empty cache. */
async function createOwnCheckout() {
  for (const file of ["package.json", "bun.lock"]) copyFileSync(join(root, file), outside.at(file));
  mkdirSync(outside.at("scripts"));
  for (const file of readdirSync(checkout.at("scripts"), { withFileTypes: true })) {
    if (file.isFile()) copyFileSync(checkout.at(`scripts/${file.name}`), outside.at(`scripts/${file.name}`));
  }
  const child = Bun.spawn([process.execPath, outside.at("scripts/launch.ts"), "keys"], {
    cwd: outside.path,
    env: { PATH: "/nonexistent", HOME: outside.path, BUN_CONFIG_REGISTRY: "http://127.0.0.1:9/" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  return { stderr: await child.stderr.text(), status: await child.exited };
}

/** What `npm run` and `bun run` do, on a machine where `bun` is not on PATH. */
function runScript(environment: Readonly<Record<string, string>>) {
  return runProgram(["sh", "-c", scripts.keys], {
    cwd: root,
    environment: { PATH: "/usr/bin:/bin", npm_lifecycle_event: "keys", ...environment },
  });
}

describe("without bun on PATH, a script of package.json", () => {
  test("says how to run it when npm runs it", async () => {
    const npm = { npm_config_user_agent: "npm/10.8.2 node/v20.20.2 linux x64", npm_execpath: "/usr/bin/npm" };
    const oldest = engines.bun.replace(">=", "");
    expect(await runScript(npm)).toEqual({
      status: 127,
      stdout: "",
      stderr: `This command runs on Bun, which is not on PATH. Run: npx --yes bun@${oldest} run keys\n`,
    });
  });

  test("runs on the Bun that was called by its path", async () => {
    const bun = {
      npm_config_user_agent: `bun/${Bun.version} npm/? linux x64`,
      npm_execpath: process.execPath,
    };
    const { status, stderr } = await runScript(bun);
    expect({ status, stderr }).toMatchObject({ status: 2, stderr: expect.stringContaining("See --help.") });
  });
});

test("a script of package.json runs on the Bun on PATH if a Bun script has called npx, which names npm instead", async () => {
  using folder = temporaryFolder();
  symlinkSync(process.execPath, join(folder.path, "bun"));
  const { status, stderr } = await runScript({
    npm_config_user_agent: `bun/${Bun.version} npm/? linux x64`,
    npm_execpath: "/usr/lib/node_modules/npm/bin/npm-cli.js",
    PATH: `${folder.path}:/usr/bin:/bin`,
  });
  expect({ status, stderr }).toMatchObject({ status: 2, stderr: expect.stringContaining("See --help.") });
});

describe("packages are installed", () => {
  const areInstalled = () => arePackagesInstalled(checkout.path, "devDependencies");

  test("where each has the version of the lockfile, whatever another kind of machine needs", () => {
    expect(areInstalled()).toBe(true);
  });

  test.each([
    ["a direct one is missing", () => rmSync(checkout.at("node_modules/@scope/two"), { recursive: true })],
    ["a direct one has another version", () => put(checkout, "one", "1.0.1")],
    ["one that another needs has another version", () => put(checkout, "one/node_modules/shared", "1.2.1")],
    ["a peer has another version", () => put(checkout, "shared", "1.2.0")],
    ["one has lost its package.json", () => rmSync(checkout.at("node_modules/one/package.json"))],
  ])("not where %s", (_, change) => {
    change();
    expect(areInstalled()).toBe(false);
  });
});
