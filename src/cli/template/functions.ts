import { formatPrintf } from './printf.js';
import { formatValue, isMembers, isTrue } from './values.js';

/** What a function cannot do with its arguments. */
export class BadArguments extends Error {}

type TemplateFunction = (...values: readonly unknown[]) => unknown;

/** Those of text/template, and those that Docker adds to them. */
const FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  and: (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  or: (...values) => values.find(isTrue) ?? values.at(-1),
  not: (value) => !isTrue(value),
  eq: (value, ...others) => others.some((other) => isEqual(value, other)),
  ne: (a, b) => !isEqual(a, b),
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
  len: lengthOf,
  index: (value, ...keys) => keys.reduce(elementOf, value),
  slice: sliceOf,
  print: (...values) => printed(values),
  println: (...values) => `${values.map(formatValue).join(' ')}\n`,
  printf: (format, ...values) => formatPrintf(text(format), values),
  json: (value) => JSON.stringify(value ?? null),
  split: (value, separator) => text(value).split(text(separator)),
  join: (values, separator) => list(values).map(formatValue).join(text(separator)),
  title: (value) => text(value).replace(/(^|\s)\S/g, (match) => match.toUpperCase()),
  lower: (value) => text(value).toLowerCase(),
  upper: (value) => text(value).toUpperCase(),
  pad: (value, before, after) => `${' '.repeat(count(before))}${text(value)}${' '.repeat(count(after))}`,
  truncate: (value, length) => text(value).slice(0, count(length)),
};

export function isFunctionName(name: string): boolean {
  return Object.hasOwn(FUNCTIONS, name);
}

/** @throws BadArguments */
export function callFunction(name: string, values: readonly unknown[]): unknown {
  return FUNCTIONS[name]?.(...values);
}

function isEqual(a: unknown, b: unknown): boolean {
  if (typeof a === 'object' && a !== null) throw new BadArguments(`${formatValue(a)} cannot be compared`);
  return (a ?? '') === (b ?? '');
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : Number(a > b);
  throw new BadArguments(`"${formatValue(a)}" and "${formatValue(b)}" are neither two numbers nor two texts`);
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (isMembers(value)) return Object.keys(value).length;
  return list(value).length;
}

function elementOf(value: unknown, key: unknown): unknown {
  if (isMembers(value)) return Object.hasOwn(value, formatValue(key)) ? value[formatValue(key)] : undefined;
  const elements = list(value);
  const at = count(key);
  if (at >= elements.length) throw new BadArguments(`there is no element ${at} of ${elements.length}`);
  return elements[at];
}

function sliceOf(value: unknown, from: unknown = 0, to?: unknown): unknown {
  const whole = typeof value === 'string' ? value : list(value);
  const [start, end] = [count(from), to === undefined ? whole.length : count(to)];
  if (start > end || end > whole.length) throw new BadArguments(`${start} to ${end} is not within ${whole.length}`);
  return whole.slice(start, end);
}

/** As fmt.Sprint: a space between two of which neither is a text. */
function printed(values: readonly unknown[]): string {
  return values
    .map((value, index) => {
      const apart = index > 0 && typeof value !== 'string' && typeof values[index - 1] !== 'string';
      return `${apart ? ' ' : ''}${formatValue(value)}`;
    })
    .join('');
}

function text(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw new BadArguments(`"${formatValue(value)}" is not a text`);
  return value;
}

function list(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new BadArguments(`"${formatValue(value)}" is not a list`);
  return value;
}

function count(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new BadArguments(`"${formatValue(value)}" is not a number from 0`);
  }
  return value;
}
