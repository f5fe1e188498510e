/**
 * Returns the output of a command as an installed Bun would have printed it. If npx runs the tests, commands name npx.
 */
export function asInstalled(output: string): string {
  return output.replaceAll(/npx --yes bun@\S+ /g, "bun ");
}
