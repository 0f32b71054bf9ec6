import { plain } from '../evaluate/type-constraint.js';
import { formatNumber, isList, isMap, toNumber, toText, toTruth, ValueError, type Value } from '../value.js';
import { listOf } from './signature.js';

const VERB = /%(?<flags>[-+ 0#]*)(?<width>\d+)?(?:\.(?<precision>\d+))?(?:\[(?<index>\d+)\])?(?<verb>[a-zA-Z%])?/g;
const MAX_WIDTH = 1000;

/** Go's verbs as go-cty has them (stdlib, "format"). @throws `ValueError` */
export function format(template: string, args: readonly Value[]): string {
  let next = 0;
  let highest = 0;
  const text = template.replaceAll(VERB, (...match) => {
    const groups = match.at(-1) as Groups;
    if (groups.verb === '%') return '%';
    if (groups.verb === undefined) throw new ValueError('"%" has no verb behind it', 'Write %% for a percent sign.');
    next = groups.index === undefined ? next + 1 : Number(groups.index);
    highest = Math.max(highest, next);
    const value = args[next - 1];
    if (value === undefined)
      throw new ValueError(`there are ${args.length} arguments, and "${match[0]}" wants one more`);
    return padded(formatOne(value, groups, match[0]), groups);
  });
  if (highest < args.length) throw new ValueError(`there are ${args.length} arguments for ${highest} verbs`);
  return text;
}

interface Groups {
  readonly flags: string;
  readonly width?: string;
  readonly precision?: string;
  readonly index?: string;
  readonly verb?: string;
}

function formatOne(value: Value, { flags, precision, verb = '' }: Groups, word: string): string {
  if (Object.hasOwn(BASES, verb)) return signed(inBase(value, verb), flags);
  if (/^[efg]$/i.test(verb)) return signed(floating(toNumber(value), verb, precision), flags);
  switch (verb) {
    case 'v':
      return flags.includes('#') ? JSON.stringify(plain(value)) : plainText(value);
    case 's':
      return Array.from(toText(value))
        .slice(0, precision === undefined ? undefined : Number(precision))
        .join('');
    case 'q':
      return JSON.stringify(toText(value));
    case 't':
      return String(toTruth(value));
    default:
      throw new ValueError(`there is no verb "${word}"`);
  }
}

function plainText(value: Value): string {
  return value === null || isList(value) || isMap(value) ? JSON.stringify(plain(value)) : toText(value);
}

const BASES: Readonly<Record<string, number>> = { d: 10, b: 2, o: 8, x: 16, X: 16 };

function inBase(value: Value, verb: string): string {
  if (typeof value === 'string' && /x/i.test(verb) && !/^-?\d+(?:\.\d+)?$/.test(value)) {
    const hex = Buffer.from(value).toString('hex');
    return verb === 'X' ? hex.toUpperCase() : hex;
  }
  const number = toNumber(value);
  if (!Number.isInteger(number)) throw new ValueError(`a whole number is wanted, not ${formatNumber(number)}`);
  const digits = BigInt(number).toString(BASES[verb] ?? 10);
  return verb === 'X' ? digits.toUpperCase() : digits;
}

function floating(value: number, verb: string, precision: string | undefined): string {
  const digits = precision === undefined ? undefined : Math.min(Number(precision), 100);
  const lower = verb.toLowerCase();
  if (lower === 'f') return value.toFixed(digits ?? 6);
  const text =
    lower === 'e'
      ? value.toExponential(digits ?? 6)
      : digits === undefined
        ? String(value)
        : String(Number(value.toPrecision(Math.max(1, digits))));
  const exponent = text.replace(/e([+-])(\d)$/, 'e$10$2');
  return verb === lower ? exponent : exponent.toUpperCase();
}

function signed(text: string, flags: string): string {
  if (text.startsWith('-')) return text;
  if (flags.includes('+')) return `+${text}`;
  return flags.includes(' ') ? ` ${text}` : text;
}

function padded(text: string, { flags, width = '0' }: Groups): string {
  const wanted = Math.min(Number(width), MAX_WIDTH);
  if (flags.includes('-')) return text.padEnd(wanted);
  if (!flags.includes('0')) return text.padStart(wanted);
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  return sign + text.slice(sign.length).padStart(wanted - sign.length, '0');
}

/** As `format`, once for each item of the lists among the arguments. @throws `ValueError` */
export function formatList(template: string, args: readonly Value[]): Value {
  const lists = args.filter(isList);
  const [first] = lists;
  if (first === undefined) return [format(template, args)];
  if (lists.some(({ length }) => length !== first.length)) throw new ValueError('the lists differ in length');
  return first.map((_, index) =>
    format(
      template,
      args.map((arg) => (isList(arg) ? (listOf(arg)[index] ?? null) : arg)),
    ),
  );
}
