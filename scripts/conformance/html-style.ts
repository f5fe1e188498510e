/** The style of the cases. `report/page-style.ts` has the style of every page. */
export const caseStyle = `
.tiles { margin-bottom: 4px; }
.outcome { display: inline-block; min-width: 6.4em; text-align: center; font-weight: 600; font-size: 12px; line-height: 1.6; padding: 1px 8px; border-radius: 999px; background: var(--grid); color: var(--soft); }
.outcome.fail { color: var(--bad); background: var(--bad-back); }
.outcome.warn { color: var(--note); background: var(--note-back); }
.outcome.pass { color: var(--good); background: var(--good-back); }
section > details { margin: 0; border-top: 1px solid var(--rule); }
section > details:first-of-type { border-top: 0; }
section > details > summary { display: grid; grid-template-columns: auto 1fr auto; gap: 2px 12px; align-items: baseline; padding: 10px 0; color: var(--ink); list-style: none; }
section > details > summary::-webkit-details-marker { display: none; }
summary:focus-visible, pre:focus-visible { outline: 2px solid var(--first); outline-offset: 2px; border-radius: 4px; }
summary .contract { grid-column: 2; color: var(--soft); }
summary .level { grid-row: 1; grid-column: 3; color: var(--soft); font-size: 13px; }
summary .level::after { content: ""; display: inline-block; width: 6px; height: 6px; margin-left: 10px; border: solid var(--soft); border-width: 0 1.5px 1.5px 0; transform: translateY(-2px) rotate(45deg); }
details[open] > summary .level::after { transform: translateY(1px) rotate(225deg); }
summary code { font-weight: 600; color: var(--ink); }
section > details > summary:hover code { text-decoration: underline; text-underline-offset: 3px; }
.more { padding: 0 0 14px; }
.more dl { display: grid; grid-template-columns: 5.5em 1fr; gap: 6px 12px; margin: 0 0 12px; }
.more dt { color: var(--soft); }
.more dd { margin: 0; overflow-wrap: anywhere; }
.more details { margin-top: 8px; border: 1px solid var(--rule); border-radius: 8px; padding: 8px 12px; }
.more details > summary { overflow-wrap: anywhere; }
.more details > summary b { color: var(--ink); font-weight: 600; }
.more h3 { font-size: 13px; font-weight: 600; color: var(--soft); margin: 12px 0 4px; }
pre { margin: 0; padding: 10px 12px; overflow-x: auto; background: var(--page); border-radius: 6px; font: 12.5px/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 720px) {
  section > details > summary { grid-template-columns: auto 1fr; }
  summary .contract { grid-column: 1 / -1; }
  summary code { grid-column: 1 / -1; grid-row: 2; }
  summary .level { grid-column: 2; text-align: right; }
  .more dl { grid-template-columns: 1fr; gap: 0; }
  .more dd { margin-bottom: 8px; }
}
@media print { .more details { break-inside: avoid; } }
`;
