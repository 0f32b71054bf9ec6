import {
  arrayOf,
  objectOf,
  optional,
  readJson,
  recordOf,
  required,
  ShapeError,
  string,
  type Decode,
} from '../../oci/decode-value.js';
import { TsbuildError } from '../../support/errors.js';
import type { AttrConstraint, PolicyRule, PolicyUpdates, Selector, SourcePolicy } from './policy-rules.js';

/** Bytes. */
const LIMIT = 4 << 20;
const MAX_PATTERN = 4096;

/** In the order of BuildKit's numbers for them, which JSON may have instead of the names. */
const ACTIONS = ['ALLOW', 'DENY', 'CONVERT'] as const;
const MATCH_TYPES = ['WILDCARD', 'EXACT', 'REGEX'] as const;
const CONDITIONS = ['EQUAL', 'NOTEQUAL', 'MATCHES'] as const;

/**
 * A source policy as BuildKit has it in JSON (`moby.buildkit.v1.sourcepolicy.Policy`).
 * @param name of its file, for messages
 * @throws `CONFIG_INVALID`
 */
export function decodePolicy(text: string, name: string): SourcePolicy {
  try {
    const document = objectOf(readJson(Buffer.from(text), LIMIT), '');
    known(document.members, ['version', 'rules'], '');
    return { name, rules: optional(document, 'rules', arrayOf(rule)) ?? [] };
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new TsbuildError('CONFIG_INVALID', `cannot read source policy "${name}": ${error.message}`, {
      hint: 'Write {"rules": [{"action": "DENY", "selector": {"identifier": "docker-image://*"}}]}; docs/reproducible.md has more.',
    });
  }
}

const rule: Decode<PolicyRule> = (value, path) => {
  const given = objectOf(value, path);
  known(given.members, ['action', 'selector', 'updates'], path);
  const action = optional(given, 'action', oneOf(ACTIONS)) ?? 'ALLOW';
  const updates = optional(given, 'updates', updatesOf);
  if (action === 'CONVERT' && updates === undefined) throw new ShapeError(`${path}.updates`, 'is missing');
  return { action, selector: required(given, 'selector', selector), updates };
};

const selector: Decode<Selector> = (value, path) => {
  const given = objectOf(value, path);
  known(given.members, ['identifier', 'matchType', 'match_type', 'constraints'], path);
  const identifier = required(given, 'identifier', string);
  const matchType =
    optional(given, 'matchType', oneOf(MATCH_TYPES)) ?? optional(given, 'match_type', oneOf(MATCH_TYPES)) ?? 'WILDCARD';
  if (identifier.length > MAX_PATTERN) throw new ShapeError(`${path}.identifier`, 'is too long');
  if (matchType === 'REGEX') checkPattern(identifier, `${path}.identifier`);
  return { identifier, matchType, constraints: optional(given, 'constraints', arrayOf(constraint)) ?? [] };
};

const constraint: Decode<AttrConstraint> = (value, path) => {
  const given = objectOf(value, path);
  known(given.members, ['key', 'value', 'condition'], path);
  const condition = optional(given, 'condition', oneOf(CONDITIONS)) ?? 'EQUAL';
  const text = optional(given, 'value', string) ?? '';
  if (condition === 'MATCHES') checkPattern(text, `${path}.value`);
  return { key: required(given, 'key', string), value: text, condition };
};

const updatesOf: Decode<PolicyUpdates> = (value, path) => {
  const given = objectOf(value, path);
  known(given.members, ['identifier', 'attrs'], path);
  return {
    identifier: optional(given, 'identifier', string),
    attrs: optional(given, 'attrs', recordOf(string)),
  };
};

function checkPattern(pattern: string, path: string): void {
  try {
    new RegExp(pattern);
  } catch {
    throw new ShapeError(path, 'is no regular expression of JavaScript, which is what patterns are here');
  }
}

function oneOf<T extends string>(names: readonly T[]): Decode<T> {
  return (value, path) => {
    const found = typeof value === 'number' ? names[value] : names.find((name) => name === value);
    if (found === undefined) throw new ShapeError(path, `is none of ${names.join(', ')}`);
    return found;
  };
}

function known(members: Readonly<Record<string, unknown>>, names: readonly string[], path: string): void {
  for (const member of Object.keys(members)) {
    if (!names.includes(member))
      throw new ShapeError(`${path === '' ? '' : `${path}.`}${member.slice(0, 100)}`, 'is not known');
  }
}
