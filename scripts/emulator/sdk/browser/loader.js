/**
 * What `/sdk/<appId>` serves: a classic script, as the one it stands in for. Pages load it with `async` and call
 * `ownid(…)` before it arrives; those calls wait in `ownid.q` until the modules below take them over.
 */
(() => {
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const { origin, pathname } = new URL(script.src);
  import(`${origin}${pathname.replace(/\/$/, "")}/ownid.js`)
    .then(({ takeOver }) => takeOver())
    .catch((error) => console.error("The emulator's stand-in for the OwnID SDK could not start.", error));
})();
