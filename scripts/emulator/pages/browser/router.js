import { element } from "../../sdk/browser/element.js";
import { site } from "./emulator-api.js";
import { goTo } from "./navigation.js";
import { find } from "./page-parts.js";
import { isMarked, unmark } from "./sign-in-mark.js";
import { account } from "./views/account.js";
import { recover, signIn } from "./views/entry.js";
import { register } from "./views/register.js";

/** @typedef {{ title: string, show: (place: HTMLElement) => void | Promise<void>, leave: () => void }} View */

/** @type {Readonly<Record<string, View>>} */
const views = { "/": signIn, "/register": register, "/recover": recover, "/account": account };

const visitorLinks = { "/": "Sign in", "/register": "Create account", "/recover": "Recover" };

/** @type {View} */
let shown = signIn;

/** Shows the view that the address names, and follows links within the page from then on. */
export async function startRouter() {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || !(link.pathname in views) || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    goTo(link.pathname);
  });
  addEventListener("popstate", async () => {
    await show(location.pathname);
    // A screen reader goes on where the new view begins.
    find(document, "#view h1").focus();
  });
  await show(isMarked() && location.pathname === "/" ? "/account" : location.pathname);
}

/** @param {string} path */
async function show(path) {
  shown.leave();
  const view = views[path] ?? signIn;
  shown = view;
  document.title = `${view.title} · OwnID emulator`;
  showLinks(path);
  // A place of its own: what a view that has been left still waits for shows nowhere.
  const place = element("div", { className: "view" });
  find(document, "#view").replaceChildren(place);
  await view.show(place);
  // The view may have found out that nobody is signed in any more.
  if (shown === view) showLinks(path);
}

/** @param {string} path of the view that is shown */
function showLinks(path) {
  const links = isMarked()
    ? [
        link("/account", "My account", path),
        element("button", { type: "button", onclick: signOut }, "Sign out"),
      ]
    : Object.entries(visitorLinks).map(([target, text]) => link(target, text, path));
  find(document, "#links").replaceChildren(...links);
}

/** @param {string} target @param {string} text @param {string} path */
function link(target, text, path) {
  const here = target === path ? { ariaCurrent: "page" } : {};
  return element("a", { href: target, ...here }, text);
}

async function signOut() {
  await site.logOut();
  unmark();
  goTo("/");
}
