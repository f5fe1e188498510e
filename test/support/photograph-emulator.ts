/** Recreates the screenshots in the emulator's README. Run it with `bun test/support/photograph-emulator.ts`. */

import { join } from "node:path";
import { launchChromium } from "./chromium.ts";
import { startEmulator } from "./emulator-process.ts";

const folder = join(import.meta.dir, "../../scripts/emulator/screenshots");
const desk = { width: 1240, height: 800 };
const phone = { width: 390, height: 800 };
const loginId = "luna@example.com";

await using chromium = await launchChromium();
await using emulator = await startEmulator();
const page = await chromium.newDevice();
await page.look(desk);
const photograph = (name: string) => page.photograph(join(folder, `${name}.webp`));
const open = (call: number) =>
  page.evaluate(
    `document.querySelectorAll("#calls summary")[${call}].click(); document.activeElement.blur()`,
  );

await page.goTo(`${emulator.addresses.url}/register`);
await page.fill("E-mail", loginId);
await page.press("Create a passkey");
await page.read("Passkey ready");
await page.press("Create account");
await page.see({ role: "heading", name: "Your account" });
await page.press("Sign out");
await page.fill("E-mail", loginId);
await page.press("Sign in with a passkey");
await page.read("Verified");
await photograph("account");
await page.look({ ...desk, isDark: true });
await photograph("account-dark");

await page.look({ ...desk, height: 1150 });
await open(1);
await page.press("To another endpoint");
await page.read("OwnID does not sign the path");
await page.evaluate(`document.querySelector(".resend").scrollIntoView({ block: "end" })`);
await photograph("wire");

await page.look(phone);
await page.press("Sign out");
await page.fill("E-mail", "nobody@example.com");
await page.press("Sign in with a passkey");
await page.read("There is no account with this login.");
await photograph("refused-phone");
await page.press("Recover", "link");
await page.fill("E-mail", loginId);
await page.press("Recover with a new passkey");
await page.see({ role: "textbox", name: "Code" });
await page.look({ ...phone, isDark: true });
await photograph("code-phone-dark");
