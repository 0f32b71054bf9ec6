import { listOf, fixed, ofTexts, text, variadic, wholeNumber, type Functions } from './signature.js';
import { toText, ValueError, type Value } from '../value.js';
import { format, formatList } from './format.js';

export const TEXT_FUNCTIONS: Functions = {
  basename: ofTexts(1, baseName),
  chomp: ofTexts(1, (value) => value.replace(/[\r\n]+$/, '')),
  dirname: ofTexts(1, directoryName),
  format: variadic(1, ([template, ...args]) => format(text(template), args)),
  formatlist: variadic(1, ([template, ...args]) => formatList(text(template), args)),
  indent: fixed(2, (width, value) => text(value).replaceAll('\n', `\n${' '.repeat(bounded(wholeNumber(width)))}`)),
  join: variadic(1, ([separator, ...lists]) => lists.flatMap((list) => listOf(list).map(toText)).join(text(separator))),
  lower: ofTexts(1, (value) => value.toLowerCase()),
  replace: ofTexts(3, (value, from, to) => value.replaceAll(from, () => to)),
  reverse: ofTexts(1, (value) => graphemes(value).toReversed().join('')),
  sanitize: ofTexts(1, (value) => value.replaceAll(/[^a-zA-Z0-9_-]/gu, '_')),
  split: ofTexts(2, (separator, value) => (separator === '' ? graphemes(value) : value.split(separator))),
  strlen: ofTexts(1, (value) => graphemes(value).length),
  substr: fixed(3, (value, offset, length) => part(text(value), wholeNumber(offset), wholeNumber(length))),
  title: ofTexts(1, (value) => value.replaceAll(/(?<![\p{L}\p{N}_'])\p{L}/gu, (letter) => letter.toUpperCase())),
  trim: ofTexts(2, (value, set) => trimmed(value, new Set(set))),
  trimprefix: ofTexts(2, (value, prefix) => (value.startsWith(prefix) ? value.slice(prefix.length) : value)),
  trimspace: ofTexts(1, (value) => value.trim()),
  trimsuffix: ofTexts(2, (value, suffix) =>
    suffix !== '' && value.endsWith(suffix) ? value.slice(0, -suffix.length) : value,
  ),
  upper: ofTexts(1, (value) => value.toUpperCase()),
};

function bounded(width: number): number {
  if (width >= 0 && width <= 1000) return width;
  throw new ValueError('lines can be indented by 0 to 1000 spaces');
}

/** What a person takes for one character, as HCL counts. */
function graphemes(value: string): readonly string[] {
  // Nothing else needs a segmenter.
  if (/^[\u0000-\u007f]*$/.test(value)) return value.includes('\r\n') ? segments(value) : Array.from(value);
  return segments(value);
}

function segments(value: string): readonly string[] {
  return Array.from(new Intl.Segmenter('en').segment(value), ({ segment }) => segment);
}

/** A length of -1 is all that is left; an offset below 0 counts from the end. */
function part(value: string, offset: number, length: number): string {
  const all = graphemes(value);
  const start = offset < 0 ? Math.max(0, all.length + offset) : offset;
  return all.slice(start, length < 0 ? undefined : start + length).join('');
}

function trimmed(value: string, set: ReadonlySet<string>): Value {
  const all = Array.from(value);
  let [start, end] = [0, all.length];
  while (start < end && set.has(all[start] ?? '')) start += 1;
  while (end > start && set.has(all[end - 1] ?? '')) end -= 1;
  return all.slice(start, end).join('');
}

/** Go's path.Base. */
function baseName(path: string): string {
  if (path === '') return '.';
  const bare = path.replace(/\/+$/, '');
  return bare === '' ? '/' : bare.slice(bare.lastIndexOf('/') + 1);
}

/** Go's path.Dir. */
function directoryName(path: string): string {
  const isRooted = path.startsWith('/');
  const kept: string[] = [];
  for (const name of path.slice(0, path.lastIndexOf('/') + 1).split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..' || (kept.length === 0 ? !isRooted : kept.at(-1) === '..')) kept.push(name);
    else kept.pop();
  }
  const joined = kept.join('/');
  if (isRooted) return `/${joined}`;
  return joined === '' ? '.' : joined;
}
