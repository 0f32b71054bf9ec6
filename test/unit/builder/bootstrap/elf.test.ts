import { closeSync, openSync, readSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readElf, type ReadAt } from '../../../../src/builder/bootstrap/elf.js';
import { elfFile } from './fake-host.js';
import { runs } from '../../../support/runs.js';

const from =
  (bytes: Buffer): ReadAt =>
  (offset, length) =>
    bytes.subarray(Math.min(offset, bytes.length), Math.min(offset + length, bytes.length));

const whole = {
  interpreter: '/lib64/ld-linux-x86-64.so.2',
  needed: ['liba.so.1', 'libc.so.6'],
  rpath: '/opt/a:/opt/b',
  runpath: '$ORIGIN/../lib::/opt/c',
};

describe('readElf()', () => {
  test('reads the loader, the libraries in order and both search paths', () => {
    expect(readElf(from(elfFile(whole)))).toEqual({
      kind: 'elf',
      machine: 'x86-64',
      interpreter: '/lib64/ld-linux-x86-64.so.2',
      needed: ['liba.so.1', 'libc.so.6'],
      rpath: ['/opt/a', '/opt/b'],
      runpath: ['$ORIGIN/../lib', '/opt/c'],
    });
  });

  test('a static program needs nothing', () => {
    const reading = readElf(from(elfFile({ machine: 183 })));
    expect(reading).toEqual({ kind: 'elf', machine: 'arm64', interpreter: null, needed: [], rpath: [], runpath: null });
  });

  test('an empty run path is not an absent one, for it switches DT_RPATH off', () => {
    expect(readElf(from(elfFile({ rpath: '/opt/a', runpath: '' })))).toMatchObject({ rpath: ['/opt/a'], runpath: [] });
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['a script', Buffer.from('#!/bin/sh\n')],
    ['text', Buffer.from('hello, world')],
  ])('%s is not ELF', (_name, bytes) => {
    expect(readElf(from(bytes))).toEqual({ kind: 'not-elf' });
  });

  const changed = (offset: number, value: number) => {
    const bytes = elfFile(whole);
    bytes[offset] = value;
    return bytes;
  };
  test.each([
    ['32 bits', changed(4, 1), /another machine/],
    ['big endian', changed(5, 2), /another machine/],
    ['another machine', changed(18, 8), /another machine/],
    ['a header cut off', elfFile(whole).subarray(0, 40), /another machine/],
    ['segments cut off', elfFile(whole).subarray(0, 100), /cut off/],
    ['segments of another size', changed(54, 57), /segment headers/],
    ['too many segments', changed(57, 255), /segments/],
    ['a string that never ends', elfFile(whole).subarray(0, -1), /string without end/],
  ])('%s is told as a reason', (_name, bytes, reason) => {
    const reading = readElf(from(bytes));
    expect(reading.kind).toBe('unusable');
    expect(reading.kind === 'unusable' && reading.reason).toMatch(reason);
  });

  test('never throws for what a file contains', () => {
    const base = elfFile(whole);
    const damage = fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { maxLength: 8 });
    fc.assert(
      fc.property(damage, fc.nat(base.length), (bytes, length) => {
        const damaged = Buffer.from(base.subarray(0, length));
        for (const [offset, value] of bytes) if (offset < length) damaged[offset] = value;
        expect(['elf', 'not-elf', 'unusable']).toContain(readElf(from(damaged)).kind);
      }),
      { numRuns: runs(2000) },
    );
  });

  test('reads a real program: the one that runs this test', () => {
    const descriptor = openSync(process.execPath, 'r');
    try {
      const reading = readElf((offset, length) => {
        const buffer = Buffer.alloc(length);
        return buffer.subarray(0, readSync(descriptor, buffer, 0, length, offset));
      });
      expect(reading).toMatchObject({ kind: 'elf', machine: process.arch === 'x64' ? 'x86-64' : 'arm64' });
    } finally {
      closeSync(descriptor);
    }
  });
});
