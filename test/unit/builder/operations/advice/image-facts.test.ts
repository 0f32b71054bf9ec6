import { expect, test } from 'vitest';
import {
  imageFacts,
  type FactsOfStep,
  type ImageFacts,
} from '../../../../../src/builder/operations/advice/image-facts.js';
import { readElfHeader } from '../../../../../src/builder/operations/advice/elf-header.js';
import { elfProgram } from '../../../../../src/sandbox/calls/elf-program.js';
import { memoryTree, type MemoryFile } from '../../../../support/memory-tree.js';

function factsOf(files: Readonly<Record<string, MemoryFile | string>>, given: Partial<FactsOfStep> = {}): ImageFacts {
  const step = { cwd: '/src', platform: 'linux/amd64', searchPath: '/usr/bin:/bin', ...given };
  return imageFacts(memoryTree(files), step);
}

const [AMD64, ARM64] = [62, 183];
const linkedStatically = (elfMachine: number): MemoryFile => ({
  bytes: elfProgram({ elfMachine, code: '0f05' }),
  mode: 0o755,
});

/** A program of 64 bits with one program header more, which names its loader. */
function linkedTo(loader: string): MemoryFile {
  const bytes = Buffer.concat([
    elfProgram({ elfMachine: AMD64, code: '' }),
    Buffer.alloc(56),
    Buffer.from(`${loader}\0`),
  ]);
  bytes.writeUInt16LE(2, 56);
  bytes.writeUInt32LE(3, 120);
  bytes.writeBigUInt64LE(176n, 128);
  bytes.writeBigUInt64LE(BigInt(loader.length + 1), 152);
  return { bytes, mode: 0o755 };
}

test.each<[string, MemoryFile | undefined, ReturnType<ImageFacts['flawOf']>]>([
  ['nothing there', undefined, { kind: 'missing' }],
  ['a file without leave to be run', { text: '#!/bin/sh\n', mode: 0o644 }, { kind: 'not-executable' }],
  ['a script of Windows', { text: '#!/bin/sh\r\nls\r\n', mode: 0o755 }, { kind: 'windows-lines' }],
  ['a script for a shell that is there', { text: '#! /bin/sh -e\nls\n', mode: 0o755 }, undefined],
  ['a script for another', { text: '#!/bin/bash\n', mode: 0o755 }, { kind: 'interpreter', interpreter: '/bin/bash' }],
  ['text', { text: 'echo hello\n', mode: 0o755 }, { kind: 'no-format' }],
  ['nothing in it', { text: '', mode: 0o755 }, { kind: 'no-format' }],
  ['a program', linkedStatically(AMD64), undefined],
  ['one for another processor', linkedStatically(ARM64), { kind: 'machine', architecture: 'arm64' }],
  ['one whose loader is there', linkedTo('/lib/ld-musl-x86_64.so.1'), undefined],
  ['one whose loader is not', linkedTo('/lib64/ld-linux.so.2'), { kind: 'loader', loader: '/lib64/ld-linux.so.2' }],
])('what is wrong with %s', (_, file, flaw) => {
  const others = { 'bin/sh': 'x', 'lib/ld-musl-x86_64.so.1': 'x' };
  const facts = factsOf(file === undefined ? others : { ...others, 'src/run': file });
  expect(facts.flawOf('./run')).toEqual(flaw);
  expect(facts.flawOf('/src/run')).toEqual(flaw);
});

test('a folder, and links in circles, are no programs', () => {
  const facts = factsOf({ 'src/folder/': {}, 'src/a': { link: 'b' }, 'src/b': { link: 'a' } });
  expect(facts.flawOf('./folder')).toEqual({ kind: 'directory' });
  expect(facts.flawOf('./a')).toEqual({ kind: 'missing' });
});

test('a name is looked up in PATH, links within the image followed', () => {
  const facts = factsOf({ 'opt/tool': linkedStatically(ARM64), 'bin/tool': { link: '/opt/tool' } });
  expect(facts.flawOf('tool')).toEqual({ kind: 'machine', architecture: 'arm64' });
  expect(facts.flawOf('other')).toEqual({ kind: 'missing' });
});

test.each([
  ['ID=debian\n', 'debian'],
  ['NAME="Linux Mint"\nID=mint\nID_LIKE="ubuntu debian"\n', 'debian'],
  ['ID="alpine"\n', 'alpine'],
  ['ID="rocky"\nID_LIKE="rhel centos fedora"\n', 'fedora'],
  ['ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', 'suse'],
  ['ID=arch\n', 'arch'],
  ['ID=nixos\n', undefined],
])('the distribution by %j', (text, distribution) => {
  expect(
    factsOf({ 'etc/os-release': { link: '../usr/lib/os-release' }, 'usr/lib/os-release': text }).distribution,
  ).toBe(distribution);
});

test('nothing is known of an image without os-release', () => {
  expect(factsOf({}).distribution).toBeUndefined();
});

test('headers that lead out of the file are no loader', () => {
  const { bytes = new Uint8Array() } = linkedTo('/lib/x');
  for (const at of [32, 54, 56, 128, 152]) {
    const broken = Buffer.from(bytes);
    broken.fill(0xff, at, at + 2);
    expect(() => readElfHeader(broken)).not.toThrow();
  }
  expect(readElfHeader(Buffer.from(bytes).subarray(0, 40))).toBeUndefined();
});
