/** The style of the pages that commands write, light and dark, with the fonts of the system. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --page: #f6f6f4; --card: #ffffff; --ink: #1b1c1e; --soft: #5c6066; --rule: #e2e2de; --grid: #ecece9;
  --first: #2468c8; --second: #0f8f68; --third: #d2551f; --fourth: #7a3fb5; --planned: #8a8f98; --failed: #c8283c;
  --good: #0b7a43; --good-back: #e3f4ea; --bad: #b3202f; --bad-back: #fbe6e8; --note-back: #fdf3d9; --note: #7a5600;
  --hover: rgb(30 60 110 / 0.08);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #121315; --card: #1b1d20; --ink: #eceded; --soft: #a3a8b0; --rule: #303338; --grid: #2a2d31;
    --first: #66a3f7; --second: #3ec99a; --third: #f28b5a; --fourth: #bd93f0; --planned: #8a9099; --failed: #ff6b7d;
    --good: #59d392; --good-back: #16301f; --bad: #ff8793; --bad-back: #3a1a1e; --note-back: #33290f; --note: #f0c75e;
    --hover: rgb(160 190 240 / 0.12);
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 960px; margin: 0 auto; padding: 32px 20px 56px; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 16px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 17px; margin: 0 0 10px; }
.about { flex-basis: 100%; color: var(--soft); margin: 0; overflow-wrap: anywhere; }
.verdict { font-weight: 600; font-size: 14px; padding: 3px 12px; border-radius: 999px; }
.good { color: var(--good); background: var(--good-back); }
.bad { color: var(--bad); background: var(--bad-back); }
section { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 18px 20px; margin-top: 16px; }
.lead { color: var(--soft); margin: 0 0 12px; font-size: 14px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 12px; margin: 20px 0 0; }
.tiles div { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 12px 16px; }
.tiles dt { color: var(--soft); font-size: 13px; }
.tiles dd { margin: 0; font-size: 24px; font-weight: 600; letter-spacing: -0.01em; font-variant-numeric: tabular-nums; white-space: nowrap; }
.tiles dd small { font-size: 13px; font-weight: 400; color: var(--soft); letter-spacing: 0; display: block; white-space: normal; }
.note { background: var(--note-back); color: var(--note); border: 0; }
.note p { margin: 0; } .note p + p { margin-top: 8px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { text-align: right; padding: 6px 10px; border-bottom: 1px solid var(--rule); white-space: nowrap; }
tr > :first-child { text-align: left; padding-left: 0; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--soft); font-weight: 500; font-size: 13px; }
tbody th { font-weight: 500; }
table.words td, table.words th { text-align: left; white-space: normal; overflow-wrap: anywhere; }
table.words th { width: 11em; color: var(--soft); }
details { margin-top: 12px; } summary { cursor: pointer; color: var(--soft); font-size: 14px; }
@media (max-width: 720px) {
  main { padding: 20px 12px 40px; }
  section { padding: 14px; }
  .scroll { padding-bottom: 8px; }
  .scroll tr > :first-child { position: sticky; left: 0; background: var(--card); }
  table.blocks, table.blocks tbody { display: block; }
  table.blocks thead { display: none; }
  table.pairs tr { grid-template-columns: 1fr 1fr; }
  table.blocks tr { display: grid; gap: 2px 24px; padding: 10px 0; border-bottom: 1px solid var(--rule); }
  table.blocks tr:last-child { border-bottom: 0; }
  table.blocks tr > th { grid-column: 1 / -1; font-weight: 600; border: 0; padding: 0 0 2px; }
  table.blocks td { display: flex; justify-content: space-between; gap: 12px; padding: 2px 0; border: 0; }
  table.blocks td::before { content: attr(data-name); color: var(--soft); }
  table.words th { width: 7.5em; }
}
.option { white-space: nowrap; }
code { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
footer { color: var(--soft); font-size: 13px; margin-top: 20px; }
@media print { body { background: none; } section { break-inside: avoid; } }
`;
