import { runInNewContext } from 'node:vm';
import { systemErrorCode } from '../../support/errors.js';
import { shown, ValueError, type Value } from '../value.js';
import { ofTexts, type Functions } from './signature.js';

/** Milliseconds for one search: a pattern may take exponential time here, which Go's never does. */
const TIMEOUT = 1000;

export const PATTERN_FUNCTIONS: Functions = {
  regex: ofTexts(2, (pattern, text) => {
    const [first] = matchesOf(pattern, text);
    if (first === undefined) throw new ValueError(`nothing in ${shown(text)} matches`);
    return first;
  }),
  regexall: ofTexts(2, (pattern, text) => matchesOf(pattern, text)),
  regex_replace: ofTexts(3, (text, pattern, replacement) => {
    const found = search(pattern, text);
    let at = 0;
    let result = '';
    for (const match of found) {
      result += text.slice(at, match.index) + expanded(replacement, match);
      at = match.index + match.text.length;
    }
    return result + text.slice(at);
  }),
};

interface Match {
  readonly index: number;
  readonly text: string;
  readonly groups: readonly (string | null)[];
  readonly named: Readonly<Record<string, string | null>> | null;
}

/** The text that matches; with groups in the pattern, what they match. */
function matchesOf(pattern: string, text: string): readonly Value[] {
  return search(pattern, text).map(({ text: whole, groups, named }): Value => {
    if (named !== null) return new Map(Object.entries(named));
    return groups.length === 0 ? whole : groups;
  });
}

const SEARCH = `[...text.matchAll(pattern)].map((match) => ({
  index: match.index, text: match[0], groups: match.slice(1).map((one) => one ?? null),
  named: match.groups === undefined ? null : Object.fromEntries(Object.entries(match.groups).map(([k, v]) => [k, v ?? null])),
}))`;

function search(source: string, text: string): readonly Match[] {
  const pattern = compiled(source);
  try {
    return JSON.parse(
      runInNewContext(`JSON.stringify(${SEARCH})`, { text, pattern }, { timeout: TIMEOUT }) as string,
    ) as readonly Match[];
  } catch (error) {
    if (systemErrorCode(error) !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw new ValueError('the search takes too long', 'Write a pattern that has fewer ways to match.');
  }
}

/** Go's spelling (RE2 syntax) of what both have. */
function compiled(source: string): RegExp {
  const flags = /^\(\?([ims]+)\)/.exec(source)?.[1] ?? '';
  const body = source
    .slice(flags === '' ? 0 : flags.length + 3)
    .replaceAll('(?P<', '(?<')
    .replaceAll('\\A', '^')
    .replaceAll('\\z', '$');
  try {
    return new RegExp(body, `g${[...new Set(flags)].join('')}u`);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ValueError(`${shown(source)} is no regular expression`);
  }
}

/** `$1`, `${1}` and `${name}`, as Go's Regexp.Expand has them; two dollars are one. */
function expanded(replacement: string, { groups, named, text }: Match): string {
  return replacement.replaceAll(/\$(?:\$|\{\w+\}|\w+)/g, (word) => {
    if (word === '$$') return '$';
    const name = word.replace(/^\$\{?/, '').replace(/\}$/, '');
    if (name === '0') return text;
    return (/^\d+$/.test(name) ? groups[Number(name) - 1] : named?.[name]) ?? '';
  });
}
