import { createHash } from 'node:crypto';
import { renderGraph } from '../../builder/graph-dot.js';
import type { DrawnGraph, StepId } from '../../builder/progress.js';
import { isTsbuildError } from '../../support/errors.js';
import { formatSeconds } from '../progress/model.js';
import { noticeLine, warningLine } from '../progress/report.js';
import type { Outcome } from '../progress/renderer.js';
import type { BuildFacts } from './build-log.js';
import { MAX_VERTICES } from '../picture/picture.js';
import { criticalPath } from './critical-path.js';
import { html, trusted, type Markup } from './markup.js';
import { PAGE_SCRIPT } from './page-script.js';
import { PAGE_STYLE } from './page-style.js';
import { fateOf, stepFates } from './step-fates.js';
import { layersSection, stepsSection, timelineSection } from './step-sections.js';

export interface ReportOptions {
  /** What was built: the name of the Dockerfile. */
  readonly name: string;
  readonly outcome: Outcome;
}

/**
 * One page that tells of a build, and needs nothing beside itself: no network, and a browser's own rules forbid it any. Equal events
 * give equal pages.
 */
export async function reportPage(facts: BuildFacts, { name, outcome }: ReportOptions): Promise<string> {
  const path = new Set<StepId>(criticalPath(facts.graphs, facts.state.steps));
  const graphs = await Promise.all(facts.graphs.map((graph) => graphPicture(graph, facts)));
  const [style, script] = [PAGE_STYLE, PAGE_SCRIPT];
  const policy = `default-src 'none'; style-src '${hashOf(style)}'; script-src '${hashOf(script)}'; base-uri 'none'; form-action 'none'`;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>${outcome.kind === 'done' ? 'Build of' : 'Failed build of'} ${name}</title>
        ${trusted(`<style>${style}</style>`)}
      </head>
      <body>
        <h1>Build of ${name} ${outcomeBadge(outcome)}</h1>
        ${summary(facts, outcome)} ${failure(outcome)} ${messages(facts)} ${timelineSection(facts, path)}
        ${graphs.length === 0 ? undefined : html`<h2 id="graph">Graph</h2>`} ${graphs} ${stepsSection(facts)}
        ${layersSection(facts)} ${trusted(`<script>${script}</script>`)}
      </body>
    </html> `;
  return page.text;
}

/** CSP level 3, 8.4: what stands between the tags, to the byte. */
function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

function outcomeBadge({ kind }: Outcome): Markup {
  return kind === 'done'
    ? html`<span class="badge good">finished</span>`
    : html`<span class="badge failed">failed</span>`;
}

function summary({ state, startedAt, endedAt }: BuildFacts, outcome: Outcome): Markup {
  const count = (fate: ReturnType<typeof fateOf>): number => state.steps.filter((step) => fateOf(step) === fate).length;
  const result = outcome.kind === 'done' ? outcome.result : undefined;
  const fact = (term: string, value: string | number | Markup): Markup =>
    html`<div>
      <dt>${term}</dt>
      <dd>${value}</dd>
    </div>`;
  const counts = (['cached', 'done', 'failed', 'skipped'] as const).filter((fate) => count(fate) > 0);
  return html`<dl class="facts">
    ${startedAt === 0 ? undefined : fact('began', new Date(startedAt).toISOString().replace(/\.\d+Z$/, 'Z'))}
    ${fact('took', formatSeconds((endedAt - startedAt) / 1000))}
    ${counts.map((fate) => fact(fate === 'skipped' ? 'steps not done' : `steps ${fate}`, count(fate)))}
    ${result === undefined ? undefined : fact('image', html`<code>${result.imageId}</code>`)}
    ${result === undefined || result.names.length === 0 ? undefined : fact('names', result.names.join(', '))}
  </dl>`;
}

function failure(outcome: Outcome): Markup | undefined {
  if (outcome.kind === 'done') return undefined;
  const { error } = outcome;
  if (!isTsbuildError(error)) return html`<div class="box error"><p>${String(error)}</p></div>`;
  const { code, message, hint, source } = error;
  const place = source === undefined ? undefined : html`<p class="faint">${source.file}:${source.start.line}</p>`;
  return html`<div class="box error">
    <p><strong>${message}</strong></p>
    ${place} ${hint === undefined ? undefined : html`<p>${hint}</p>`}
    <p class="faint">${code}</p>
  </div>`;
}

function messages({ state: { warnings, notices } }: BuildFacts): readonly Markup[] {
  return [...warnings.map(warningLine), ...notices.map(noticeLine)].map(
    (line) => html`<div class="box warning"><p>${line}</p></div>`,
  );
}

async function graphPicture(graph: DrawnGraph, facts: BuildFacts): Promise<Markup> {
  if (graph.vertices.length > MAX_VERTICES) {
    return html`<p class="faint">A graph of ${graph.vertices.length} steps is too large to be drawn here.</p>`;
  }
  const { renderSvg } = await import('../picture/render-svg.js');
  const svg = await renderSvg(renderGraph(graph, stepFates(facts, { links: true })));
  // A document of its own begins with what has no place in another.
  return html`<div class="graph">${trusted(svg.slice(svg.indexOf('<svg')))}</div>`;
}
