import type { Finding } from './finding.js';

interface LookAlike {
  readonly name: string;
  /** What was meant. */
  readonly meant: string;
}

const DASHES: Readonly<Record<string, string>> = {
  '\u2010': 'a hyphen that is not the ASCII one',
  '\u2011': 'a no-break hyphen',
  '\u2012': 'a figure dash',
  '\u2013': 'an en dash',
  '\u2014': 'an em dash',
  '\u2015': 'a horizontal bar',
  '\u2212': 'a minus sign',
};
const DOUBLE_QUOTES = '\u201c\u201d\u201e\u201f';
const SINGLE_QUOTES = '\u2018\u2019\u201a\u201b';
const BLANKS: Readonly<Record<string, string>> = {
  '\u00a0': 'a no-break space',
  '\u2007': 'a figure space',
  '\u202f': 'a narrow no-break space',
  '\u3000': 'an ideographic space',
  '\u200b': 'a zero-width space',
  '\ufeff': 'a byte order mark',
};

/**
 * Look-alikes of ASCII characters that stand where only these mean something: a dash at the start of a word, a quote or a blank
 * outside of ASCII quotes. One finding for each kind.
 */
export function pastedCharacters(text: string): readonly Finding[] {
  if (/^[\0-\u007f]*$/.test(text)) return [];
  const found = new Map<string, Finding>();
  const bare = text.replace(NOT_BARE, (part) => ' '.repeat(part.length));
  for (const { index } of bare.matchAll(/[^\0-\u007f]/g)) {
    const lookAlike = lookAlikeAt(text, index);
    if (lookAlike !== undefined && !found.has(lookAlike.name)) {
      found.set(lookAlike.name, toFinding(text, index, lookAlike));
    }
  }
  return [...found.values()];
}

/** What is escaped, in quotes, or a comment of a shell; elsewhere the rest of such a line is hardly an argument. */
const NOT_BARE = /\\.|"(?:\\.|[^"\\])*"?|'[^']*'?|(?<!\S)#[^\n]*/gs;

function lookAlikeAt(text: string, at: number): LookAlike | undefined {
  const character = text.charAt(at);
  const dash = DASHES[character];
  if (dash !== undefined) return isFlag(text, at) ? { name: dash, meant: '-' } : undefined;
  const blank = BLANKS[character];
  if (blank !== undefined) return { name: blank, meant: ' ' };
  if (DOUBLE_QUOTES.includes(character)) return { name: 'a curly quote', meant: '"' };
  return SINGLE_QUOTES.includes(character) && !isApostrophe(text, at)
    ? { name: 'a curly quote', meant: "'" }
    : undefined;
}

/** A dash that begins a word which goes on. */
function isFlag(text: string, at: number): boolean {
  return /[\s=([]/.test(text.charAt(at - 1) || ' ') && /[^\s]/.test(text.charAt(at + 1));
}

function isApostrophe(text: string, at: number): boolean {
  return /\p{L}/u.test(text.charAt(at - 1)) && /\p{L}/u.test(text.charAt(at + 1));
}

function toFinding(text: string, at: number, { name, meant }: LookAlike): Finding {
  const code = text.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0');
  const word = wordAt(text, at);
  const place = meant === ' ' ? `in ${placeOf(text, at)}` : `in "${word}"`;
  const wanted =
    meant === ' '
      ? 'a plain blank'
      : meant === '"'
        ? 'a straight quote (")'
        : meant === "'"
          ? "a straight quote (')"
          : '"-"';
  return { rule: 'tsbuild/PastedCharacter', message: `${name} (U+${code}) stands ${place}: write ${wanted}` };
}

function wordAt(text: string, at: number): string {
  const from = text.slice(0, at).search(/\S*$/);
  return (/^\S*/.exec(text.slice(from))?.[0] ?? '').slice(0, 60);
}

function placeOf(text: string, at: number): string {
  const before = /[^\s\u200b\ufeff]*$/.exec(text.slice(Math.max(0, at - 30), at))?.[0] ?? '';
  return before === '' ? 'the line' : `the line behind "${before}"`;
}
