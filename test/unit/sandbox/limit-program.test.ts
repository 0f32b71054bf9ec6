import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limitProgram } from '../../../src/sandbox/limit-program.js';

let place: string;
let program: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-limits-'));
  program = join(place, 'limits');
  const limits = [
    { name: 'nofile', soft: 33, hard: 44 },
    { name: 'core', soft: 0, hard: 0 },
  ];
  writeFileSync(program, limitProgram(process.arch, limits), { mode: 0o700 });
});
afterAll(() => rmSync(place, { recursive: true }));

test('sets limits and becomes the program, with its name, arguments and environment', () => {
  const script = 'ulimit -n; ulimit -Hn; ulimit -c; echo $0 $1 $A';
  const { stdout, status } = spawnSync(program, ['name', '-c', script, 'zero', 'one'], {
    argv0: '/bin/sh',
    env: { A: 'a' },
    encoding: 'utf8',
  });
  expect({ stdout, status }).toEqual({ stdout: '33\n44\n0\nzero one a\n', status: 0 });
});

test('ends with 126 when there is no such program, and when a limit cannot be set', () => {
  expect(spawnSync(program, ['x'], { argv0: '/no/such' }).status).toBe(126);
  const raised = join(place, 'raised');
  writeFileSync(raised, limitProgram(process.arch, [{ name: 'nofile', soft: 2, hard: 1 }]), { mode: 0o700 });
  expect(spawnSync(raised, ['sh', '-c', 'exit 0'], { argv0: '/bin/sh' }).status).toBe(126);
});

test.each([
  ['x64', 62],
  ['arm64', 183],
])('for %s it is an ELF file with the table at its end', (architecture, machine) => {
  const file = Buffer.from(limitProgram(architecture, [{ name: 'nofile', soft: 1, hard: Infinity }]));
  expect(file.readUInt16LE(18)).toBe(machine);
  const table = file.subarray(-32);
  expect([0, 8, 16, 24].map((offset) => table.readBigUInt64LE(offset))).toEqual([1n, 7n, 1n, 2n ** 64n - 1n]);
  // The table is where the code looks for it: on a boundary of eight bytes is not needed, right behind it is.
  expect(Number(file.readBigUInt64LE(64 + 32))).toBe(file.length);
});
