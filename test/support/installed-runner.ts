/** What a command has printed, as if an installed Bun had run it: a suite that npx runs sees npx in every command. */
export function asInstalled(output: string): string {
  return output.replaceAll(/npx --yes bun@\S+ /g, "bun ");
}
