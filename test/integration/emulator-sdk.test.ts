import { afterAll, beforeAll, expect, test } from "bun:test";
import type { BrowserPage } from "../support/browser-page.ts";
import { type Chromium, launchChromium } from "../support/chromium.ts";
import { describeWithProgram } from "../support/describe-with.ts";
import { type EmulatorProcess, startEmulator } from "../support/emulator-process.ts";

/**
 * A page of a site with the fields of a registration. It calls the SDK before the SDK has loaded, as pages do, and
 * records in `heard` what the SDK calls.
 */
const page = (
  sdkUrl: string,
) => `<!doctype html><html lang="en"><title>Site</title><link rel="icon" href="data:,">
  <label>Login <input id="login"></label>
  <label>Password <input id="password"></label>
  <label id="again">Again <input></label>
  <script>
    ownid = async (...call) => { (ownid.q ??= []).push(call); return { error: null, data: null }; };
    heard = [];
    hear = (name, answer) => (value) => { heard.push([name, value]); return answer; };
    fields = { loginIdField: login, passwordField: password };
    ownid("init", { onLoginIdError: hear("told", { hideTooltip: true }) });
    ownid("login", fields);
  </script>
  <script async src="${sdkUrl}"></script>`;

describeWithProgram("chromium", "the stand-in for the SDK", () => {
  let chromium: Chromium;
  let emulator: EmulatorProcess;
  let site: Bun.Server<unknown>;
  let browser: BrowserPage;
  beforeAll(async () => {
    [chromium, emulator] = await Promise.all([launchChromium(), startEmulator()]);
    const html = page(emulator.addresses.sdkUrl);
    site = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response(html, { headers: { "Content-Type": "text/html; charset=utf-8" } }),
    });
    browser = await chromium.newDevice();
    await browser.goTo(`http://localhost:${site.port}/`);
  });
  afterAll(async () => {
    await Promise.all([chromium[Symbol.asyncDispose](), emulator[Symbol.asyncDispose](), site.stop(true)]);
  });

  const call = <Result>(expression: string) => browser.evaluate<Result>(expression);
  const signInButton = { role: "button", name: "Sign in with a passkey" } as const;
  const heard = () => call<readonly [string, unknown][]>("heard.splice(0)");

  test("runs what a page called before it loaded, and leaves a wrong login id to the page if it wants", async () => {
    await browser.press("Skip password");
    await browser.fill("Login", "nobody@example.com");
    await browser.press("Skip password");
    await browser.see({ role: "button", name: "Skip password" });
    expect(await heard()).toEqual([
      ["told", { message: "Enter your login first.", type: "empty" }],
      ["told", { message: "There is no account with this login.", type: "accountNotFound" }],
    ]);
    expect(await browser.text()).not.toContain("There is no account");
    await call("ownid.destroy('login')");
    await browser.isGone({ role: "button", name: "Skip password" });
  });

  test("explains a command that it does not know, and does no harm", async () => {
    expect(await call("ownid('screenSets.onAfterScreenLoad', {})")).toEqual({ error: null, data: null });
    expect(browser.remarks.at(-1)).toStartWith(
      'ownid("screenSets.onAfterScreenLoad") is not part of the emulator\'s stand-in for the OwnID SDK',
    );
    expect(browser.complaints).toEqual([]);
  });

  test("needs no password once there is a passkey, and drops the passkey when the login id is edited", async () => {
    await browser.fill("Login", "ana@example.com");
    await call(`ownid('register', { ...fields, passwordFieldBinding: true, confirmPasswordContainer: again,
      onBeforeRegister: hear('before'), onRegister: hear('registered') })`);
    await browser.press("Skip password");
    await browser.read("Passkey ready");
    const [[, ownIdData] = [], ...others] = await heard();
    expect(ownIdData).toStartWith('{"devices":[{');
    expect(others).toEqual([["registered", ownIdData]]);
    expect(await call("ownid.getOwnIDData('register')")).toEqual({
      error: null,
      data: ownIdData,
      loginId: "ana@example.com",
    });
    expect(await call("[password.disabled, password.value.length, again.hidden]")).toEqual([true, 16, true]);
    await browser.fill("Login", "anna@example.com");
    await browser.see({ role: "button", name: "Skip password" });
    expect(await call("ownid.getOwnIDData('register')")).toEqual({ error: null, data: null });
    expect(await call("[password.disabled, password.value, again.hidden]")).toEqual([false, "", false]);
  });

  test("attaches no passkey to a login id that was typed while the passkey was made", async () => {
    await browser.fill("Login", "abe@example.com");
    await emulator.post("/control/next-call", { delayMs: 300 });
    await browser.press("Skip password");
    await browser.fill("Login", "abel@example.com");
    await browser.waitFor("heard.length === 2");
    await heard();
    expect(await call("ownid.getOwnIDData('register')")).toEqual({ error: null, data: null });
    expect(await call("password.disabled")).toBe(false);
  });

  test("connects a passkey with a user whom the site has created without it", async () => {
    await browser.fill("Login", "bea@example.com");
    await browser.press("Skip password");
    await browser.read("Passkey ready");
    await emulator.post("/site/register", { loginId: "bea@example.com" });
    expect(await call("ownid.addOwnIDConnectionOnServer('register')")).toEqual({ error: null, data: null });
    await call("ownid.destroy('register')");
    await heard();
    await call("ownid('login', { ...fields, onBeforeLogin: hear('before'), onLogin: hear('signed in') })");
    await browser.press("Skip password");
    await browser.see({ role: "button", name: "Skip password" });
    const session = { token: expect.any(String) };
    expect(await heard()).toEqual([
      ["before", session],
      ["signed in", session],
    ]);
    await call("ownid.destroy('login')");
  });

  test("offers a returning user to sign in again, unless the session is still valid", async () => {
    await call(
      "ownid.activateReturningUsersPrompt({ checkSession: () => true, onLogin: hear('signed in') })",
    );
    await browser.isGone({ role: "dialog", name: "Welcome back" });
    void call(
      "ownid.activateReturningUsersPrompt({ checkSession: async () => false, onLogin: hear('back') })",
    );
    await browser.see({ role: "dialog", name: "Welcome back" });
    await browser.read("Sign in as bea@example.com?");
    await browser.press("Continue");
    await browser.isGone({ role: "dialog", name: "Welcome back" });
    await browser.waitFor("heard.length === 1");
    expect(await heard()).toEqual([["back", { token: expect.any(String) }]]);
  });

  test("offers a device to a person who is signed in, and says why the platform refuses it", async () => {
    await call("void (answer = ownid.enrollCredential('bea@example.com', 'another token'))");
    await browser.see({ role: "dialog", name: "Sign in faster on this device" });
    await browser.press("Create a passkey");
    await browser.read("You are not signed in here any more.");
    await browser.press("Not now");
    expect(await call("answer")).toEqual({ error: true, message: "The person has declined." });
    expect(browser.complaints.splice(0)).toEqual([expect.stringContaining("status of 401")]);
  });

  test("renders a widget anew with what has changed", async () => {
    await call("ownid.login(fields)");
    await call("ownid.reRender('login', { variant: 'button', title: 'Enter' })");
    await browser.see({ role: "button", name: "Enter" });
    await browser.isGone({ role: "button", name: "Skip password" });
    await call("ownid.destroy('login')");
  });

  test("tells the page about an endpoint of the site that fails, with its scope", async () => {
    await emulator.post("/control/next-call", { status: 503 });
    expect(
      await call("ownid.auth('bea@example.com', { skipFallback: true, onError: hear('failed') })"),
    ).toMatchObject({ error: true });
    const [[, error] = []] = await heard();
    expect(error).toStartWith(
      "integration_error: The site cannot answer right now (integration_error, scope data).",
    );
    expect(browser.complaints.splice(0)).toEqual([expect.stringContaining("status of 424")]);
  });

  test("starts with the Enter key, and makes a new challenge for each attempt with a passkey", async () => {
    const device = await chromium.newDevice();
    await device.goTo(`${emulator.addresses.url}/register`);
    await device.fill("E-mail", "cleo@example.com");
    await device.press("Create a passkey");
    await device.read("Passkey ready");
    await device.press("Create account");
    await device.read("Signed in as cleo@example.com.");
    await device.press("Sign out");
    await device.evaluate("localStorage.clear()");
    await device.see(signInButton);
    await device.fill("E-mail", "cleo@example.com");
    await device.press("E-mail", "textbox");
    await device.see({ role: "heading", name: "New on this device?" });
    await emulator.post("/control/next-call", { endpoint: "getSessionByLoginId", status: 503 });
    await device.press("Use a passkey from elsewhere");
    await device.read("The site cannot answer right now");
    await device.press("Use a passkey from elsewhere");
    await device.read("Verified");
  });

  test("gives the focus back after a question, and keeps it in one that is asked again", async () => {
    await emulator.control.register("dora@example.com", "phone");
    const device = await chromium.newDevice();
    const isFocused = (text: string) =>
      device.waitFor(`document.activeElement.shadowRoot?.activeElement?.textContent === "${text}"`);
    await device.goTo(emulator.addresses.url);
    await device.fill("E-mail", "dora@example.com");
    await device.press(signInButton.name);
    await device.press("Use a passkey from elsewhere");
    await device.read("No passkey was used.");
    await isFocused("Use a passkey from elsewhere");
    await device.press("Cancel");
    await isFocused(signInButton.name);
  });

  test("closes its question when the person goes back, and when the code is used up", async () => {
    const code = { role: "textbox", name: "Code" } as const;
    await emulator.control.register("dina@example.com", "phone");
    const device = await chromium.newDevice();
    const askForCode = async () => {
      await device.see(signInButton);
      await device.fill("E-mail", "dina@example.com");
      await device.press("E-mail", "textbox");
      await device.press("Send me a code");
      await device.see(code);
    };
    await device.goTo(`${emulator.addresses.url}/register`);
    await device.press("Sign in", "link");
    await askForCode();
    await device.evaluate("history.back()");
    await device.isGone(code);
    await device.see({ role: "heading", name: "Create your account" });

    await device.press("Sign in", "link");
    await askForCode();
    await emulator.post("/control/next-call", { endpoint: "getSessionByLoginId", status: 503 });
    await device.fill("Code", emulator.addresses.oneTimeCode);
    await device.press("Continue");
    await device.isGone(code);
    await device.read("The site cannot answer right now");
  });

  test("says on the demo site why its backend does not take the session", async () => {
    await emulator.control.register("finn@example.com", "phone");
    const device = await chromium.newDevice();
    await device.goTo(emulator.addresses.url);
    await device.see(signInButton);
    await device.evaluate(`send = fetch; fetch = async (path, request) => path === "/site/login"
      ? Response.json({ errorCode: "not_configured", message: "Your site checks them." }, { status: 409 })
      : send(path, request)`);
    await device.fill("E-mail", "finn@example.com");
    await device.press(signInButton.name);
    await device.press("Send me a code");
    await device.fill("Code", emulator.addresses.oneTimeCode);
    await device.press("Continue");
    await device.read("Your site checks them.");
    expect(device.complaints).toEqual([]);
  });

  test("says after a recovery without a passkey that nothing has changed, and asks for no code without WebAuthn", async () => {
    await emulator.control.register("elsa@example.com", "phone");
    const device = await chromium.newDevice();
    await device.goTo(`${emulator.addresses.url}/recover`);
    await device.fill("E-mail", "elsa@example.com");
    await device.evaluate(
      "navigator.credentials.create = () => Promise.reject(new DOMException('', 'NotAllowedError'))",
    );
    await device.press("Recover with a new passkey");
    await device.fill("Code", emulator.addresses.oneTimeCode);
    await device.press("Continue");
    await device.read("No passkey was made, so the account still has its old devices.");
    await device.evaluate("delete window.PublicKeyCredential");
    await device.press("Recover with a new passkey");
    await device.read("This browser has no passkeys.");
  });
});
