import type { Selector } from './policy-rules.js';
import type { PolicySource } from './source-policy.js';

/** Whether a rule is about a source. An identifier that is written out is matched by any kind of selector. */
export function matches(selector: Selector, { identifier, attrs }: PolicySource): boolean {
  for (const { key, value, condition } of selector.constraints) {
    const has = attrs[key] ?? '';
    const holds = condition === 'MATCHES' ? new RegExp(value).test(has) : (has === value) === (condition === 'EQUAL');
    if (!holds) return false;
  }
  if (selector.identifier === identifier) return true;
  return selector.matchType !== 'EXACT' && patternOf(selector).test(identifier);
}

/** A template with what the parts of the pattern stand for in place of `$1`, `${1}` or `${name}`. */
export function formatted(selector: Selector, identifier: string, template: string): string {
  if (selector.matchType === 'EXACT') return template;
  const pattern = patternOf(selector);
  const match = pattern.exec(identifier);
  if (match === null) return template;
  const text = template.replaceAll(/\$(?:\$|\{(\w+)\}|(\w+))/g, (_, braced?: string, bare?: string) => {
    const name = braced ?? bare;
    if (name === undefined) return '$';
    return (/^\d+$/.test(name) ? match[Number(name)] : match.groups?.[name]) ?? '';
  });
  // A regular expression replaces what it matches, a wildcard is about all of it.
  return selector.matchType === 'WILDCARD' ? text : identifier.replace(pattern, () => text);
}

function patternOf({ identifier, matchType }: Selector): RegExp {
  if (matchType === 'REGEX') return new RegExp(identifier);
  const parts = identifier.split('*').map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));
  // Several stars in a row are one.
  return new RegExp(`^${parts.join('(.*?)').replaceAll(/(?:\(\.\*\?\)){2,}/g, '(.*?)')}$`, 's');
}
