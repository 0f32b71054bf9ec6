import type { MarkedFile, Mark } from '../../layers/compare/changed-tree.js';
import { toAscii } from '../text/charset.js';
import { fileNameText } from '../text/file-name.js';
import { formatSize } from '../text/size.js';
import { escapeControls } from '../text/terminal-text.js';
import { instructionText, percent, wasteLine } from './explore-report.js';
import type { Explorer } from './explorer.js';
import { pathOf, type FileRow } from './file-rows.js';
import type { ListCursor } from './list-cursor.js';

export interface FrameRow {
  readonly text: string;
  /** At the right edge. */
  readonly right: string;
  readonly tone: 'heading' | 'plain' | 'dim' | 'added' | 'changed' | 'removed';
  readonly selected: boolean;
}

export interface FramePane {
  readonly width: number;
  readonly focused: boolean;
  readonly rows: readonly FrameRow[];
}

/** What a terminal shows: one line, panes side by side of one height, one line. */
export interface Frame {
  readonly title: FrameRow;
  readonly panes: readonly FramePane[];
  readonly footer: FrameRow;
}

export interface FrameSize {
  readonly rows: number;
  readonly columns: number;
  readonly utf8: boolean;
}

/** Columns. With fewer, only the pane with the keys is shown. */
const TWO_PANES = 64;
const MAX_LAYERS_WIDTH = 60;
/** Columns of the pane of files, from which on modes and owners are shown. */
const WITH_OWNERS = 64;
/** Title, headings, the last line, and the one that the terminal's cursor stays in. */
const OTHER_LINES = 4;

/** Lines of a list in a terminal of so many rows. */
export function pageOf(rows: number): number {
  return Math.max(1, rows - OTHER_LINES);
}

export function exploreFrame(explorer: Explorer, size: FrameSize): Frame {
  const { image, focus } = explorer;
  const shown = (text: string): string => (size.utf8 ? text : toAscii(text));
  const page = pageOf(size.rows);
  const right = explorer.wasteShown ? wastePane : filesPane;
  const frame = {
    title: plainRow({ text: shown(`${escapeControls(image.name)}  ${wasteLine(image)}`), tone: 'heading' }),
    footer: plainRow({ text: shown(footerText(explorer)), right: explorer.typing ? '' : '? help', tone: 'dim' }),
  };
  const adjusted = (pane: FramePane): FramePane => ({
    ...pane,
    rows: pane.rows.map((row) => ({ ...row, text: shown(row.text) })),
  });
  if (explorer.help) return { ...frame, panes: [{ width: size.columns, focused: true, rows: helpRows(page) }] };
  if (size.columns < TWO_PANES) {
    const pane = focus === 'layers' ? layersPane : right;
    return { ...frame, panes: [adjusted(pane(explorer, size.columns, page))] };
  }
  const width = Math.min(MAX_LAYERS_WIDTH, Math.floor(size.columns * 0.42));
  const panes = [layersPane(explorer, width, page), right(explorer, size.columns - width - 1, page)];
  return { ...frame, panes: panes.map(adjusted) };
}

function plainRow({ text, right = '', tone }: Pick<FrameRow, 'text' | 'tone'> & { right?: string }): FrameRow {
  return { text, right, tone, selected: false };
}

type MakePane = (explorer: Explorer, width: number, page: number) => FramePane;

const layersPane: MakePane = (explorer, width, page) => {
  const { image, layerCursor, focus } = explorer;
  const digits = String(image.layers.length).length;
  const rows = windowOf(image.layers, layerCursor, page).map(([layer, index, selected]): FrameRow => {
    const number = String(index + 1).padStart(digits);
    const text = escapeControls(instructionText(layer.createdBy));
    const right = `${formatSize(layer.bytes)} ${percent(layer.bytes, image.waste.bytes).padStart(4)}`;
    return { text: `${marker(selected)}${number} ${text}`, right, tone: 'plain', selected };
  });
  const heading = plainRow({ text: ` ${'#'.padStart(digits)} LAYER`, right: 'SIZE SHARE', tone: 'dim' });
  return { width, focused: focus === 'layers', rows: [heading, ...rows] };
};

const filesPane: MakePane = (explorer, width, page) => {
  const { fileCursor, focus, bySize, onlyChanges, search } = explorer;
  const withOwners = width >= WITH_OWNERS;
  const rows = windowOf(explorer.rows(), fileCursor, page).map(([row, , selected]): FrameRow => {
    const { file } = row;
    const right = `${withOwners ? `${ownerText(file)} ` : ''}${formatSize(file.bytes).padStart(6)}`;
    return { text: `${marker(selected)}${fileText(row, search)}`, right, tone: TONES[file.mark], selected };
  });
  const what = [onlyChanges ? 'CHANGES OF LAYER' : 'FILES AFTER LAYER', String(explorer.layer + 1)].join(' ');
  const order = bySize ? ', LARGEST FIRST' : '';
  const found = search === '' ? '' : ` (${explorer.rows().length} found)`;
  const heading = plainRow({ text: `  ${what}${order}${found}`, right: 'SIZE', tone: 'dim' });
  return { width, focused: focus === 'files', rows: [heading, ...rows] };
};

