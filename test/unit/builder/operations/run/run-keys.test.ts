import { describe, expect, test } from 'vitest';
import type { RunMount, RunOperation } from '../../../../../src/builder/operation.js';
import type { OperationParts } from '../../../../../src/builder/operations/operation-parts.js';
import type { Result } from '../../../../../src/builder/operations/result.js';
import { runKeys } from '../../../../../src/builder/operations/run/run-keys.js';
import type { RunStep } from '../../../../../src/builder/operations/run/run-step.js';
import { digestOf } from '../../../../../src/oci/digest.js';
import { memoryTree, type MemoryFile } from '../../../../support/memory-tree.js';

const context = { signal: new AbortController().signal, progress: () => undefined };

const RUN: RunOperation = {
  kind: 'run',
  platform: 'linux/amd64',
  argv: ['/bin/sh', '-c', 'x'],
  env: ['A=b'],
  cwd: '/',
  user: '',
  network: 'host',
  security: 'sandbox',
  mounts: [],
  devices: [],
};

type Files = Readonly<Record<string, MemoryFile | string>>;

function contextOf(files: Files, ignored: (path: string) => boolean = () => false): Result {
  return { kind: 'tree', tree: memoryTree(files), description: 'the build context', ignored };
}

/** A root file system; what it holds is told by its name. */
function stage(name: string): Result {
  const diffId = digestOf(name);
  const descriptor = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: diffId, size: 1 } as const;
  return { kind: 'file-system', layers: [{ diffId, descriptor, created: null }] };
}

interface Given {
  readonly operation?: Partial<RunOperation>;
  readonly inputs?: readonly Result[];
  /** What is in any stage. */
  readonly files?: Files;
}

async function keysOf({ operation = {}, inputs = [], files = {} }: Given): Promise<readonly string[]> {
  const root = stage('root');
  if (root.kind !== 'file-system') throw new Error('a stage is a file system');
  const step: RunStep = {
    vertex: { id: digestOf('v') as RunStep['vertex']['id'], operation: RUN, inputs: [], label: '' },
    operation: { ...RUN, ...operation },
    root,
    inputs: [root, ...inputs],
  };
  // Just enough to read a stage: its snapshot is there, and has these files.
  const snapshotter = { has: () => Promise.resolve(true), tree: () => Promise.resolve(memoryTree(files)) };
  const parts = {
    platform: 'linux/amd64',
    sourceDateEpoch: undefined,
    store: { blobs: {} },
    workshop: () => Promise.resolve({ snapshotter }),
  } as unknown as OperationParts;
  const keys: string[] = [];
  for await (const { key } of runKeys(parts, step, context)) keys.push(key);
  return keys;
}

const bind = (path: string, more: Partial<Extract<RunMount, { type: 'bind' }>> = {}): RunMount => ({
  type: 'bind',
  target: '/src',
  input: 1,
  path,
  readonly: true,
  ...more,
});
const cache: Extract<RunMount, { type: 'cache' }> = {
  type: 'cache',
  target: '/c',
  id: '/c',
  sharing: 'shared',
  readonly: false,
  uid: 0,
  gid: 0,
  mode: 0o755,
};
const secret: Extract<RunMount, { type: 'secret' }> = {
  type: 'secret',
  id: 's',
  target: '/s',
  required: false,
  uid: 0,
  gid: 0,
  mode: 0o400,
};

const FILES = { 'a/f': '1', 'b/g': '2' };

