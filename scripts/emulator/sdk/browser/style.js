/**
 * The look of what the SDK shows. It lives in shadow trees, so a page's own style neither reaches it nor is reached by
 * it; the `--ownid-button-…` variables are those of the SDK's reference.
 */
const css = `
:host {
  color-scheme: light dark;
  --ink: #17191c; --soft: #5b616b; --back: #ffffff; --rule: #d5d8de; --accent: #1f57d6; --on-accent: #ffffff;
  --bad: #b3202f; --good: #0b6b3b; --veil: rgb(20 24 32 / 0.45);
  color: var(--ink); font: 400 15px/1.5 system-ui, sans-serif; text-align: start;
}
@media (prefers-color-scheme: dark) {
  :host {
    --ink: #eceef2; --soft: #a2a8b3; --back: #1d2025; --rule: #3a3f48; --accent: #86aaff; --on-accent: #0d1526;
    --bad: #ff8f99; --good: #63d69a; --veil: rgb(0 0 0 / 0.6);
  }
}
* { box-sizing: border-box; }
button, input { font: inherit; }
button { cursor: pointer; }
button:disabled, button[aria-disabled="true"] { cursor: progress; opacity: 0.6; }
:focus-visible { outline: 3px solid color-mix(in srgb, var(--accent) 55%, transparent); outline-offset: 2px; }
.widget { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 10px; }
.or { color: var(--soft); font-size: 14px; }
.sign {
  display: inline-flex; align-items: center; justify-content: center; gap: 10px;
  min-width: var(--ownid-button-width, 44px); min-height: var(--ownid-button-height, 44px);
  padding: var(--ownid-button-widget-button-padding, 0 10px);
  font-size: var(--ownid-button-widget-font-size, 15px);
  color: var(--ownid-button-widget-color, var(--accent));
  background: var(--ownid-button-widget-background, var(--back));
  border: var(--ownid-button-widget-border-width, 1px) solid var(--ownid-button-widget-border-color, var(--rule));
  border-radius: var(--ownid-button-widget-border-radius, 8px);
  box-shadow: var(--ownid-button-widget-box-shadow, none);
}
.sign[hidden] { display: none; }
.sign.wide { width: 100%; font-weight: 600; }
.sign:hover:not([aria-disabled="true"]) { border-color: currentcolor; }
svg { width: 22px; height: 22px; flex: none; fill: none; stroke: currentcolor; stroke-width: 1.7; stroke-linecap: round; }
.note { flex-basis: 100%; margin: 0; font-size: 14px; }
.note:empty { display: none; }
[role="alert"] { color: var(--bad); }
.done {
  display: flex; align-items: center; justify-content: center; gap: 9px; color: var(--good); font-weight: 600;
  min-height: var(--ownid-button-height, 44px); padding: 0 12px; border: 1px solid; border-radius: var(--ownid-button-widget-border-radius, 8px);
}
.wide.done { flex: 1; }
.done:empty { display: none; }
.done svg { stroke-width: 2.4; }
.undo { background: none; border: 0; padding: 0 4px; color: var(--accent); text-decoration: underline; }
dialog {
  width: min(400px, calc(100vw - 32px)); padding: 24px; color: var(--ink); background: var(--back);
  border: 1px solid var(--rule); border-radius: 14px; box-shadow: 0 18px 50px rgb(0 0 0 / 0.25);
}
dialog::backdrop { background: var(--veil); }
dialog.corner { position: fixed; inset: auto 16px 16px auto; margin: 0; z-index: 2147483000; }
form { display: grid; gap: 14px; }
h2 { margin: 0; font-size: 19px; line-height: 1.3; letter-spacing: -0.01em; }
p { margin: 0; }
form p { color: var(--soft); overflow-wrap: anywhere; }
form p[role="alert"] { color: var(--bad); }
label { display: grid; gap: 6px; font-weight: 600; font-size: 14px; }
input {
  width: 100%; min-height: 46px; padding: 0 12px; color: inherit; background: transparent;
  border: 1px solid var(--rule); border-radius: 8px; font-weight: 400; font-size: 16px;
}
input[inputmode="numeric"] { font-size: 20px; letter-spacing: 0.25em; font-variant-numeric: tabular-nums; }
.actions { display: grid; gap: 8px; }
.actions button {
  min-height: 46px; padding: 0 16px; border-radius: 8px; border: 1px solid var(--rule); background: none; color: inherit;
}
.actions button.main { background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; }
`;

const sheet = new CSSStyleSheet();
sheet.replaceSync(css);

/**
 * @param {...Node} content
 * @returns {HTMLElement} an element that shows the content with the SDK's look
 */
export function styledHost(...content) {
  const host = document.createElement("div");
  const shadow = host.attachShadow({ mode: "open" });
  shadow.adoptedStyleSheets = [sheet];
  shadow.append(...content);
  return host;
}
