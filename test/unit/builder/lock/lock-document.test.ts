import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodePins, encodePins } from '../../../../src/builder/lock/lock-document.js';
import { gitName, imageName, urlName } from '../../../../src/builder/lock/pin-names.js';
import { mergedPins, NO_PINS, type Pins } from '../../../../src/builder/lock/pins.js';
import { digestOf } from '../../../../src/oci/digest.js';
import { parsePlatform } from '../../../../src/oci/platform.js';
import { parseReference } from '../../../../src/oci/reference.js';

const [A, B] = [digestOf('a'), digestOf('b')];
const [C, T] = ['a'.repeat(40), 'b'.repeat(40)];
const PINS: Pins = {
  images: { 'z:1 linux/amd64': A, 'docker.io/library/a:1 linux/arm64': B },
  urls: {},
  git: { 'https://x/y.git#v1': { commit: C, ref: 'refs/tags/v1', tag: T }, 'https://x/y.git': { commit: C, ref: C } },
};

describe('a lock file', () => {
  test('has a line for each entry, sorted', () => {
    expect(encodePins(PINS)).toBe(`{
  "version": 1,
  "images": {
    "docker.io/library/a:1 linux/arm64": "${B}",
    "z:1 linux/amd64": "${A}"
  },
  "urls": {},
  "git": {
    "https://x/y.git": { "commit": "${C}", "ref": "${C}" },
    "https://x/y.git#v1": { "commit": "${C}", "ref": "refs/tags/v1", "tag": "${T}" }
  }
}
`);
  });

  const name = fc.string({ unit: 'grapheme' }).filter((text) => !/\p{Cc}/u.test(text));
  const digests = fc.dictionary(
    name,
    fc.string().map((text) => digestOf(text)),
  );
  test('is read as it was written', () => {
    fc.assert(
      fc.property(digests, digests, (images, urls) => {
        const pins = { images, urls, git: PINS.git };
        expect(decodePins(encodePins(pins), 'x')).toEqual(pins);
        expect(encodePins(decodePins(encodePins(pins), 'x'))).toBe(encodePins(pins));
      }),
    );
  });

  const lock = (more: object): string => JSON.stringify({ version: 1, ...more });
  test.each<[string, RegExp]>([
    ['', /is no JSON/],
    ['[]', /an object/],
    ['{}', /version is missing/],
    ['{"version":2}', /knows version 1/],
    [lock({ image: {} }), /"image" is no part of a lock file/],
    [lock({ images: { a: 'sha256:short' } }), /images\["a"\] is no digest/],
    [lock({ images: [] }), /images/],
    [lock({ urls: { 'a\u001b[2J': A } }), /control characters/],
    [lock({ urls: { ['x'.repeat(5000)]: A } }), /too long/],
    [lock({ git: { a: { commit: 'main', ref: 'refs/heads/main' } } }), /is no commit/],
    [lock({ git: { a: { commit: C, ref: '--upload-pack=x' } } }), /is no reference of git/],
    [lock({ git: { a: { commit: C, ref: 'refs/heads/a b' } } }), /is no reference of git/],
    [lock({ git: { a: { commit: C, ref: C, tag: '-x' } } }), /is no commit/],
    ['{\n<<<<<<< HEAD\n', /marks of a merge/],
    [' '.repeat(5 << 20), /are allowed/],
  ])('is refused: %.40s', (text, message) => {
    expect(() => decodePins(text, 'some.lock')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error);
    expect(() => decodePins(text, 'some.lock')).toThrow(message);
    expect(() => decodePins(text, 'some.lock')).toThrow(/cannot read lock file "some.lock": /);
  });

  test('a member called __proto__ is a name like others', () => {
    const { images } = decodePins(`{"version":1,"images":{"__proto__":"${A}"}}`, 'x');
    expect(Object.hasOwn(images, '__proto__')).toBe(true);
    expect(Object.getPrototypeOf(images)).toBe(Object.prototype);
  });

  test('keeps what other builds take, and has of this one what it found', () => {
    const merged = mergedPins(PINS, { ...NO_PINS, images: { 'z:1 linux/amd64': B, new: A } });
    expect(merged).toEqual({ ...PINS, images: { ...PINS.images, 'z:1 linux/amd64': B, new: A } });
  });
});

describe('names in it', () => {
  test('have no credentials', () => {
    expect(urlName({ url: 'https://user:secret@host/a/b?token=secret&v=1' })).toMatch(
      /^https:\/\/host\/a\/b\?token=…&v=…#[0-9a-f]{16}$/,
    );
    expect(urlName({ url: 'https://host/a' })).toBe('https://host/a');
    expect(gitName({ url: 'https://token@host/a.git', ref: 'main' })).toBe('https://host/a.git#main');
    expect(gitName({ url: 'ssh://git:secret@host/a.git' })).toBe('ssh://git@host/a.git');
    expect(gitName({ url: 'git@host:a.git', ref: 'v1' })).toBe('git@host:a.git#v1');
  });

  test('tell queries and platforms apart', () => {
    expect(urlName({ url: 'https://h/a?v=1' })).not.toBe(urlName({ url: 'https://h/a?v=2' }));
    expect(imageName(parseReference('a:1'), parsePlatform('linux/arm64'))).toBe('docker.io/library/a:1 linux/arm64');
  });
});
