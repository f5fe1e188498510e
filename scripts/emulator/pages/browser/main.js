import { emulatorFacts } from "./emulator-api.js";
import { find } from "./page-parts.js";
import { startPanes } from "./panes.js";
import { startRouter } from "./router.js";
import { showWire } from "./wire/wire-view.js";

showWire();
startPanes();
// For a site of one's own, which has its own window: the calls alone.
if (location.pathname === "/wire-view") document.body.dataset.only = "wire";
else await startRouter();

const { oneTimeCode } = await emulatorFacts();
find(document, "#code-hint").textContent = `No e-mail is sent: the one-time code is always ${oneTimeCode}.`;
