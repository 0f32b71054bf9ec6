import { isTsbuildError, type TsbuildError } from '../../support/errors.js';
import type { SourceRange } from '../../support/source-range.js';
import { palette, type Palette } from '../text/color.js';
import { toAscii } from '../text/charset.js';
import { escapeControls } from '../text/terminal-text.js';
import { wordRange } from './word-range.js';
import { VERSION } from '../../version.js';

export interface RenderErrorOptions {
  /** Texts that errors may point into, by the name in their `SourceRange`. */
  readonly sources: ReadonlyMap<string, string>;
  readonly color: boolean;
  /** Whether what reads it is to be given more than ASCII. */
  readonly utf8: boolean;
}

/** Wider source lines are cut around what is marked. */
const WIDTH = 110;
/** Of a range over more lines than this, the first ones and the last are shown. */
const LINES = 6;
const CAUSES = 3;

/** An error as text for a terminal, with its end of line. The one place that words errors for people. */
export function renderError(error: unknown, options: RenderErrorOptions): string {
  const paint = palette(options.color);
  const known = isTsbuildError(error) && error.code !== 'INTERNAL';
  const lines = known ? userError(error, options, paint) : internalError(error, paint);
  const text = lines.map((line) => `${line}\n`).join('');
  return options.utf8 ? text : toAscii(text);
}

function userError(error: TsbuildError, { sources, utf8 }: RenderErrorOptions, paint: Palette): string[] {
  const { source, hint } = error;
  return [
    `${paint.red(paint.bold(`error[${error.code}]:`))} ${paint.bold(message(error.message))}`,
    ...(source === undefined
      ? []
      : excerpt(narrowed(error, source, sources), sources.get(source.file), { paint, utf8 })),
    ...causes(error).map((cause) => `cause: ${cause}`),
    ...(hint ?? '')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => `${paint.cyan('hint:')} ${escapeControls(line)}`),
  ];
}

/** Of several lines (expected and found digests are aligned below each other), all but the first are indented by their author. */
function message(text: string): string {
  return text
    .split('\n')
    .map((line) => escapeControls(line))
    .join('\n');
}

/** What is behind an error, outermost first, without those whose words are in the message above them already. */
function causes(error: TsbuildError): string[] {
  const found: string[] = [];
  let above = error.message;
  let cause = error.cause;
  while (cause instanceof Error && found.length < CAUSES) {
    if (cause.message !== '' && !above.includes(cause.message)) found.push(message(cause.message));
    above = cause.message;
    cause = cause.cause;
  }
  return found;
}

/** To the word that the error is about. */
function narrowed(
  { details: { word } }: TsbuildError,
  source: SourceRange,
  sources: RenderErrorOptions['sources'],
): SourceRange {
  const text = sources.get(source.file);
  return text === undefined || typeof word !== 'string' ? source : wordRange(source, text, word);
}

interface Look {
  readonly paint: Palette;
  readonly utf8: boolean;
}

function excerpt(source: SourceRange, text: string | undefined, look: Look): string[] {
  const { file, start } = source;
  const place = `--> ${escapeControls(file)}:${start.line}:${start.column}`;
  const marked = text === undefined ? [] : markedLines(source, text);
  const gutter = Math.max(...marked.map(({ number }) => String(number).length), 1);
  const blank = ' '.repeat(gutter);
  if (marked.length === 0) return [`${blank}${place}`];
  const several = marked.length > 1;
  const body = marked.flatMap((line, index) => [
    ...(index > 0 && line.number !== (marked[index - 1]?.number ?? 0) + 1 ? [`${blank} …`] : []),
    ...(several ? [severalLine(line, gutter, look)] : singleLine(line, gutter, look)),
  ]);
  return [`${blank}${place}`, `${blank} |`, ...body];
}

interface MarkedLine {
  readonly number: number;
  readonly text: string;
  /** Half-open, from 0, in UTF-16 units of `text`. */
  readonly from: number;
  readonly to: number;
}

function markedLines({ start, end }: SourceRange, text: string): MarkedLine[] {
  const all = text.split(/\r?\n/);
  // A half-open range that ends at the start of a line has nothing of that line.
  const lastLine = Math.max(start.line, end.column <= 1 ? end.line - 1 : end.line);
  const marked: MarkedLine[] = [];
  for (let number = start.line; number <= Math.min(lastLine, all.length); number++) {
    const line = all[number - 1] ?? '';
    const from = number === start.line ? start.column - 1 : 0;
    const to = number === end.line ? end.column - 1 : line.length;
    marked.push({ number, text: line, from, to: Math.max(to, from + 1) });
  }
  return marked.length <= LINES ? marked : [...marked.slice(0, LINES - 1), ...marked.slice(-1)];
}

function severalLine({ number, text }: MarkedLine, gutter: number, { paint }: Look): string {
  const shown = escapeControls(text.replaceAll('\t', ' '));
  const cut = shown.length > WIDTH ? `${shown.slice(0, WIDTH - 1)}…` : shown;
  return `${String(number).padStart(gutter)} ${paint.red('>')} ${cut}`.trimEnd();
}

function singleLine({ number, text, from, to }: MarkedLine, gutter: number, { paint, utf8 }: Look): string[] {
  const display = (part: string): string => {
    const escaped = escapeControls(part.replaceAll('\t', ' '));
    // Now, since it may be of another length, and the mark is to stand below what it is about.
    return utf8 ? escaped : toAscii(escaped);
  };
  const window = visibleWindow(text.length, from);
  const lead = window.start > 0 ? display('…') : '';
  const tail = window.end < text.length ? '…' : '';
  const indent = lead.length + display(text.slice(window.start, from)).length;
  const width = Math.max(1, display(text.slice(from, Math.min(to, window.end))).length);
  return [
    `${String(number).padStart(gutter)} | ${lead}${display(text.slice(window.start, window.end))}${tail}`.trimEnd(),
    `${' '.repeat(gutter)} | ${' '.repeat(indent)}${paint.red('^'.repeat(width))}`,
  ];
}

/** The part of a long line in which the mark's beginning can be seen. */
function visibleWindow(length: number, from: number): { readonly start: number; readonly end: number } {
  const start = length <= WIDTH || from < WIDTH - 20 ? 0 : Math.min(from - 20, length - WIDTH);
  return { start, end: Math.min(length, start + WIDTH) };
}

function internalError(error: unknown, paint: Palette): string[] {
  const text = error instanceof Error ? (error.stack ?? error.message) : `thrown value: ${String(error)}`;
  return [
    `${paint.red(paint.bold('internal error:'))} this is a mistake in tsbuild ${VERSION}, not in what it was given`,
    ...text.split('\n').map((line) => `  ${escapeControls(line)}`),
    `${paint.cyan('hint:')} Please report it, with the lines above and the command that led to them.`,
  ];
}
