/** The style of the plots. `report/page-style.ts` has the style of every page. */
export const plotStyle = `
svg { display: block; width: 100%; min-width: 640px; height: auto; overflow: visible; }
svg text { font: 12px system-ui, sans-serif; fill: var(--soft); }
svg text.name { fill: var(--ink); font-weight: 500; }
.grid { stroke: var(--grid); } .base, .mark { stroke: var(--planned); }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.first { stroke: var(--first); } .second { stroke: var(--second); stroke-dasharray: 7 4; }
.third { stroke: var(--third); } .fourth { stroke: var(--fourth); stroke-dasharray: 2 4; }
.planned { stroke: var(--planned); stroke-dasharray: 4 4; } .failed { stroke: var(--failed); }
.hint { fill: transparent; } .hint:hover { fill: var(--hover); }
details .scroll { max-height: 340px; overflow: auto; margin-top: 8px; }
.legend, .sideways { display: none; }
.legend { list-style: none; flex-wrap: wrap; gap: 4px 18px; margin: 0 0 8px; padding: 0; font-size: 14px; }
.legend li { display: flex; align-items: center; gap: 7px; }
svg.key { width: 28px; min-width: 0; }
.sideways { color: var(--soft); font-size: 13px; margin: 0 0 6px; }
@media (max-width: 720px) {
  .legend { display: flex; }
  .sideways { display: block; }
}
`;
