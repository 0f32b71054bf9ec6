// A table for people, a table for docs/benchmarks.md, and everything as JSON.
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { OPERATIONS } from './workload.mjs';

/** A place in the file for each of the two kinds of benchmark. */
const PLACES = {
  usual: ['<!-- bench: npm run bench -- --markdown docs/benchmarks.md -->', '<!-- /bench -->'],
  big: ['<!-- bench: npm run bench -- big --markdown docs/benchmarks.md -->', '<!-- /bench big -->'],
};

export function machine() {
  const cpu = os.cpus()[0]?.model ?? 'unknown processor';
  return `${os.cpus().length} × ${cpu}, Linux ${os.release()}, Node ${process.version}`;
}

/** What the processes took beside time, where it was looked at. */
const taken = ({ cpu, kilobytes }) =>
  cpu === undefined ? '' : `, CPU ${inUnits(cpu)}, ${Math.round(kilobytes / 1024)} MiB`;

const inUnits = (milliseconds) =>
  milliseconds >= 10_000 ? `${(milliseconds / 1000).toFixed(1)} s` : `${Math.round(milliseconds)} ms`;

function rows({ tools, results }) {
  return OPERATIONS.filter(({ id }) => results.some(({ operation }) => operation === id)).map(({ id, title }) => {
    const own = results.find((result) => result.operation === id && result.tool === 'tsbuild')?.median;
    const cells = tools.map(({ name }) => {
      const found = results.find((result) => result.operation === id && result.tool === name);
      if (found === undefined) return '–';
      if (own === undefined || name === 'tsbuild') return `${inUnits(found.median)}${taken(found)}`;
      return `${inUnits(found.median)} (${(found.median / own).toFixed(1)}×)${taken(found)}`;
    });
    return [title, ...cells];
  });
}

export function textTable(report) {
  const table = [['', ...report.tools.map(({ name }) => name)], ...rows(report)];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  const lines = table.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('  '),
  );
  return [...lines, '', ...notes(report)].join('\n');
}

function notes({ tools, skipped, image, rounds }) {
  return [
    `medians of ${rounds.build} (builds) and ${rounds.transfer} (transfers) runs in turn; in brackets, times tsbuild's`,
    ...(image === null ? [] : [`image moved: ${image}`]),
    ...tools.map(({ name, version }) => `${name}: ${version}`),
    ...skipped.map(
      ({ tool, operation, reason }) => `not measured: ${[tool, operation].filter(Boolean).join(', ')}: ${reason}`,
    ),
  ];
}

/** Padded as Prettier does it, which checks the file. */
function markdownTable(report) {
  const table = [['', ...report.tools.map(({ name }) => name)], ...rows(report)];
  const widths = table[0].map((_, column) => Math.max(4, ...table.map((row) => row[column].length)));
  const pad = (row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])));
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  const lines = [pad(table[0]), rule, ...table.slice(1).map(pad)].map((cells) => `| ${cells.join(' | ')} |`);
  return [...lines, '', `${report.machine}.`, '', ...notes(report).map((note) => `- ${note}`)].join('\n');
}

/** Replaces what is between the two comments in `file`. */
export function writeMarkdown(file, report) {
  const text = readFileSync(file, 'utf8');
  const [BEGIN, END] = PLACES[report.kind];
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${file} lacks the lines ${BEGIN} and ${END}`);
  writeFileSync(file, `${text.slice(0, begin)}${BEGIN}\n\n${markdownTable(report)}\n\n${text.slice(end)}`);
}

export function writeJson(file, report) {
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
}
