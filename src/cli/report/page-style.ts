/** Of the report's page. Colors are variables: one set for each of light and dark. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --back: #ffffff; --panel: #f6f7f9; --text: #1c2127; --faint: #5d6670; --line: #d9dde3;
  --accent: #2f5fa8; --good: #2e7d32; --bad: #b00020; --warn: #8a5a00; --done: #4a7fd0; --path: #d9822b; --cached: #7fb77f; }
@media (prefers-color-scheme: dark) { :root { --back: #14171b; --panel: #1d2126; --text: #e4e7eb; --faint: #9aa4af; --line: #343a42;
  --accent: #8ab4f8; --good: #81c784; --bad: #ff8a80; --warn: #ffcc80; --done: #5b8def; --path: #f0a04b; --cached: #5f8f5f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 75rem; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
a { color: var(--accent); } code, pre, .mono { font: 12.5px/1.45 ui-monospace, 'DejaVu Sans Mono', Menlo, monospace; }
.faint { color: var(--faint); } .num { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.badge { display: inline-block; padding: 0 .5em; border-radius: .3em; border: 1px solid; font-size: .8rem; white-space: nowrap; }
.badge.done { color: var(--accent); } .badge.cached, .badge.good { color: var(--good); } .badge.failed { color: var(--bad); }
.badge.skipped { color: var(--faint); }
.facts { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: .75rem 0; padding: .75rem 1rem; background: var(--panel); border-radius: .5rem; }
.facts dt { color: var(--faint); font-size: .8rem; } .facts dd { margin: 0; font-size: 1.05rem; }
.box { border-left: 4px solid var(--line); background: var(--panel); padding: .6rem .9rem; margin: .5rem 0; border-radius: 0 .4rem .4rem 0; }
.box.error { border-color: var(--bad); } .box.warning { border-color: var(--warn); } .box p { margin: .2rem 0; }
.timeline { list-style: none; margin: 0; padding: 0; } .timeline a { display: block; text-decoration: none; color: inherit; padding: .2rem 0; }
.timeline .row { display: flex; gap: 1rem; justify-content: space-between; } .timeline .label { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.timeline svg, .share svg { display: block; width: 100%; height: 10px; background: var(--panel); border-radius: 3px; }
.share { min-width: 5rem; width: 30%; }
rect.done { fill: var(--done); } rect.failed { fill: var(--bad); } rect.path { fill: var(--path); } rect.skipped { fill: var(--faint); } rect.cached { fill: var(--cached); }
.key { display: inline-block; width: 1.2em; height: .7em; border-radius: 2px; vertical-align: baseline; }
.key.path { background: var(--path); } .key.done { background: var(--done); }
.graph { overflow: auto; border: 1px solid var(--line); border-radius: .5rem; padding: .5rem; max-height: 45rem; text-align: center; }
.graph svg { max-width: 100%; height: auto; min-width: min(100%, 20rem); }
.graph svg > g > polygon { fill: none; } .graph .edge path, .graph .cluster path { stroke: var(--faint); }
.graph .edge polygon { stroke: var(--faint); fill: var(--faint); } .graph .cluster text { fill: var(--text); }
.graph .node:not(.cached, .done, .failed, .skipped) :is(path, polygon, polyline, ellipse) { stroke: var(--faint); }
.graph .node:not(.cached, .done, .failed, .skipped) text { fill: var(--text); }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .3rem 0; } details[open] > summary { border-bottom: 1px solid var(--line); }
summary { padding: .4rem .7rem; cursor: pointer; } summary:hover { background: var(--panel); } details:target { outline: 2px solid var(--accent); }
summary .line { display: inline-flex; gap: .7rem; align-items: baseline; width: calc(100% - 1.5rem); } summary .label { flex: 1; }
.body { padding: .5rem .9rem; } .body ul { margin: .2rem 0; padding-left: 1.2rem; }
pre { margin: .4rem 0; padding: .6rem; background: var(--panel); border-radius: .3rem; overflow: auto; max-height: 30rem; white-space: pre-wrap; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .5rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--faint); font-weight: normal; font-size: .8rem; }
.tools { display: none; gap: .5rem; margin: .5rem 0; flex-wrap: wrap; } .js .tools { display: flex; }
.tools input { flex: 1; min-width: 10rem; } .tools input, .tools button { font: inherit; padding: .25rem .6rem; color: inherit; background: var(--panel); border: 1px solid var(--line); border-radius: .3rem; }
[hidden] { display: none; }
@media (max-width: 40rem) { body { padding: .6rem; font-size: 14px; } summary .line { flex-wrap: wrap; gap: .2rem .6rem; } summary .label { flex: 1 0 100%; order: 3; }
  .share, th.share { display: none; } }
@media print { details > .body { display: block; } .tools { display: none; } }
`;
