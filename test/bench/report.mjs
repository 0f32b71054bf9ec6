// Tables for people, tables for docs/benchmarks.md, and everything as JSON.
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { SPACE_STATES } from './space.mjs';
import { OPERATIONS } from './workload.mjs';

const WORK_IDS = OPERATIONS.filter(({ kind }) => kind === 'work').map(({ id }) => id);

/** Each has a place in the file, between two comments of which the first says what fills it. */
const TABLES = [
  {
    kinds: ['build', 'transfer', 'large', 'first-run'],
    rows: timeRows,
    place: ({ isBig }) => (isBig ? { name: 'bench big', words: 'big ' } : { name: 'bench', words: '' }),
    note: ({ rounds, image }) => [
      `medians of ${rounds.build} (builds) and ${rounds.transfer} (transfers) runs in turn; in brackets, times tsbuild's`,
      ...(image === null ? [] : [`image moved: ${image}`]),
    ],
  },
  {
    kinds: ['work'],
    rows: timeRows,
    place: () => ({ name: 'bench work', words: `--only ${WORK_IDS.join(',')} ` }),
    note: ({ rounds, workImage }) => [
      `medians of ${rounds.work} runs in turn, by the clock inside the RUN; in brackets, times tsbuild's`,
      `base: ${workImage}, with gcc, 50,000 files and the packages of git, loaded and used once before`,
    ],
  },
  {
    kinds: ['space'],
    rows: spaceRows,
    place: ({ isBig }) =>
      isBig ? { name: 'bench big space', words: 'big --only space ' } : { name: 'bench space', words: '--only space ' },
    note: ({ image }) => [
      `image: ${image}; how much more each holds than before, of which in brackets what it can make again by itself`,
    ],
  },
];

export function machine() {
  const cpu = os.cpus()[0]?.model ?? 'unknown processor';
  return `${os.cpus().length} × ${cpu}, Linux ${os.release()}, Node ${process.version}`;
}

/** What the processes took beside time, where it was looked at. */
const taken = ({ cpu, kilobytes }) =>
  cpu === undefined ? '' : `, CPU ${inUnits(cpu)}, ${Math.round(kilobytes / 1024)} MiB`;

const inUnits = (milliseconds) =>
  milliseconds >= 10_000 ? `${(milliseconds / 1000).toFixed(1)} s` : `${Math.round(milliseconds)} ms`;

const inBytes = (bytes) => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(1)} MB`);

function timeRows(tools, results) {
  return OPERATIONS.filter(({ id }) => results.some(({ operation }) => operation === id)).map(({ id, title }) => {
    const own = results.find((result) => result.operation === id && result.tool === 'tsbuild')?.median;
    const cells = tools.map(({ name }) => {
      const found = results.find((result) => result.operation === id && result.tool === name);
      if (found === undefined) return '–';
      if (own === undefined || name === 'tsbuild') return `${inUnits(found.median)}${taken(found)}`;
      return `${inUnits(found.median)} (${ratio(found.median / own)})${taken(found)}`;
    });
    return [title, ...cells];
  });
}

/** To two digits where the first would hide a tenth. */
const ratio = (times) => `${times.toFixed(times < 2 ? 2 : 1)}×`;

function spaceRows(tools, results) {
  return SPACE_STATES.map(({ id, title }) => {
    const cells = tools.map(({ name }) => {
      const { bytes, again = 0 } = results.find(({ tool }) => tool === name).states[id];
      return again === 0 ? inBytes(bytes) : `${inBytes(bytes)} (${inBytes(again)})`;
    });
    return [title, ...cells];
  });
}

/** Those that something was measured for, each with the tools that it was measured with. */
function tablesOf(report) {
  const idsOf = (kinds) => OPERATIONS.filter(({ kind }) => kinds.includes(kind)).map(({ id }) => id);
  const tables = TABLES.map((table) => {
    const ids = idsOf(table.kinds);
    const results = report.results.filter(({ operation }) => ids.includes(operation));
    const tools = report.tools.filter(({ name }) => results.some(({ tool }) => tool === name));
    const others = OPERATIONS.map(({ id }) => id).filter((id) => !ids.includes(id));
    const skipped = report.skipped.filter(({ operation }) => !others.includes(operation));
    const cells = [['', ...tools.map(({ name }) => name)], ...(tools.length === 0 ? [] : table.rows(tools, results))];
    const archives = results.some(({ operation }) => /^load-run-|^space$/.test(operation)) ? report.archivesOf : [];
    const notes = [...table.note(report), ...archives, ...toolNotes(tools, skipped)];
    return { cells, notes, place: table.place(report), isEmpty: results.length === 0, skipped };
  });
  const found = tables.filter(({ isEmpty }) => !isEmpty);
  return found.length === 0 ? tables.slice(0, 1) : found;
}

const toolNotes = (tools, skipped) => [
  ...tools.map(({ name, version }) => `${name}: ${version}`),
  ...skipped.map(
    ({ tool, operation, reason }) => `not measured: ${[tool, operation].filter(Boolean).join(', ')}: ${reason}`,
  ),
];

export function textTable(report) {
  const texts = tablesOf(report).map(({ cells, notes }) => {
    const widths = widthsOf(cells, 0);
    const lines = cells.map((row) =>
      row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('  '),
    );
    return [...lines, '', ...notes].join('\n');
  });
  return texts.join('\n\n');
}

const widthsOf = (cells, least) =>
  cells[0].map((_, column) => Math.max(least, ...cells.map((row) => row[column].length)));

/** Padded as Prettier does it, which checks the file. */
function markdownTable({ cells, notes }, report) {
  const widths = widthsOf(cells, 4);
  const pad = (row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])));
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  const lines = [pad(cells[0]), rule, ...cells.slice(1).map(pad)].map((row) => `| ${row.join(' | ')} |`);
  return [...lines, '', `${report.machine}.`, '', ...notes.map((note) => `- ${note}`)].join('\n');
}

/** Replaces what is between the two comments of each table in `file`. */
export function writeMarkdown(file, report) {
  const tables = tablesOf(report);
  writeFileSync(
    file,
    tables.reduce((text, table) => replaced(text, table, report), readFileSync(file, 'utf8')),
  );
}

function replaced(text, table, report) {
  const { name, words } = table.place;
  const [begin, end] = [
    `<!-- ${name}: npm run bench -- ${words}--markdown docs/benchmarks.md -->`,
    `<!-- /${name} -->`,
  ];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the file lacks the lines ${begin} and ${end}`);
  return `${text.slice(0, from)}${begin}\n\n${markdownTable(table, report)}\n\n${text.slice(to)}`;
}

export function writeJson(file, report) {
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
}
