import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  familiarName,
  formatReference,
  parseReference,
  repositoryName,
  withDefaultTag,
  type Reference,
} from '../../../src/oci/reference.js';
import { digestOf, type Digest } from '../../../src/oci/digest.js';
import { isTsbuildError } from '../../../src/support/errors.js';

const digest = digestOf('');
const hex = digest.slice('sha256:'.length);

test.each<[string, string, string]>([
  ['ubuntu', 'docker.io', 'library/ubuntu'],
  ['library/ubuntu', 'docker.io', 'library/ubuntu'],
  ['docker.io/ubuntu', 'docker.io', 'library/ubuntu'],
  ['index.docker.io/ubuntu', 'docker.io', 'library/ubuntu'],
  ['index.docker.io/foo/bar', 'docker.io', 'foo/bar'],
  ['myid-yo/test', 'docker.io', 'myid-yo/test'],
  ['localhost/x', 'localhost', 'x'],
  ['localhost', 'docker.io', 'library/localhost'],
  ['localhost:5000/x/y', 'localhost:5000', 'x/y'],
  ['Foo/bar', 'Foo', 'bar'],
  ['foo.bar/x', 'foo.bar', 'x'],
  ['foo.bar', 'docker.io', 'library/foo.bar'],
  ['foo:5000/x', 'foo:5000', 'x'],
  ['[::1]:5000/x', '[::1]:5000', 'x'],
  ['[fe80:0:0:1::2]/x', '[fe80:0:0:1::2]', 'x'],
  ['192.168.0.1:80/x', '192.168.0.1:80', 'x'],
  ['a__b', 'docker.io', 'library/a__b'],
  ['a---b', 'docker.io', 'library/a---b'],
  ['a.b/c_d/e', 'a.b', 'c_d/e'],
  ['0/1', 'docker.io', '0/1'],
])('"%s" is in the registry %s', (text, registry, repository) => {
  expect(parseReference(text)).toEqual({ registry, repository });
});

test.each<[string, Partial<Reference>]>([
  ['x:1', { tag: '1' }],
  ['localhost:5000/x:1', { tag: '1' }],
  ['localhost:5000', { repository: 'library/localhost', tag: '5000' }],
  [`x@${digest}`, { digest }],
  [`x:1@${digest}`, { tag: '1', digest }],
  [`x:${'a'.repeat(128)}`, { tag: 'a'.repeat(128) }],
  ['x:_A.b-c', { tag: '_A.b-c' }],
])('"%s" carries its tag and digest', (text, expected) => {
  expect(parseReference(text)).toMatchObject(expected);
});

test.each<[string, RegExp, RegExp]>([
  ['', /it is empty/, /debian/],
  ['Ubuntu', /uppercase/, /write "library\/ubuntu"/],
  ['foo/Bar:x', /uppercase/, /write "foo\/bar"/],
  [hex, /image id/, /tag/],
  ['https://docker.io/x', /URL/, /Leave out "https:\/\/"/],
  ['a..b', /"a\.\.b" is no part/, /dots/],
  ['a_.b', /"a_\.b" is no part/, /dots/],
  ['a___b', /no part/, /underscores/],
  ['-a', /no part/, /dashes/],
  ['a-', /no part/, /dashes/],
  ['a//b', /empty/, /one slash/],
  ['/a', /empty/, /one slash/],
  ['a/', /empty/, /one slash/],
  ['docker.io/', /empty/, /one slash/],
  ['localhost:5000/', /empty/, /one slash/],
  ['a b', /"a b" is no part/, /lowercase/],
  ['a/../b', /"\.\." is no part/, /lowercase/],
  ['x:', /"" is no tag/, /1 to 128/],
  ['x:-a', /"-a" is no tag/, /starts with/],
  ['x:.a', /"\.a" is no tag/, /starts with/],
  [`x:${'a'.repeat(129)}`, /is no tag/, /128/],
  ['x@sha256:abc', /is no digest/, /64/],
  [`x@sha256:${hex.toUpperCase()}`, /is no digest/, /lowercase/],
  [`x@${digest}@${digest}`, /is no digest/, /64/],
  ['x@', /is no digest/, /64/],
  ['-foo.bar/x', /"-foo\.bar" is no registry host/, /host name/],
  ['foo:bar/x', /"foo:bar" is no registry host/, /:port/],
  ['[::1%eth0]/x', /no registry host/, /brackets/],
  [`foo.bar/${'a'.repeat(300)}`, /308 characters/, /255/],
])('"%s" is refused with the rule that it breaks', (text, message, hint) => {
  const error = thrown(() => parseReference(text));
  expect(error.code).toBe('REFERENCE_INVALID');
  expect(error.message).toMatch(/^cannot read image name "/);
  expect(error.message).toMatch(message);
  expect(error.hint).toMatch(hint);
});

test('the default tag is added only where there is neither tag nor digest', () => {
  expect(withDefaultTag(parseReference('debian')).tag).toBe('latest');
  expect(withDefaultTag(parseReference('debian:12')).tag).toBe('12');
  expect(withDefaultTag(parseReference(`debian@${digest}`)).tag).toBeUndefined();
});

test.each([
  ['docker.io/library/debian:latest', 'debian:latest'],
  ['docker.io/myid-yo/test:latest', 'myid-yo/test:latest'],
  ['docker.io/library/a/b:1', 'library/a/b:1'],
  ['localhost:5000/x:1', 'localhost:5000/x:1'],
  [`docker.io/library/debian:12@${digest}`, `debian:12@${digest}`],
  ['docker.io/foo.bar/x:1', 'docker.io/foo.bar/x:1'],
  ['docker.io/localhost/x:1', 'docker.io/localhost/x:1'],
])('%s is familiar as %s', (full, familiar) => {
  expect(familiarName(parseReference(full))).toBe(familiar);
});

test('the repository name has neither tag nor digest', () => {
  expect(repositoryName(parseReference(`debian:12@${digest}`))).toBe('docker.io/library/debian');
});

describe('for every reference', () => {
  const component = fc.stringMatching(/^[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}$/);
  const onHub = fc.array(component, { minLength: 2, maxLength: 4 }).map((parts) => ({
    registry: 'docker.io',
    repository: parts.join('/'),
  }));
  const elsewhere = fc.record({
    registry: fc.constantFrom('localhost', 'localhost:5000', 'ghcr.io', 'Registry', '[::1]:80', '10.0.0.1:5000'),
    repository: fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
  });
  const suffix = fc.record(
    {
      tag: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/),
      digest: fc.stringMatching(/^[0-9a-f]{64}$/).map((digits) => `sha256:${digits}` as Digest),
    },
    { requiredKeys: [] },
  );
  const reference = fc
    .tuple(fc.oneof(onHub, elsewhere), suffix)
    .map(([name, rest]): Reference => ({ ...name, ...rest }));

  test('parsing what was formatted gives it back', () => {
    fc.assert(
      fc.property(reference, (value) => {
        expect(parseReference(formatReference(value))).toEqual(value);
      }),
    );
  });

  test('the familiar name means the same', () => {
    fc.assert(
      fc.property(reference, (value) => {
        expect(parseReference(familiarName(value))).toEqual(value);
      }),
    );
  });

  test('any text at all is read or refused, never anything else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        try {
          const value = parseReference(text);
          expect(parseReference(formatReference(value))).toEqual(value);
        } catch (error) {
          expect(isTsbuildError(error, 'REFERENCE_INVALID')).toBe(true);
        }
      }),
    );
  });
});

function thrown(run: () => unknown): { code: string; message: string; hint: string | undefined } {
  try {
    run();
  } catch (error) {
    if (isTsbuildError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
