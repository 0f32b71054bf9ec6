import { formatValue } from './values.js';

const VERB = /%([-+ 0#]*)(\d*)(?:\.(\d+))?([a-zA-Z%])/g;

type Verb = (value: unknown, precision: number | undefined) => string;

const shown: Verb = (value, precision) => formatValue(value).slice(0, precision);

const VERBS: Readonly<Record<string, Verb>> = {
  s: shown,
  v: shown,
  q: (value) => JSON.stringify(formatValue(value)),
  f: (value, precision = 6) => (typeof value === 'number' ? value.toFixed(precision) : unsuitable('f', value)),
  x: (value) => (typeof value === 'number' ? value.toString(16) : Buffer.from(formatValue(value)).toString('hex')),
  d: (value) => (typeof value === 'number' ? formatValue(value) : unsuitable('d', value)),
  t: (value) => (typeof value === 'boolean' ? formatValue(value) : unsuitable('t', value)),
};

/** As fmt.Sprintf does it for the verbs that suit texts, numbers and truth: %s, %v, %d, %q, %t, %x, %f. */
export function formatPrintf(format: string, values: readonly unknown[]): string {
  const left = [...values];
  return format.replace(VERB, (whole: string, ...groups: readonly (string | undefined)[]) => {
    const [flags = '', width = '', precision, verb = ''] = groups;
    if (verb === '%') return '%';
    const toText = VERBS[verb];
    if (toText === undefined) return whole;
    // What Go prints where a value is missing.
    if (left.length === 0) return `%!${verb}(MISSING)`;
    const text = toText(left.shift(), precision === undefined ? undefined : Number(precision));
    if (flags.includes('-')) return text.padEnd(Number(width));
    return text.padStart(Number(width), flags.includes('0') && verb !== 's' ? '0' : ' ');
  });
}

/** What Go prints for a value of another type. */
function unsuitable(verb: string, value: unknown): string {
  return `%!${verb}(${formatValue(value)})`;
}
