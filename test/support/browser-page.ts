import { writeFileSync } from "node:fs";
import type { DevTools } from "./devtools.ts";

/** An element by its accessible role and name, by which a keyboard user can find it, too. */
export interface Named {
  readonly role: "button" | "textbox" | "link" | "heading" | "alert" | "dialog";
  readonly name: string;
}

export interface Look {
  readonly width: number;
  readonly height: number;
  readonly isDark?: boolean;
}

interface Node {
  readonly backendDOMNodeId: number;
  readonly ignored: boolean;
  readonly name?: { readonly value: string };
  readonly properties?: readonly { readonly name: string; readonly value: { readonly value: unknown } }[];
}

const waitMs = 10_000;

/**
 * A page of a browser with a virtual authenticator. Elements are found by role and accessible name and are operated by
 * keyboard alone, so a test that passes shows that both work.
 */
export class BrowserPage {
  /** Console errors, uncaught exceptions and failed requests of the page. */
  readonly complaints: string[] = [];
  /** Everything else that the page wrote to the console. */
  readonly remarks: string[] = [];
  /** The URLs that the page requested, in order. */
  readonly requests: string[] = [];
  readonly #devTools: DevTools;
  readonly #session: string;

  private constructor(devTools: DevTools, session: string) {
    this.#devTools = devTools;
    this.#session = session;
  }

  static async open(devTools: DevTools, session: string): Promise<BrowserPage> {
    const page = new BrowserPage(devTools, session);
    page.#listen();
    for (const domain of ["Page", "Runtime", "Log", "Network", "DOM", "Accessibility", "WebAuthn"]) {
      await page.#call(`${domain}.enable`);
    }
    await page.#call("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    return page;
  }

  async goTo(url: string): Promise<void> {
    const { errorText } = await this.#call<{ errorText?: string }>("Page.navigate", { url });
    if (errorText) throw new Error(`${url}: ${errorText}`);
  }

  /** Resolves when an element with this role and name is there and enabled. */
  async see(element: Named): Promise<void> {
    await this.#until(`${describeElement(element)} is not on the page`, () => this.#usable(element));
  }

