import {
  digestText,
  objectOf,
  optional,
  readJson,
  recordOf,
  required,
  count,
  ShapeError,
  string,
} from '../../oci/decode-value.js';
import { compareBytes } from '../../support/byte-string.js';
import { TsbuildError } from '../../support/errors.js';
import { isCommit } from '../sources/git-options.js';
import type { GitPin, Pins } from './pins.js';

const VERSION = 1;
/** Bytes. */
export const LOCK_LIMIT: number = 4 << 20;
const MAX_NAME = 4096;
const SECTIONS: ReadonlySet<string> = new Set(['version', 'images', 'urls', 'git']);
const REF = /^(?:refs\/[^\p{Cc} ~^:?*[\\-][^\p{Cc} ~^:?*[\\]*|[0-9a-f]{40}|[0-9a-f]{64})$/u;

/** JSON with a line for each entry, sorted: equal pins are equal bytes, and two branches that add others merge. */
export function encodePins({ images, urls, git }: Pins): string {
  const sections = [
    `  "version": ${VERSION}`,
    section('images', images, (digest) => JSON.stringify(digest)),
    section('urls', urls, (digest) => JSON.stringify(digest)),
    section('git', git, gitText),
  ];
  return `{\n${sections.join(',\n')}\n}\n`;
}

function section<T>(name: string, entries: Readonly<Record<string, T>>, textOf: (value: T) => string): string {
  const sorted = Object.entries(entries).sort(([left], [right]) => compareBytes(left, right));
  if (sorted.length === 0) return `  "${name}": {}`;
  const lines = sorted.map(([key, value]) => `    ${JSON.stringify(key)}: ${textOf(value)}`);
  return `  "${name}": {\n${lines.join(',\n')}\n  }`;
}

function gitText({ commit, ref, tag }: GitPin): string {
  const members = { commit, ref, ...(tag === undefined ? {} : { tag }) };
  const texts = Object.entries(members).map(([name, value]) => `"${name}": ${JSON.stringify(value)}`);
  return `{ ${texts.join(', ')} }`;
}

/** Anybody may have written it. @throws `CONFIG_INVALID` */
export function decodePins(text: string, name: string): Pins {
  if (/^(?:<{7}|>{7}) /m.test(text)) {
    throw invalid(
      name,
      'it has the marks of a merge that is not finished',
      'Keep the lines of both sides, or write it anew with --lock.',
    );
  }
  try {
    return pinsOf(readJson(Buffer.from(text), LOCK_LIMIT));
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw invalid(
      name,
      error.message,
      'Take it from version control again, or remove it and write it anew with --lock.',
    );
  }
}

function pinsOf(value: unknown): Pins {
  const document = objectOf(value, '');
  const version = required(document, 'version', count);
  if (version !== VERSION) throw new ShapeError('version', `is ${version}, and this program knows version ${VERSION}`);
  for (const member of Object.keys(document.members)) {
    if (!SECTIONS.has(member)) throw new ShapeError(JSON.stringify(member.slice(0, 100)), 'is no part of a lock file');
  }
  return {
    images: optional(document, 'images', named(digestText)) ?? {},
    urls: optional(document, 'urls', named(digestText)) ?? {},
    git: optional(document, 'git', named(gitPin)) ?? {},
  };
}

function named<T>(
  decode: (value: unknown, path: string) => T,
): (value: unknown, path: string) => Readonly<Record<string, T>> {
  return (value, path) => {
    for (const name of Object.keys(objectOf(value, path).members)) {
      if (name.length > MAX_NAME || /\p{Cc}/u.test(name)) {
        throw new ShapeError(path, 'has a name that is too long or has control characters');
      }
    }
    return recordOf(decode)(value, path);
  };
}

function gitPin(value: unknown, path: string): GitPin {
  const pin = objectOf(value, path);
  const tag = optional(pin, 'tag', commit);
  return {
    commit: required(pin, 'commit', commit),
    ref: required(pin, 'ref', ref),
    ...(tag === undefined ? {} : { tag }),
  };
}

function commit(value: unknown, path: string): string {
  const text = string(value, path);
  if (!isCommit(text)) throw new ShapeError(path, 'is no commit');
  return text;
}

function ref(value: unknown, path: string): string {
  const text = string(value, path);
  if (text.length > MAX_NAME || !REF.test(text)) throw new ShapeError(path, 'is no reference of git');
  return text;
}

function invalid(name: string, state: string, hint: string): TsbuildError {
  return new TsbuildError('CONFIG_INVALID', `cannot read lock file "${name}": ${state}`, { hint });
}