const wastePane: MakePane = (explorer, width, page) => {
  const { image, wasteCursor, focus } = explorer;
  const rows = windowOf(image.waste.files, wasteCursor, page).map(([file, , selected]): FrameRow => {
    const text = escapeControls(`/${fileNameText(file.path)}`);
    const tone = file.fate === 'removed' ? 'removed' : 'changed';
    return { text: `${marker(selected)}${text}`, right: formatSize(file.bytes), tone, selected };
  });
  const empty = plainRow({ text: '  nothing is wasted', tone: 'plain' });
  const heading = plainRow({ text: '  WASTED: overwritten or removed later', right: 'SIZE', tone: 'dim' });
  return { width, focused: focus === 'waste', rows: [heading, ...(rows.length === 0 ? [empty] : rows)] };
};

function* indexed<T>(list: readonly T[], from: number, to: number): Generator<readonly [T, number], void, undefined> {
  for (let index = from; index < to; index++) {
    const each = list[index];
    if (each !== undefined) yield [each, index];
  }
}

/** What is shown of a list, however long it is. */
function windowOf<T>(list: readonly T[], cursor: ListCursor, page: number): readonly (readonly [T, number, boolean])[] {
  const top = cursor.window(page, list.length);
  return [...indexed(list, top, Math.min(list.length, top + page))].map(([each, index]) => {
    return [each, index, index === cursor.at];
  });
}

/** Seen without colors, too. */
function marker(selected: boolean): string {
  return selected ? '>' : ' ';
}

const TONES: Readonly<Record<Mark, FrameRow['tone']>> = {
  same: 'plain',
  added: 'added',
  changed: 'changed',
  removed: 'removed',
};
const SIGNS: Readonly<Record<Mark, string>> = { same: ' ', added: '+', changed: '~', removed: '-' };

function fileText({ file, depth, open }: FileRow, search: string): string {
  const name = search === '' ? file.name : pathOf(file);
  const text = escapeControls(`${search === '' ? '' : '/'}${fileNameText(name)}`);
  return `${SIGNS[file.mark]} ${'  '.repeat(depth)}${text}${suffixOf(file, open || search !== '')}`;
}

function suffixOf({ entry, children }: MarkedFile, open: boolean): string {
  if (entry.type === 'directory') return open || children.length === 0 ? '/' : '/ …';
  return entry.linkTarget === undefined ? '' : ` -> ${escapeControls(fileNameText(entry.linkTarget))}`;
}

function ownerText({ entry: { mode, uid, gid } }: MarkedFile): string {
  return `${mode.toString(8).padStart(4, '0')} ${`${uid}:${gid}`.padEnd(9)}`;
}

function footerText(explorer: Explorer): string {
  if (explorer.typing) return `/${escapeControls(explorer.search)}_`;
  const { focus, image } = explorer;
  if (focus === 'layers') return escapeControls(instructionText(image.layers[explorer.layer]?.createdBy ?? ''));
  const waste = explorer.selectedWaste();
  if (focus === 'waste') {
    if (waste === undefined) return '';
    const layers = waste.layers.map((layer) => layer + 1).join(', ');
    return `in layer ${layers}, ${waste.fate} in ${waste.hiddenBy + 1}; Enter shows it`;
  }
  const file = explorer.selectedFile();
  if (file === undefined) return explorer.search === '' ? 'no files' : 'not found; Esc shows all files';
  return `${ownerText(file).trimEnd()} ${escapeControls(`/${fileNameText(pathOf(file))}`)}`;
}

const HELP: readonly (readonly [keys: string, what: string])[] = [
  ['Up Down j k', 'move; PgUp PgDn Home End too'],
  ['Left Right h l', 'fold and unfold a directory'],
  ['Enter, blank', 'fold or unfold; show what was found'],
  ['Tab', 'from the layers to the files and back'],
  ['/', 'search paths; Esc ends the search'],
  ['d', 'only what the layer changed'],
  ['s', 'the largest first, or by name'],
  ['w', 'the wasted space'],
  ['q, Ctrl-C', 'quit'],
  ['+ ~ -', 'added, changed, removed by the layer'],
];

function helpRows(page: number): readonly FrameRow[] {
  const rows = HELP.map(([keys, what]) => plainRow({ text: ` ${keys.padEnd(15)} ${what}`, tone: 'plain' }));
  return [plainRow({ text: ' KEYS', tone: 'dim' }), ...rows.slice(0, page)];
}
