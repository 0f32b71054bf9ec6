import { TsbuildError } from '../../support/errors.js';
import { SourceText } from '../source-text.js';
import { interpolate, InterpolationError, type Variables } from './interpolate.js';

const LINE = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*(?:=|:\s)[ \t]*/;

/** The variables of an `.env` file: `NAME=value` a line, with quotes and comments as shells have them. @throws `CONFIG_INVALID` */
export function parseDotenv(text: string, name: string, outer: Variables): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const source = new SourceText(name, text);
  const variables: Variables = (wanted) => outer(wanted) ?? values.get(wanted);
  let at = 0;
  while (at < text.length) {
    const end = endOfLine(text, at);
    const line = text.slice(at, end);
    if (/^\s*(?:#|$)/.test(line)) {
      at = end + 1;
      continue;
    }
    const [head, key = ''] = LINE.exec(line) ?? [];
    if (head === undefined) throw malformed(source, { start: at, end });
    const read = readValue(text, at + head.length);
    values.set(key, expanded(read, { source, start: at, variables }));
    at = endOfLine(text, read.end) + 1;
  }
  return values;
}

interface ReadValue {
  readonly value: string;
  readonly end: number;
  readonly isLiteral: boolean;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

function readValue(text: string, start: number): ReadValue {
  const quote = text.charAt(start);
  const close = quote === '"' || quote === "'" ? closing(text, start) : -1;
  if (close >= 0) {
    const inner = text.slice(start + 1, close);
    return { value: quote === '"' ? unescaped(inner) : inner, end: close + 1, isLiteral: quote === "'" };
  }
  const end = endOfLine(text, start);
  return {
    value: text
      .slice(start, end)
      .replace(/(?:^|\s)#.*$/, '')
      .trim(),
    end,
    isLiteral: false,
  };
}

function closing(text: string, start: number): number {
  const quote = text.charAt(start);
  for (let at = start + 1; at < text.length; at += 1) {
    if (text.charAt(at) === '\\' && quote === '"') at += 1;
    else if (text.charAt(at) === quote) return at;
  }
  return -1;
}

function unescaped(text: string): string {
  const meant: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', $: '$$' };
  return text.replaceAll(/\\(.)/gs, (one, letter: string) => meant[letter] ?? one);
}

function expanded(
  { value, isLiteral }: ReadValue,
  { source, start, variables }: { readonly source: SourceText; readonly start: number; readonly variables: Variables },
): string {
  if (isLiteral) return value;
  try {
    return interpolate(value, variables);
  } catch (error) {
    if (!(error instanceof InterpolationError)) throw error;
    throw malformed(source, { start, end: endOfLine(source.text, start) }, error.message);
  }
}

function malformed(
  source: SourceText,
  range: { readonly start: number; readonly end: number },
  state?: string,
): TsbuildError {
  return new TsbuildError(
    'CONFIG_INVALID',
    `cannot read "${source.name}": ${state ?? 'a line is not of the form NAME=value'}`,
    {
      source: source.range(range),
    },
  );
}