  async isGone(element: Named): Promise<void> {
    await this.#until(`${describeElement(element)} is still there`, async () => {
      return (await this.#matches(element)).length === 0 || null;
    });
  }

  /** Resolves when the text is somewhere on the page, including shadow trees. */
  async read(text: string): Promise<void> {
    await this.#until(`"${text}" is not on the page`, async () => {
      return (await this.text()).includes(text) || null;
    });
  }

  /** Returns everything that a screen reader would read. */
  async text(): Promise<string> {
    const { nodes } = await this.#call<{ nodes: readonly (Node & { role?: { value: string } })[] }>(
      "Accessibility.getFullAXTree",
    );
    const texts = nodes.filter(({ ignored, role }) => !ignored && role?.value === "StaticText");
    return texts.map(({ name }) => name?.value ?? "").join("\n");
  }

  /** Replaces the content of a field. */
  async fill(name: string, text: string): Promise<void> {
    await this.#focus({ role: "textbox", name });
    await this.#key("a", 65, 2);
    if (text === "") await this.#key("Backspace", 8);
    else await this.#call("Input.insertText", { text });
  }

  /** Presses a button or follows a link with the Enter key. */
  async press(name: string, role: Named["role"] = "button"): Promise<void> {
    await this.#focus({ role, name });
    await this.#key("Enter", 13);
  }

  /** Resolves when the expression is true in the page. */
  async waitFor(expression: string): Promise<void> {
    await this.#until(
      `${expression} is false`,
      async () => (await this.evaluate<boolean>(expression)) || null,
    );
  }

  evaluate<Result>(expression: string): Promise<Result> {
    return this.#call<{ result: { value: Result } }>("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    }).then(({ result }) => result.value);
  }

  /** Sets how the page is shown: its size in CSS pixels, and the preferred theme. */
  async look({ width, height, isDark = false }: Look): Promise<void> {
    const scheme = { name: "prefers-color-scheme", value: isDark ? "dark" : "light" };
    await this.#call("Emulation.setEmulatedMedia", { features: [scheme] });
    const mobile = width < 600;
    await this.#call("Emulation.setDeviceMetricsOverride", { width, height, mobile, deviceScaleFactor: 1.5 });
  }

  /** Writes the visible part to a WebP file. */
  async photograph(file: string): Promise<void> {
    const options = { format: "webp", quality: 65 };
    const { data } = await this.#call<{ data: string }>("Page.captureScreenshot", options);
    writeFileSync(file, Buffer.from(data, "base64"));
  }

  async #focus(element: Named): Promise<void> {
    await this.#until(`${describeElement(element)} is not on the page`, async () => {
      const node = await this.#usable(element);
      if (node === null) return null;
      // Fails, and is tried again, if the page has replaced the element meanwhile.
      await this.#call("DOM.focus", { backendNodeId: node.backendDOMNodeId });
      return node;
    });
  }

  async #usable(element: Named): Promise<Node | null> {
    const nodes = await this.#matches(element);
    return nodes.find((node) => !isDisabled(node)) ?? null;
  }

  async #matches({ role, name }: Named): Promise<Node[]> {
    const { root } = await this.#call<{ root: { backendNodeId: number } }>("DOM.getDocument", { depth: 0 });
    const { nodes } = await this.#call<{ nodes: Node[] }>("Accessibility.queryAXTree", {
      backendNodeId: root.backendNodeId,
      role,
      accessibleName: name,
    });
    return nodes.filter(({ ignored }) => !ignored);
  }

  async #until<Found>(failure: string, look: () => Promise<Found | null>): Promise<Found> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      // While a page is being replaced by the next one, its nodes cannot be queried.
      const found = await look().catch(() => null);
      if (found !== null) return found;
      if (performance.now() > deadline) {
        throw new Error(`${failure}. It reads:\n${await this.text()}\n${this.complaints.join("\n")}`);
      }
      await Bun.sleep(10);
    }
  }

  async #key(key: string, windowsVirtualKeyCode: number, modifiers = 0): Promise<void> {
    const event = { key, windowsVirtualKeyCode, modifiers };
    const text = key === "Enter" ? "\r" : undefined;
    const commands = key === "a" ? ["selectAll"] : undefined;
    await this.#call("Input.dispatchKeyEvent", { type: "keyDown", ...event, text, commands });
    await this.#call("Input.dispatchKeyEvent", { type: "keyUp", ...event });
  }

  #listen(): void {
    const on = (method: string, listener: (params: Readonly<Record<string, unknown>>) => void) =>
      this.#devTools.on(method, this.#session, listener);
    on("Network.requestWillBeSent", ({ request }) => {
      this.requests.push((request as { url: string }).url);
    });
    on("Log.entryAdded", ({ entry }) => {
      const { level, text, url } = entry as { level: string; text: string; url?: string };
      if (level === "error") this.complaints.push(url === undefined ? text : `${text} (${url})`);
    });
    on("Runtime.consoleAPICalled", ({ type, args }) => {
      const values = args as readonly { value?: unknown; description?: string }[];
      const line = values.map((arg) => arg.value ?? arg.description).join(" ");
      (type === "error" ? this.complaints : this.remarks).push(line);
    });
    on("Runtime.exceptionThrown", ({ exceptionDetails }) => {
      const { text, exception } = exceptionDetails as { text: string; exception?: { description?: string } };
      this.complaints.push(exception?.description ?? text);
    });
  }

  #call<Result = unknown>(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<Result> {
    return this.#devTools.call<Result>(method, params, this.#session);
  }
}

function describeElement({ role, name }: Named): string {
  return `the ${role} "${name}"`;
}

function isDisabled({ properties = [] }: Node): boolean {
  return properties.some(({ name, value }) => name === "disabled" && value.value === true);
}
