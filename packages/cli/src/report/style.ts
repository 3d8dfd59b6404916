/** The report's style: light and dark as the reader's system says, narrow screens, and paper. */
export const style: string = `
:root {
  color-scheme: light dark;
  --paper: #f7f6f3; --card: #ffffff; --ink: #1f262c; --muted: #5c6770; --line: #e2dfd8; --faint: #efede8;
  --accent: #285f92; --accent-faint: #e8f0f7;
  --failed: #b1372c; --failed-bar: #bf4a3f; --partial-bar: #c58a2e; --failed-faint: #fbeeec; --partial: #96610a; --partial-faint: #faf3e4;
  --fine: #337653; --fine-bar: #a9cdb9; --unclear: #646e77; --unclear-bar: #b4bac0;
  --server: #4b83b6; --connect: #8b7bb5; --content: #4f9f87; --silent: #c3bfb6; --on-color: #ffffff;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "Noto Sans Mono", "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181c; --card: #1b2025; --ink: #e3e7ea; --muted: #9ba6af; --line: #2d343b; --faint: #232930;
    --accent: #86b6e4; --accent-faint: #203040;
    --failed: #ee8377; --failed-bar: #cf6459; --partial-bar: #c3923f; --failed-faint: #37211f; --partial: #dfae5c; --partial-faint: #332a18;
    --fine: #77c39d; --fine-bar: #356a50; --unclear: #9ba6af; --unclear-bar: #4b545d;
    --server: #5d94c8; --connect: #9a8bc6; --content: #58ab92; --silent: #4c5258; --on-color: #14181c;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0 auto; max-width: 82rem; padding: 0 1.5rem 3rem; background: var(--paper); color: var(--ink); font: 15px/1.5 var(--sans); }
h1, h2, h3, h4, p, dl, dd, ol, ul { margin: 0; padding: 0; }
h1 { font-size: 1.6rem; line-height: 1.25; font-weight: 600; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; line-height: 1.3; font-weight: 600; margin: 2rem 0 0.75rem; overflow-wrap: anywhere; }
h3 { font-size: 0.95rem; line-height: 1.4; font-weight: 600; }
h4 { font-size: 0.8rem; font-weight: 600; margin-top: 0.75rem; color: var(--muted); }
code { font-family: var(--mono); font-size: 0.92em; }
a { color: var(--accent); text-underline-offset: 0.15em; }
table { border-collapse: collapse; width: 100%; }
th { font-weight: inherit; text-align: left; }
[hidden] { display: none !important; }
.muted { color: var(--muted); }
.num { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: 1rem; top: -4rem; padding: 0.5rem 0.75rem; background: var(--card); border: 1px solid var(--line); border-radius: 6px; z-index: 2; }
.skip:focus { top: 0.5rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
main:focus, h2:focus, .line:focus { outline: none; }
.caption { font-size: 0.8rem; margin-top: 0.6rem; }

button, input, select { font: inherit; color: inherit; }
button { cursor: pointer; }
button:disabled { cursor: default; opacity: 0.45; }
.pages button, .way button, .toggle, .chip, select, input[type=search] {
  background: var(--card); border: 1px solid var(--line); border-radius: 7px; padding: 0.3rem 0.7rem;
}
.pages button:hover:enabled, .way button:hover:enabled, .toggle:hover, .chip:hover { border-color: var(--muted); }
.text-button { background: none; border: 0; padding: 0; text-align: left; color: inherit; text-decoration: underline; text-decoration-color: var(--line); text-underline-offset: 0.2em; overflow-wrap: anywhere; }
.text-button:hover { color: var(--accent); text-decoration-color: currentcolor; }

.top { display: flex; flex-wrap: wrap; gap: 1rem 2rem; justify-content: space-between; align-items: end; padding: 2rem 0 1.25rem; border-bottom: 1px solid var(--line); }
.brand { font-size: 0.8rem; color: var(--muted); margin-bottom: 0.3rem; }
.top .field { font-size: 0.85rem; color: var(--muted); }
.top select { color: var(--ink); margin-left: 0.35rem; max-width: 14rem; }
footer { margin-top: 3rem; font-size: 0.8rem; border-top: 1px solid var(--line); padding-top: 1rem; }

.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.15rem 1.15rem; min-width: 0; }
.card > h3 { margin-bottom: 0.75rem; }
.card-head { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; justify-content: space-between; margin-bottom: 0.75rem; }
.wide { margin-top: 1rem; }
.columns { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; margin-top: 1rem; }
.notice { margin-top: 1rem; padding: 0.6rem 0.9rem; border-left: 3px solid var(--partial); background: var(--partial-faint); border-radius: 0 6px 6px 0; font-size: 0.9rem; }
.unread { margin: 0.5rem 0 0 1.1rem; font-size: 0.85rem; overflow-wrap: anywhere; max-height: 24rem; overflow-y: auto; }

.figures { display: flex; flex-wrap: wrap; gap: 0.5rem 3rem; margin-bottom: 0.75rem; }
.figure dt { display: flex; align-items: center; gap: 0.4rem; color: var(--muted); font-size: 0.9rem; }
.figure.none .big { color: var(--muted); font-weight: 400; }
.figure.none .icon { opacity: 0.6; }
.big { font-size: 1.7rem; line-height: 1.2; font-weight: 600; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
svg { display: block; overflow: visible; }
.icon { flex: none; fill: currentcolor; }
.icon.failed, .badge.failed { color: var(--failed); } .icon.partial, .badge.partial { color: var(--partial); }
.icon.unclear, .badge.unclear { color: var(--unclear); } .icon.fine, .badge.fine { color: var(--fine); }
rect.failed { fill: var(--failed-bar); } rect.partial { fill: var(--partial-bar); }
rect.unclear { fill: var(--unclear-bar); } rect.fine { fill: var(--fine-bar); }
.outcomes .share { border-radius: 5px; overflow: hidden; }
.grid { stroke: var(--line); stroke-width: 1; }
svg text { font: 11px var(--sans); fill: var(--muted); }

.volume { display: flex; gap: 0.6rem; font-size: 0.75rem; }
.y-axis { display: flex; flex-direction: column; justify-content: space-between; height: 132px; text-align: right; line-height: 1; min-width: 1.2rem; font-variant-numeric: tabular-nums; }
.plot { position: relative; flex: 1; min-width: 0; }
.plot > .scale { position: absolute; inset: 0 0 auto; }
.bars { position: relative; display: flex; height: 132px; }
.column { flex: 1 1 0; min-width: 0; padding: 0; border: 0; background: none; }
.column:hover, .column:focus-visible { background: var(--accent-faint); }

.bars-table th, .bars-table td { padding: 0.4rem 0; vertical-align: top; }
.bars-table td { padding-left: 1rem; }
.bars-table thead th { font-size: 0.8rem; color: var(--muted); padding: 0 0 0.2rem; }
.bars-table thead th + th { padding-left: 1rem; }
.bars-table tbody th { width: 100%; overflow-wrap: anywhere; }
.bars-table .share { margin-top: 0.25rem; }

.latency th, .latency td, .waterfall th, .waterfall td { padding: 0.1rem 0; border-bottom: 1px solid var(--faint); }
.latency tr:last-child > *, .waterfall tbody tr:last-child > * { border-bottom: 0; }
.latency thead th, .waterfall thead th { font-size: 0.8rem; color: var(--muted); vertical-align: bottom; }
.latency .num, .waterfall .num { padding-left: 1.25rem; }
.latency th:first-child, .waterfall th:first-child { width: 6.5rem; white-space: nowrap; padding-right: 1rem; }
.plot-cell { width: auto; }
.latency .plot-cell { width: 55%; }
.reach { stroke: var(--server); stroke-width: 1.5; opacity: 0.6; } .bulk { stroke: var(--server); stroke-width: 5; opacity: 0.45; }
.tick { stroke: var(--server); stroke-width: 1.5; } .end { fill: var(--card); stroke: var(--server); stroke-width: 1.5; } .median { fill: var(--server); }

.filters { display: flex; flex-wrap: wrap; gap: 0.6rem 1rem; align-items: center; }
.search { display: flex; align-items: center; gap: 0.5rem; flex: 1 1 16rem; max-width: 26rem; }
.search input { flex: 1; min-width: 0; }
.toggles, .chips { display: flex; flex-wrap: wrap; gap: 0.4rem; }
.toggle { display: inline-flex; align-items: center; gap: 0.4rem; }
.toggle[aria-pressed=true] { border-color: var(--accent); background: var(--accent-faint); }
.chip { display: inline-flex; gap: 0.4rem; max-width: 24rem; border-color: var(--accent); background: var(--accent-faint); }
.chip-text { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
#found { margin: 0.75rem 0 0.5rem; font-size: 0.85rem; }
.pages { display: flex; flex-wrap: wrap; gap: 0.4rem; align-items: center; justify-content: center; margin-top: 1rem; font-size: 0.9rem; }

.rows { background: var(--card); border: 1px solid var(--line); border-radius: 10px; border-collapse: separate; border-spacing: 0; font-size: 0.9rem; }
.rows th, .rows td { padding: 0.55rem 0.75rem; vertical-align: top; border-bottom: 1px solid var(--faint); }
.rows tbody tr:last-child > * { border-bottom: 0; }
.rows tbody tr { cursor: pointer; }
.rows tbody tr:hover > * { background: var(--faint); }
.rows thead th { color: var(--muted); font-size: 0.8rem; border-bottom-color: var(--line); white-space: nowrap; }
.sort { background: none; border: 0; padding: 0; color: inherit; }
.sort:hover { color: var(--ink); }
.arrow { display: inline-block; width: 1em; }
.num .sort { margin-right: -1em; }
.rows tbody th { white-space: nowrap; font-variant-numeric: tabular-nums; }
.rows tbody th a { text-decoration: none; }
.rows tbody th a:hover { text-decoration: underline; }
.rows .day { display: block; font-size: 0.88em; color: var(--muted); }
.port { display: inline-block; color: var(--muted); }
.rows .server { min-width: 13rem; max-width: 16rem; overflow-wrap: anywhere; }
.rows .mail { max-width: 17rem; }
.address { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; unicode-bidi: isolate; }
.rows .what { min-width: 14rem; }
.slow { display: block; font-size: 0.88em; }
.badge { display: inline-flex; align-items: center; gap: 0.35rem; font-weight: 500; white-space: nowrap; }
.code { white-space: nowrap; margin-right: 0.5rem; padding: 0.05rem 0.35rem; border-radius: 4px; background: var(--faint); }

.way { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; justify-content: space-between; align-items: center; padding-top: 1rem; }
.way .steps { display: flex; gap: 0.5rem; align-items: center; font-size: 0.9rem; }
#conversation-title { font-size: 1.45rem; margin: 1rem 0 0.25rem; letter-spacing: -0.01em; }
.verdict { display: flex; flex-wrap: wrap; gap: 0.3rem 0.75rem; align-items: baseline; font-size: 1.05rem; }
.verdict .badge { align-self: center; } .verdict .code { margin: 0; }
.facts-row { display: flex; flex-wrap: wrap; gap: 0.5rem 2rem; margin-top: 0.9rem; font-size: 0.9rem; }
.facts-row dt { font-size: 0.78rem; color: var(--muted); }
.facts-row dd { overflow-wrap: anywhere; }

.bar.reply { fill: var(--server); } .bar.connect, .bar.tls { fill: var(--connect); } .bar.content { fill: var(--content); } .bar.client { fill: var(--silent); }
.lane .bar { cursor: pointer; }
.lane .bar:hover { opacity: 0.8; }
.edge { stroke-width: 1.5; pointer-events: none; }
.edge.reply { stroke: var(--server); } .edge.connect, .edge.tls { stroke: var(--connect); } .edge.content { stroke: var(--content); } .edge.client { stroke: none; }
.fault { fill: var(--failed); stroke: var(--card); stroke-width: 1.5; }
.silent { font-size: 0.8rem; }
.legend { display: flex; flex-wrap: wrap; gap: 0.2rem 1.25rem; margin-top: 0.75rem; font-size: 0.8rem; }
.legend span { display: inline-flex; align-items: center; gap: 0.4rem; }

.dialogue { list-style: none; display: grid; grid-template-columns: minmax(0, 1fr) minmax(19rem, 25rem); column-gap: 1.5rem; }
.dialogue > li { grid-column: 1; }
.line { display: grid; grid-template-columns: 3.2em 5em 1.6em minmax(0, 1fr); font-family: var(--mono); font-size: 0.84rem; line-height: 1.55; padding: 0.08rem 0.5rem 0.08rem 0.25rem; border-left: 3px solid transparent; }
.line .no, .line .at { color: var(--muted); text-align: right; font-size: 0.92em; line-height: 1.68; font-variant-numeric: tabular-nums; user-select: none; }
.line .who { text-align: right; padding-right: 0.1em; font-weight: 600; user-select: none; }
.line .said { padding-left: 0.8em; white-space: pre-wrap; overflow-wrap: anywhere; max-height: 24em; overflow-y: auto; }
.line.client .who, .line.client .said { color: var(--accent); }
.line.content .said { opacity: 0.75; }
.line.refused .said, .line.refused .who, .line.trouble .said, .line.trouble .who { color: var(--failed); }
.line.deferred .said, .line.deferred .who { color: var(--partial); }
.line.done .said, .line.done .who { color: var(--muted); }
.line.evidence { background: var(--failed-faint); border-left-color: var(--failed); }
.dialogue:not(:has(.diagnosis.failed)) .line.evidence { background: var(--partial-faint); border-left-color: var(--partial); }
.dialogue:not(:has(.diagnosis.failed, .diagnosis.partial)) .line.evidence { background: var(--faint); border-left-color: var(--unclear-bar); }
.dialogue:has(.diagnosis.fine) .line.evidence { border-left-color: var(--fine-bar); }
.line:target, .line:focus { background: var(--accent-faint); }
.line a { color: inherit; }
.gap { font-size: 0.8rem; color: var(--muted); padding: 0.35rem 0 0.35rem 3.9rem; display: flex; align-items: center; gap: 0.6rem; }
.gap::after { content: ""; flex: 1; border-top: 1px dashed var(--line); }
.step { display: none; font-size: 0.86rem; padding: 0.6rem 0.5rem 0.1rem 3.9rem; color: var(--ink); overflow-wrap: anywhere; }
.explained .step { display: block; }
.step.trouble { color: var(--failed); }
.folded > summary { font-size: 0.84rem; color: var(--muted); padding: 0.15rem 0 0.15rem 3.9rem; cursor: pointer; }
.inner { list-style: none; }
.facts summary, .source summary { font: 0.78rem var(--sans); color: var(--muted); cursor: pointer; width: max-content; max-width: 100%; }
.facts:not([open]) { display: inline-block; margin-left: 0.9em; }
.only { color: var(--muted); font-size: 0.94em; }
.words { display: block; color: var(--ink); font: 0.98em/1.5 var(--sans); padding: 0.1rem 0 0.25rem; }
.only::before { content: " · "; white-space: pre; }
.facts dl { display: grid; gap: 0.15rem; padding: 0.35rem 0 0.5rem; font: 0.82rem/1.45 var(--sans); }
.facts dl > div { display: grid; grid-template-columns: 8.5rem minmax(0, 1fr); gap: 0.75rem; }
.facts dt { color: var(--muted); } .facts dd { overflow-wrap: anywhere; color: var(--ink); }
.dialogue > .note { grid-column: 2; display: grid; gap: 0.75rem; align-content: start; padding-bottom: 0.75rem; }
.diagnosis { border: 1px solid var(--line); border-left: 3px solid var(--unclear-bar); border-radius: 0 8px 8px 0; padding: 0.75rem 0.9rem 0.85rem; background: var(--paper); font-size: 0.88rem; overflow-wrap: anywhere; }
.diagnosis.failed { border-left-color: var(--failed); } .diagnosis.partial { border-left-color: var(--partial); } .diagnosis.fine { border-left-color: var(--fine-bar); }
.diagnosis h3 { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0.5rem; }
.diagnosis h3 .icon { margin-top: 0.15rem; }
.diagnosis .rests { margin-top: 0.3rem; font-size: 0.82rem; }
.diagnosis ul, .diagnosis ol { padding-left: 1.2rem; }
.diagnosis ul { list-style: disc; }
.diagnosis li { margin-top: 0.15rem; }
.source { margin-top: 0.8rem; font-size: 0.82rem; }
.check { font-size: 0.85rem; color: var(--muted); display: inline-flex; gap: 0.4rem; align-items: center; }

@media screen and (max-width: 64rem) {
  .dialogue { display: block; }
  .dialogue > .note { margin: 0.75rem 0 1rem 0.25rem; max-width: 44rem; }
}
@media screen and (max-width: 48rem) {
  body { padding: 0 1rem 2rem; }
  .top { padding-top: 1.25rem; }
  .columns { grid-template-columns: minmax(0, 1fr); }
  .figures { display: grid; grid-template-columns: repeat(4, auto); gap: 0.5rem; }
  .figure dd { display: flex; flex-direction: column; }
  .big { font-size: 1.45rem; }
  .card { padding: 0.85rem 0.9rem 1rem; }
  .spare { display: none; }
  .latency .num, .waterfall .num { padding-left: 0.6rem; font-size: 0.82rem; }
  .latency th:first-child, .waterfall th:first-child { width: 4.8rem; padding-right: 0.5rem; font-size: 0.82rem; }
  .latency .plot-cell { width: 36%; }
  .silent { display: block; }
  .rows, .rows tbody, .rows tr { display: block; }
  .rows thead { display: block; padding: 0.4rem 0.75rem; border-bottom: 1px solid var(--line); }
  .rows thead tr { display: flex; flex-wrap: wrap; gap: 0.15rem 1rem; }
  .rows thead th { padding: 0.15rem 0; border: 0; }
  .num .sort { margin-right: 0; }
  .rows tbody tr { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 0.1rem 1rem; padding: 0.7rem 0.9rem; border-bottom: 1px solid var(--faint); }
  .rows tbody tr > * { padding: 0; border: 0; }
  .rows tbody th { grid-row: 1; } .rows .outcome { grid-row: 1; grid-column: 2; justify-self: end; }
  .rows .day { display: inline; }
  .rows .server { grid-row: 2; font-weight: 500; min-width: 0; max-width: none; } .rows td.num { text-align: right; }
  .rows td.num { grid-row: 2; grid-column: 2; } .rows td.num:last-child { grid-row: 3; }
  .rows .mail { grid-row: 3; grid-column: 1; max-width: none; }
  .rows .what { grid-column: 1 / -1; min-width: 0; }
  .line { grid-template-columns: 2.4em 1.4em minmax(0, 1fr); font-size: 0.8rem; }
  .line .at { display: none; }
  .gap, .step, .folded > summary { padding-left: 2.4rem; }
  .facts dl > div { grid-template-columns: minmax(0, 1fr); gap: 0; }
}
@media print {
  :root {
    --paper: #ffffff; --card: #ffffff; --ink: #000000; --muted: #444444; --line: #bbbbbb; --faint: #e4e4e4; --accent: #1a4b78; --accent-faint: #ffffff;
    --failed: #a02a20; --failed-bar: #bf4a3f; --partial-bar: #c58a2e; --failed-faint: #f7eceb; --partial: #7d5000; --partial-faint: #f8f2e4; --fine: #2a6a49; --fine-bar: #a9cdb9; --unclear: #555555; --unclear-bar: #b4bac0;
    --server: #4b83b6; --connect: #8b7bb5; --content: #4f9f87; --silent: #c3bfb6;
  }
  @page { margin: 15mm; }
  html { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  .no-print, .skip, .caption { display: none !important; }
  .card { border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: 0.6rem 0; break-inside: avoid; }
  .card:has(.dialogue) { break-inside: auto; }
  .columns .card { break-inside: auto; }
  .columns tr { break-inside: avoid; }
  .axis .spare { display: none; }
  .rows { border: 0; border-collapse: collapse; font-size: 8pt; }
  .rows thead { display: table-header-group; break-inside: avoid; }
  /* a head with buttons in it is not repeated on each page */
  .sort { display: none; }
  .rows thead th::after { content: attr(data-title); }
  .rows .server { min-width: 8.5rem; } .rows .mail { max-width: 11rem; } .rows .what { min-width: 11rem; }
  .rows th, .rows td { padding: 0.25rem 0.4rem; }
  .rows tr, .line, .diagnosis, .notice { break-inside: avoid; }
  h2, h3, h4 { break-after: avoid; }
  .text-button { text-decoration: none; }
  .dialogue { display: block; }
  .dialogue > .note { margin: 0.5rem 0 0.75rem 0.25rem; }
  .line .said { max-height: none; overflow: visible; }
  .facts, .source { display: none !important; }
}
`
