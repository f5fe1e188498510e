/**
 * Returns the name of the account that this process runs as, or `null` where it has none, as in many containers.
 * Bun's `userInfo()` would return the variable USER instead, and "unknown" without it.
 */
export function accountName(): string | null {
  try {
    const { success, stdout } = Bun.spawnSync(["id", "-un"], { stderr: "ignore" });
    return success ? stdout.toString().trim() : null;
  } catch {
    return null;
  }
}
