/**
 * Returns the name of the account that runs this process, or `null` if it has none, as in many containers. Bun's
 * `userInfo()` returns the variable USER instead, and "unknown" without it.
 */
export function accountName(): string | null {
  try {
    const { success, stdout } = Bun.spawnSync(["id", "-un"], { stderr: "ignore" });
    return success ? stdout.toString().trim() : null;
  } catch {
    return null;
  }
}
