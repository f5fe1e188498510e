import { afterAll, beforeAll, expect, test } from "bun:test";
import type { BrowserPage } from "../support/browser-page.ts";
import { type Chromium, launchChromium } from "../support/chromium.ts";
import { describeWithProgram } from "../support/describe-with.ts";
import { type EmulatorProcess, startEmulator } from "../support/emulator-process.ts";

describeWithProgram("chromium", "the wire view", () => {
  let chromium: Chromium;
  let emulator: EmulatorProcess;
  let page: BrowserPage;
  beforeAll(async () => {
    [chromium, emulator] = await Promise.all([launchChromium(), startEmulator()]);
    page = await chromium.newDevice();
    await page.goTo(emulator.addresses.wireUrl);
    await page.read("No calls yet.");
  });
  afterAll(async () => {
    await Promise.all([chromium[Symbol.asyncDispose](), emulator[Symbol.asyncDispose]()]);
  });

  test("shows a call when it is made, with its signature, its answer and a command that repeats it", async () => {
    await emulator.control.register("ida@example.com", "phone");
    await emulator.control.login("ida@example.com", "phone");
    await page.read("sign-in: ask for the session");
    await page.evaluate("document.querySelector('#calls summary').click()");
    await page.see({ role: "heading", name: "Signature" });
    await page.read('{"loginId":"ida@example.com","sessionType":"browser"}.');
    await page.read('{"token":"');
    await page.read("curl -si");
  });

  test.each([
    ["Altered", "The signature covers every byte of the body"],
    ["Expired", "its timestamp is more than a minute old"],
    ["Replayed", "The signature has been used"],
    ["To another endpoint", "OwnID does not sign the path"],
  ])("shows that a request is refused which is sent again: %s", async (button, verdict) => {
    await page.press(button);
    await page.read(`Refused with 401. `);
    await page.read(verdict);
  });

  test("forgets the calls, and keeps following", async () => {
    await page.press("Clear");
    await page.read("No calls yet.");
    await emulator.control.login("ida@example.com", "phone");
    await page.read("sign-in: ask for the session");
    expect(page.complaints).toEqual([]);
  });

  test("shows as many calls as the emulator keeps", async () => {
    const discover = () => emulator.post("/platform/discover", { loginId: "ida@example.com" });
    for (let round = 0; round < 10; round += 1) await Promise.all(Array.from({ length: 50 }, discover));
    await emulator.control.login("ida@example.com", "phone");
    await page.waitFor(
      "document.querySelector('#calls summary').textContent.includes('ask for the session')",
    );
    expect(await page.evaluate<number>("document.querySelectorAll('#calls summary').length")).toBe(500);
  });

  test("says that the emulator is gone", async () => {
    await emulator.end();
    await page.read("The emulator does not answer.");
    await page.see({ role: "alert", name: "" });
  });
});
