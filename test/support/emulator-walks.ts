import { expect } from "bun:test";
import type { Addresses } from "../../scripts/emulator/api/control-api.ts";
import type { BrowserPage } from "./browser-page.ts";
import type { Chromium } from "./chromium.ts";
import { startReactSite } from "./react-site/react-site.ts";

/**
 * Goes through every flow of the demo site with two devices: register, enroll, sign out, sign in, add a second device,
 * remove the first one, recover.
 *
 * @param betweenSteps something that the user must not notice
 */
export async function walkDemoSite(
  chromium: Chromium,
  { url, oneTimeCode }: Addresses,
  betweenSteps = async () => {},
): Promise<void> {
  const loginId = `luna-${crypto.randomUUID()}@example.com`;
  const [phone, laptop] = await Promise.all([chromium.newDevice(), chromium.newDevice()]);
  await phone.goTo(`${url}/register`);
  await phone.fill("E-mail", loginId);
  await phone.press("Create account");
  await phone.see({ role: "heading", name: "Your account" });
  await phone.read("No device yet. Without one, you sign in with a one-time code.");
  await betweenSteps();

  await addThisDevice(phone);
  await phone.press("Sign out");
  await betweenSteps();
  await signIn(phone, loginId);
  await phone.read(loginId);
  await phone.read("ownid-session+jwt");
  await betweenSteps();

  await laptop.goTo(url);
  await startSignIn(laptop, loginId);
  await laptop.see({ role: "heading", name: "New on this device?" });
  await laptop.press("Send me a code");
  await enterCode(laptop, oneTimeCode);
  await laptop.read("Verified");
  await addThisDevice(laptop);
  await betweenSteps();
  await laptop.press("Remove Chrome on Linux");
  await laptop.read("Chrome on Linux can no longer sign in.");

  await phone.press("Sign out");
  await startSignIn(phone, loginId);
  await phone.see({ role: "heading", name: "This device was removed" });
  await phone.press("Use a passkey from elsewhere");
  await phone.read("No passkey was used.");
  await phone.press("Cancel");
  await betweenSteps();

  await phone.press("Recover", "link");
  await phone.fill("E-mail", loginId);
  await phone.press("Recover with a new passkey");
  await enterCode(phone, oneTimeCode);
  await phone.read("Verified");
  await betweenSteps();
  await laptop.press("Sign out");
  await startSignIn(laptop, loginId);
  await laptop.see({ role: "heading", name: "This device was removed" });
  expectNoComplaints([phone, laptop]);
}

/** Does the same on a site that uses OwnID's published React package and does not know the emulator. */
export async function walkReactSite(chromium: Chromium, { url, oneTimeCode }: Addresses): Promise<void> {
  using site = await startReactSite(url);
  const loginId = `rea-${crypto.randomUUID()}@example.com`;
  const hello = { role: "heading", name: `Hello ${loginId}` } as const;
  const [phone, laptop] = await Promise.all([chromium.newDevice(), chromium.newDevice()]);
  await phone.goTo(site.url);
  await phone.fill("E-mail", loginId);
  await phone.press("Skip password");
  await phone.read("Passkey ready");
  await phone.press("Register");
  await phone.see(hello);
  await phone.press("Log out");
  await startReactLogin(phone, loginId);
  await phone.read(`Verified: ${loginId}`);
  await phone.see(hello);

  await laptop.goTo(site.url);
  await startReactLogin(laptop, loginId);
  await laptop.press("Send me a code");
  await enterCode(laptop, oneTimeCode);
  await laptop.see(hello);
  await laptop.press("Add device");
  await laptop.press("Create a passkey");
  await laptop.read("Device added");
  await laptop.press("Log out");

  await phone.press("Log out");
  await phone.press("Go to Recover");
  await phone.fill("E-mail", loginId);
  await phone.press("Recover with a new passkey");
  await enterCode(phone, oneTimeCode);
  await phone.read(`Verified: ${loginId}`);
  await startReactLogin(laptop, loginId);
  await laptop.see({ role: "heading", name: "This device was removed" });
  expectNoComplaints([phone, laptop]);
}

async function addThisDevice(page: BrowserPage): Promise<void> {
  await page.press("Add this device");
  await page.press("Create a passkey");
  await page.read("This device can sign in now.");
}

async function startSignIn(page: BrowserPage, loginId: string): Promise<void> {
  await page.fill("E-mail", loginId);
  await page.press("Sign in with a passkey");
}

async function signIn(page: BrowserPage, loginId: string): Promise<void> {
  await startSignIn(page, loginId);
  await page.read("Verified");
}

async function startReactLogin(page: BrowserPage, loginId: string): Promise<void> {
  await page.press("Go to Login");
  await page.fill("E-mail", loginId);
  await page.press("Skip password");
}

async function enterCode(page: BrowserPage, code: string): Promise<void> {
  await page.fill("Code", code);
  await page.press("Continue");
}

/** Expects nothing in the console, and no request to another machine. */
function expectNoComplaints(pages: readonly BrowserPage[]): void {
  expect(pages.flatMap(({ complaints }) => complaints)).toEqual([]);
  const hosts = pages.flatMap(({ requests }) => requests.map((url) => new URL(url).hostname));
  expect([...new Set(hosts)]).toEqual(["localhost"]);
}
