import { toAscii } from './charset.js';

/** How many columns a text takes on a terminal. */
export type Measure = (text: string) => number;

const ASCII = /^[\x20-\x7e]*$/;
const TAB_STOP = 8;
/** UTF-16 units that a column may take before the rest is dropped unseen: marks upon marks have no width. */
const UNITS_PER_COLUMN = 16;

export function isAscii(text: string): boolean {
  return ASCII.test(text);
}

/** What text looks like where it is shown. */
export interface TextForm {
  readonly measure: Measure;
  /** Whether what is shown may be more than ASCII. */
  readonly utf8: boolean;
}

/** What is never wider than the columns: the beginning, with a sign that there is more. Tabs become blanks. */
export function clip(text: string, columns: number, { measure, utf8 }: TextForm): string {
  const more = utf8 ? '…' : '...';
  const bounded = text.slice(0, columns * UNITS_PER_COLUMN);
  const line = withoutTabs(utf8 ? bounded : toAscii(bounded), measure);
  if (bounded.length === text.length && widthOf(line, measure) <= columns) return line;
  if (columns <= more.length) return more.slice(0, Math.max(0, columns));
  return beginning(line, columns - more.length, measure) + more;
}

/** ASCII is what it is nearly always, and needs no tables. */
export function widthOf(text: string, measure: Measure): number {
  return isAscii(text) ? text.length : measure(text);
}

/** So many columns, the text and blanks behind it. */
export function fill(text: string, columns: number, measure: Measure): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text, measure)));
}

function beginning(line: string, columns: number, measure: Measure): string {
  if (isAscii(line)) return line.slice(0, columns);
  let width = 0;
  let end = 0;
  for (const { segment, index } of new Intl.Segmenter().segment(line)) {
    width += widthOf(segment, measure);
    if (width > columns) break;
    end = index + segment.length;
  }
  return line.slice(0, end);
}

function withoutTabs(text: string, measure: Measure): string {
  if (!text.includes('\t')) return text;
  let line = '';
  for (const [index, part] of text.split('\t').entries()) {
    if (index > 0) line += ' '.repeat(TAB_STOP - (widthOf(line, measure) % TAB_STOP));
    line += part;
  }
  return line;
}
