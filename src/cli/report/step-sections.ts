import type { StepId } from '../../builder/progress.js';
import { changeLines } from '../progress/change-text.js';
import { formatSeconds, type Step, type Transfer } from '../progress/model.js';
import { transferAmount, transferSubject } from '../progress/transfer-text.js';
import { formatSize } from '../text/size.js';
import type { BuildFacts, MadeLayer, StepLog } from './build-log.js';
import { html, type Markup } from './markup.js';
import { fateOf, secondsOf } from './step-fates.js';

/** Of each step what it was, why it was done, and what it wrote; closed but for one that failed. */
export function stepsSection(facts: BuildFacts): Markup {
  const { steps } = facts.state;
  return html`<h2 id="steps">Steps</h2>
    <div class="tools">
      <input id="find" type="search" placeholder="Find in steps and their output" aria-label="Find in steps" />
      <button id="open-all" type="button">Open all</button><button id="close-all" type="button">Close all</button>
    </div>
    ${steps.map((step) => stepDetails(step, facts))}`;
}

const WORDS = { cached: 'cached', done: 'done', failed: 'failed', skipped: 'not done' } as const;

function stepDetails(step: Step, { logs, layers }: BuildFacts): Markup {
  const fate = fateOf(step);
  const head = html`<summary>
    <span class="line"
      ><span class="badge ${fate}">${WORDS[fate]}</span><span class="label mono">${step.label}</span
      ><span class="num faint">${timeOf(step)}</span></span
    >
  </summary>`;
  const parts = [
    reasons(step),
    failure(step),
    transfers(step),
    layerLines(layers.get(step.id)),
    log(logs.get(step.id)),
  ];
  const body = parts.every((part) => part === undefined) ? html`<p class="faint">No output.</p>` : parts;
  // Without a space in it, an attribute without a value is not there.
  const open = fate === 'failed' ? html` open` : undefined;
  return html`<details class="step ${fate}" id="step-${step.number}" ${open}>
    ${head}
    <div class="body">${body}</div>
  </details>`;
}

function timeOf(step: Step): string {
  const seconds = secondsOf(step);
  return seconds === undefined || step.status === 'cached' ? '' : formatSeconds(seconds);
}

function reasons({ changes }: Step): Markup | undefined {
  if (changes.length === 0) return undefined;
  return html`<p>Not cached:</p>
    <ul>
      ${changeLines(changes).map((line) => html`<li>${line}</li>`)}
    </ul>`;
}

function failure({ error }: Step): Markup | undefined {
  return error === undefined ? undefined : html`<div class="box error"><p>${error.message}</p></div>`;
}

function transfers({ transfers: all }: Step): Markup | undefined {
  if (all.length === 0) return undefined;
  const line = (transfer: Transfer): string =>
    `${transferSubject(transfer, 'full')} ${transfer.existed ? 'exists' : transferAmount(transfer)}`;
  return html`<ul class="mono">
    ${all.map((transfer) => html`<li>${line(transfer)}</li>`)}
  </ul>`;
}

function layerLines(layers: readonly MadeLayer[] | undefined): Markup | undefined {
  if (layers === undefined || layers.length === 0) return undefined;
  return html`<p class="mono faint">${layers.map(({ digest, size }) => html`${digest} ${formatSize(size)}<br />`)}</p>`;
}

function log(written: StepLog | undefined): Markup | undefined {
  if (written === undefined) return undefined;
  const { head, omitted, tail } = written;
  const gap = omitted === 0 ? [] : [`… ${omitted} ${omitted === 1 ? 'line' : 'lines'} not kept …`];
  const text = [...head, ...gap, ...tail].join('\n').replaceAll('\t', '    ');
  return html`<pre>${text}</pre>`;
}

/** The layers of all steps, largest share first to see: in their own order, with a bar for each. */
export function layersSection({ state, layers }: BuildFacts): Markup | undefined {
  const rows = state.steps.flatMap((step) => (layers.get(step.id) ?? []).map((layer) => ({ step, layer })));
  if (rows.length === 0) return undefined;
  const largest = Math.max(1, ...rows.map(({ layer }) => layer.size));
  const total = rows.reduce((sum, { layer }) => sum + layer.size, 0);
  return html`<h2 id="layers">Layers</h2>
    <p class="faint">${rows.length} layers, ${formatSize(total)} in the store, those of all stages</p>
    <table>
      <thead>
        <tr>
          <th>step</th>
          <th class="num">size</th>
          <th class="share"></th>
        </tr>
      </thead>
      <tbody>
        ${rows.map((row) => layerRow(row, largest))}
      </tbody>
    </table>`;
}

function layerRow({ step, layer }: { readonly step: Step; readonly layer: MadeLayer }, largest: number): Markup {
  const width = percent(layer.size / largest);
  return html`<tr>
    <td>
      <a class="mono" href="#step-${step.number}">${step.label}</a>
      <div class="mono faint">${layer.digest.slice(0, 'sha256:'.length + 12)}</div>
    </td>
    <td class="num">${formatSize(layer.size)}</td>
    <td class="share">
      <svg aria-hidden="true"><rect class="${fateOf(step)}" x="0" y="0" width="${width}" height="10" /></svg>
    </td>
  </tr>`;
}

/** Steps that took time, each where it stands in the whole. */
export function timelineSection(facts: BuildFacts, path: ReadonlySet<StepId>): Markup {
  const { state, startedAt, endedAt } = facts;
  const rows = state.steps.filter((step) => step.status !== 'cached' && step.startedAt !== undefined);
  const cached = state.steps.filter(({ status }) => status === 'cached').length;
  const span = Math.max(1, endedAt - startedAt);
  const waited = rows.reduce((sum, step) => (path.has(step.id) ? sum + (secondsOf(step) ?? 0) : sum), 0);
  const legend = html`<p class="faint">
    <span class="key path"></span> critical path, ${formatSeconds(waited)} of ${formatSeconds(span / 1000)}: the build
    is faster only when these are &nbsp; <span class="key done"></span> other steps
  </p>`;
  return html`<h2 id="timeline">Timeline</h2>
    ${rows.length === 0 ? html`<p>Nothing had to be done.</p>` : legend}
    <ol class="timeline">
      ${rows.map((step) => timelineRow(step, { startedAt, endedAt, isOnPath: path.has(step.id) }))}
    </ol>
    ${cached === 0 ? undefined : html`<p class="faint">${cached} more ${cached === 1 ? 'step was' : 'steps were'} cached.</p>`}`;
}

function timelineRow(
  step: Step,
  {
    startedAt,
    endedAt,
    isOnPath,
  }: { readonly startedAt: number; readonly endedAt: number; readonly isOnPath: boolean },
): Markup {
  const span = Math.max(1, endedAt - startedAt);
  const begin = (step.startedAt ?? startedAt) - startedAt;
  const took = (step.endedAt ?? endedAt) - (step.startedAt ?? startedAt);
  const fate = fateOf(step);
  const look = fate === 'done' && isOnPath ? 'path' : fate;
  return html`<li>
    <a href="#step-${step.number}">
      <span class="row"
        ><span class="label mono">${step.label}</span><span class="num faint">${formatSeconds(took / 1000)}</span></span
      >
      <svg aria-hidden="true">
        <rect
          class="${look}"
          x="${percent(begin / span)}"
          y="0"
          width="${percent(Math.max(0.002, took / span))}"
          height="10"
        />
      </svg>
    </a>
  </li>`;
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))}%`;
}
