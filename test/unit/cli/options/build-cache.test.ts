import { describe, expect, test } from 'vitest';
import { parseArguments } from '../../../../src/cli/argv.js';
import { readCaches, type ReadCaches } from '../../../../src/cli/options/build-cache.js';
import { argumentsSpec } from '../../../../src/cli/command.js';
import { COMMANDS } from '../../../../src/cli/tables/command-table.js';
import { testHost } from '../test-host.js';

const build = COMMANDS.find(({ name }) => name === 'build');
if (build === undefined) throw new Error('there is a command build');
const spec = argumentsSpec(build);

function read(words: readonly string[], buildArgs: Readonly<Record<string, string>> = {}): ReadCaches {
  return readCaches(parseArguments([...words, '.'], spec), testHost({ cwd: '/here' }), { buildArgs });
}

const DIGEST = `sha256:${'a'.repeat(64)}`;
const inRegistry = { type: 'registry', reference: 'app', mode: 'min' };
const usual = { compression: undefined, compressionLevel: undefined, force: undefined, mustSucceed: false };

describe('--cache-from', () => {
  test.each([
    ['reg.example/app:cache', { kind: 'registry', reference: 'reg.example/app:cache' }],
    ['type=registry,ref=app', { kind: 'registry', reference: 'app' }],
    ['type=local,src=x', { kind: 'local', directory: '/here/x', tag: undefined, digest: undefined }],
    [`type=local,src=/x,tag=a,digest=${DIGEST}`, { kind: 'local', directory: '/x', tag: 'a', digest: DIGEST }],
  ])('%s', (word, source) => {
    expect(read(['--cache-from', word, '--cache-from', 'other']).from).toEqual([
      source,
      { kind: 'registry', reference: 'other' },
    ]);
  });
});

describe('--cache-to', () => {
  test.each([
    ['app:cache', { ...usual, type: 'registry', reference: 'app:cache', mode: 'min' }],
    ['type=registry,ref=app,mounts=true', { ...usual, ...inRegistry, mounts: 'all' }],
    ['type=registry,ref=app,cache-mounts=1', { ...usual, ...inRegistry, mounts: 'all' }],
    ['type=registry,ref=app,"mounts=/root/.npm,go"', { ...usual, ...inRegistry, mounts: ['/root/.npm', 'go'] }],
    ['type=registry,ref=app,mounts=false', { ...usual, ...inRegistry }],
    ['type=local,dest=x', { ...usual, type: 'local', directory: '/here/x', tag: 'latest', mode: 'min' }],
    [
      'type=registry,ref=app,mode=max,image-manifest=true,oci-mediatypes=true,compression=zstd,compression-level=22,force-compression=true,ignore-error=false',
      {
        ...{ type: 'registry', reference: 'app', mode: 'max', compression: 'zstd' },
        ...{ compressionLevel: 22, force: true, mustSucceed: true },
      },
    ],
    [
      'type=registry,ref=app,compression=uncompressed,ignore-error=true',
      { ...usual, type: 'registry', reference: 'app', mode: 'min', compression: 'none' },
    ],
  ])('%s', (word, target) => {
    expect(read(['--cache-to', word])).toEqual({ from: [], to: [target], inline: false });
  });

  test('into the image itself, by its type, its name or the build argument of BuildKit', () => {
    for (const word of ['type=inline', 'inline', 'type=inline,mode=min']) {
      expect(read(['--cache-to', word])).toEqual({ from: [], to: [], inline: true });
    }
    expect(read([], { BUILDKIT_INLINE_CACHE: '1' }).inline).toBe(true);
    expect(read([], { BUILDKIT_INLINE_CACHE: '0' }).inline).toBe(false);
  });
});

test.each([
  ['--cache-to', 'type=gha', 'tsbuild does not speak to gha'],
  ['--cache-from', 'type=s3,bucket=x', 'tsbuild does not speak to s3'],
  ['--cache-to', 'type=azblob', 'tsbuild does not speak to azblob'],
  ['--cache-to', 'type=registri,ref=x', 'there is no type "registri"'],
  ['--cache-to', 'type=registry', 'it has no ref'],
  ['--cache-to', 'type=registry,ref=x,mounts=true,cache-mounts=true', 'mounts and cache-mounts are the same'],
  ['--cache-to', 'type=inline,mounts=true', 'type=inline takes no mounts here'],
  ['--cache-to', 'type=local', 'it has no dest'],
  ['--cache-from', 'type=local', 'it has no src'],
  ['--cache-to', 'type=registry,ref=x,mode=most', 'there is no mode "most"'],
  ['--cache-to', 'type=inline,mode=max', 'there is no mode "max"'],
  ['--cache-to', 'type=registry,ref=x,image-manifest=false', 'image-manifest cannot be false'],
  ['--cache-to', 'type=registry,ref=x,oci-mediatypes=false', 'oci-mediatypes cannot be false'],
  ['--cache-to', 'type=registry,ref=x,compression=estargz', 'there is no compression "estargz"'],
  ['--cache-to', 'type=registry,ref=x,compression-level=10', 'compression-level is no number from 0 to 9'],
  ['--cache-to', 'type=registry,ref=x,compression=zstd,compression-level=0', 'zstd has no level 0'],
  ['--cache-from', 'type=registry,ref=x,scope=y', 'type=registry takes no scope here'],
  ['--cache-from', 'type=registry,ref=UPPER', 'cannot read image name'],
])('%s %s is refused', (option, word, message) => {
  expect(() => read([option, word])).toThrow(message);
});