describe('the key of a RUN', () => {
  test.each<[string, Given, Given]>([
    ['112: the arguments', {}, { operation: { argv: ['y'] } }],
    ['112: the environment', {}, { operation: { env: [] } }],
    ['112: the directory', {}, { operation: { cwd: '/d' } }],
    ['112: the user', {}, { operation: { user: '1' } }],
    ['112: the host name', {}, { operation: { hostname: 'h' } }],
    ['112: the network', {}, { operation: { network: 'none' } }],
    ['112: the security', {}, { operation: { security: 'insecure' } }],
    ['112: limits', {}, { operation: { limits: [{ name: 'nofile', soft: 1, hard: 1 }] } }],
    ['112: the name of a further host', {}, { operation: { hosts: [{ name: 'h', address: '192.0.2.1' }] } }],
    ['112: devices', {}, { operation: { devices: [{ name: 'a.b/c', required: true }] } }],
    [
      '112: where something is mounted',
      { operation: { mounts: [cache] } },
      { operation: { mounts: [{ ...cache, target: '/d' }] } },
    ],
    [
      '112: a secret that is taken at all, and where',
      { operation: { mounts: [secret] } },
      { operation: { mounts: [{ ...secret, target: '/t' }] } },
    ],
    [
      '47: what is mounted',
      { operation: { mounts: [bind('a')] }, inputs: [contextOf(FILES)] },
      { operation: { mounts: [bind('a')] }, inputs: [contextOf({ ...FILES, 'a/f': '3' })] },
    ],
    [
      '47: which files are there',
      { operation: { mounts: [bind('')] }, inputs: [contextOf(FILES)] },
      { operation: { mounts: [bind('')] }, inputs: [contextOf({ ...FILES, 'a/n': '' })] },
    ],
  ])('pitfall %s counts', async (_name, left, right) => {
    expect((await keysOf(right)).at(-1)).not.toBe((await keysOf(left)).at(-1));
  });

  test.each<[string, Given, Given]>([
    [
      '112: the address of a further host',
      { operation: { hosts: [{ name: 'h', address: '192.0.2.1' }] } },
      { operation: { hosts: [{ name: 'h', address: '192.0.2.2' }] } },
    ],
    [
      '112: the id of a cache and how it is shared',
      { operation: { mounts: [cache] } },
      { operation: { mounts: [{ ...cache, id: 'other', sharing: 'locked' }] } },
    ],
    [
      '47: what is beside the source',
      { operation: { mounts: [bind('a')] }, inputs: [contextOf(FILES)] },
      { operation: { mounts: [bind('a')] }, inputs: [contextOf({ ...FILES, 'b/g': '3' })] },
    ],
    [
      '47: what the source is called',
      { operation: { mounts: [bind('a')] }, inputs: [contextOf(FILES)] },
      { operation: { mounts: [bind('c')] }, inputs: [contextOf({ 'c/f': '1' })] },
    ],
  ])('pitfall %s does not count', async (_name, left, right) => {
    expect((await keysOf(right)).at(-1)).toBe((await keysOf(left)).at(-1));
  });

  test('pitfall 115: a stage counts first as a whole, then by what of it is mounted', async () => {
    const operation = { mounts: [bind('/a')] };
    const one = await keysOf({ operation, inputs: [stage('one')], files: FILES });
    const rebuilt = await keysOf({ operation, inputs: [stage('two')], files: { ...FILES, 'b/g': 'other' } });
    expect(one).toHaveLength(2);
    expect(rebuilt[0]).not.toBe(one[0]);
    expect(rebuilt[1]).toBe(one[1]);
    const changed = await keysOf({ operation, inputs: [stage('three')], files: { ...FILES, 'a/f': 'other' } });
    expect(changed[1]).not.toBe(one[1]);
  });

  test('pitfall 47: a source that is not there is told, with what was meant, and why an ignored one is not', async () => {
    const missing = keysOf({ operation: { mounts: [bind('a/ff')] }, inputs: [contextOf(FILES)] });
    await expect(missing).rejects.toMatchObject({
      code: 'DOCKERFILE_SEMANTICS',
      message: 'cannot mount "a/ff" on "/src": not found in the build context',
      hint: 'Did you mean "f"?',
    });
    const ignored = contextOf(FILES, (path) => path === 'x');
    await expect(keysOf({ operation: { mounts: [bind('x')] }, inputs: [ignored] })).rejects.toMatchObject({
      message: 'cannot mount "x": the ignore file leaves it out of the build context',
    });
  });
});
