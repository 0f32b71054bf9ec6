import { describe, expect, test } from 'vitest';
import { runCli } from '../../../src/cli/run-cli.js';
import { configDifference } from '../../../src/cli/diff/config-difference.js';
import type { ChangedFile } from '../../../src/layers/compare/compare-files.js';
import { NodesTree } from '../../../src/layers/index/nodes-tree.js';
import type { TreeEntry } from '../../../src/layers/tree.js';
import { digestOf } from '../../../src/oci/digest.js';
import type { ImageConfig } from '../../../src/oci/image.js';
import { bytesOfText, type ByteString } from '../../../src/support/byte-string.js';
import { TsbuildError } from '../../../src/support/errors.js';
import type { ImageFiles } from '../../../src/toolchain/image-files.js';
import type { Toolchain } from '../../../src/toolchain/toolchain-types.js';
import { testHost } from './test-host.js';

const entry = (given: Partial<TreeEntry>): TreeEntry => ({
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 10,
  mtime: { seconds: 0, nanoseconds: 0 },
  inode: null,
  ...given,
});

const CHANGES: readonly ChangedFile[] = [
  { path: bytesOfText('a\x1b[31m'), before: undefined, after: entry({}), aspects: [] },
  { path: '\xff' as ByteString, before: entry({ size: 3000 }), after: undefined, aspects: [] },
  {
    path: bytesOfText('c'),
    before: entry({}),
    after: entry({ mode: 0o600, size: 1000 }),
    aspects: ['mode', 'size', 'content'],
  },
];

const config = (given: Partial<ImageConfig['config']> = {}): ImageConfig => ({
  os: 'linux',
  architecture: 'amd64',
  config: given,
  rootfs: { type: 'layers', diff_ids: [] },
  history: [],
});

function files(changes: readonly ChangedFile[], name: string): ImageFiles {
  const descriptor = { digest: digestOf(name), size: 1 };
  return {
    manifest: { value: { config: descriptor, layers: [] } },
    config: { value: config({ Env: [`NAME=${name}`] }) },
    layers: [],
    trees: () => Promise.resolve([new NodesTree([])]),
    compare: () => Promise.resolve(changes),
    read: () => Promise.resolve(new Map()),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  } as unknown as ImageFiles;
}

async function diff(
  words: readonly string[],
  changes = CHANGES,
): Promise<{ status: number; output: string; errors: string }> {
  const toolchain: Partial<Toolchain> = {
    imageFiles: (location) => Promise.resolve(files(changes, location.transport === 'store' ? location.name : 'x')),
  };
  const host = testHost({ toolchain });
  const status = await runCli(['diff', ...words], host);
  return { status, output: host.output(), errors: host.errors() };
}

describe('tsbuild diff', () => {
  test('shows each section that differs, and no control characters of names', async () => {
    const { status, output } = await diff(['a', 'b']);
    expect(status).toBe(0);
    expect(output.split('\n').slice(3)).toEqual([
      'Config',
      '  ~ Env NAME: a -> b',
      '',
      'Files: 1 added (10B), 1 changed (+990B), 1 removed (3kB)',
      '  + /a\\x1b[31m  10B',
      '  - /\\xff  3kB',
      '  ~ /c  mode 0644 -> 0600, size 10B -> 1kB, content',
      '',
    ]);
  });

  test('--json is one document, its files a line each', async () => {
    const { output } = await diff(['--json', 'a', 'b']);
    const document = JSON.parse(output) as { files: { path: string; change: string }[] };
    expect(document).toMatchObject({ version: 1, before: { name: 'a' }, summary: { added: 1, removedBytes: 3000 } });
    expect(document.files.map(({ path, change }) => [path, change])).toEqual([
      ['/a\u001b[31m', 'added'],
      ['/\\xff', 'removed'],
      ['/c', 'changed'],
    ]);
    expect(output.split('\n')).toHaveLength(2 + CHANGES.length + 1);
  });

  test.each([
    ['--format={{range .files}}{{.change}} {{end}}', 'added removed changed \n'],
    ['--format={{.before.name}} {{.summary.added}}', 'a 1\n'],
  ])('%s', async (format, expected) => {
    expect((await diff([format, 'a', 'b'])).output).toBe(expected);
  });

  test('names only the sections that are asked for', async () => {
    const { output } = await diff(['--config', 'a', 'b']);
    expect(output).toContain('Env NAME');
    expect(output).not.toContain('Files');
  });

  test.each([
    ['a difference', CHANGES, 1],
    ['none', [], 0],
  ] as const)('--exit-code tells %s', async (_, changes, status) => {
    const result = await diff(['--exit-code', '--files', 'a', 'a'], changes);
    expect(result.status).toBe(status);
    if (status === 0) expect(result.output).toContain('no difference');
  });

  test.each([
    [['--format=xml', 'a', 'b'], 'no such format'],
    [['--pull=sometimes', 'a', 'b'], 'no such value'],
    [['a'], '2 arguments'],
  ])('%j is refused', async (words, message) => {
    const { status, errors } = await diff(words);
    expect(status).toBe(2);
    expect(errors).toContain(message);
  });

  test.each([
    ['missing', ['pull', 'imageFiles']],
    ['never', []],
  ])('an image that is not in the store, with --pull %s', async (policy, expected) => {
    const calls: string[] = [];
    const toolchain: Partial<Toolchain> = {
      imageFiles: (location) => {
        if (calls.length === 0) return Promise.reject(new TsbuildError('IMAGE_NOT_FOUND', 'cannot find image'));
        calls.push('imageFiles');
        return Promise.resolve(files([], location.transport));
      },
      pull: (name) => {
        calls.push('pull');
        return Promise.resolve({ name, digest: digestOf(name), changed: true });
      },
    };
    const host = testHost({ toolchain });
    const status = await runCli(['diff', `--pull=${policy}`, 'a', 'b'], host);
    expect(calls.slice(0, 2)).toEqual(expected);
    expect(status).toBe(expected.length === 0 ? 7 : 0);
  });
});

describe('configDifference()', () => {
  const between = (one: Partial<ImageConfig['config']>, other: Partial<ImageConfig['config']>): unknown =>
    configDifference({ config: config(one), manifest: {} }, { config: config(other), manifest: {} }, { times: false });

  test.each<[string, Partial<ImageConfig['config']>, Partial<ImageConfig['config']>, unknown]>([
    ['a variable set to nothing', {}, { Env: ['A='] }, [{ name: 'Env', key: 'A', before: undefined, after: '' }]],
    ['variables in another order', { Env: ['A=1', 'B=2'] }, { Env: ['B=2', 'A=1'] }, []],
    ['no ONBUILD and an empty list of them', { OnBuild: [] }, {}, []],
    [
      'ports',
      { ExposedPorts: { '80/tcp': {} } },
      {},
      [{ name: 'ExposedPort', key: '80/tcp', before: {}, after: undefined }],
    ],
    ['a command', { Cmd: ['a'] }, { Cmd: ['b'] }, [{ name: 'Cmd', before: ['a'], after: ['b'] }]],
    [
      'a label that names no prototype',
      {},
      { Labels: { ['__proto__x']: 'y' } },
      [{ name: 'Label', key: '__proto__x', before: undefined, after: 'y' }],
    ],
  ])('%s', (_, one, other, expected) => {
    expect(between(one, other)).toEqual(expected);
  });
});
