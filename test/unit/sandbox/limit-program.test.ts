import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  ['x64', 62, 302],
  ['arm64', 183, 261],
])('for %s it is an ELF file with the table at its end', (architecture, machine, prlimit64) => {
  const file = Buffer.from(limitProgram(architecture, [{ name: 'nofile', soft: 1, hard: Infinity }]));
  expect(file.readUInt16LE(18)).toBe(machine);
  // How many calls; prlimit64(0, RLIMIT_NOFILE, …, 0); the limit; what is written to entrances.
  const table = file.subarray(-57);
  const address = 0x400000 + file.length - 17;
  const words = Array.from({ length: 7 }, (_, index) => Number(table.readBigUInt64LE(index * 8)));
  expect(words).toEqual([1, prlimit64, 0, 7, address, 1, 2 ** 64]);
  expect(table.toString('latin1', 56)).toBe('0');
  // The table is where the code looks for it: on a boundary of eight bytes is not needed, right behind it is.
  expect(Number(file.readBigUInt64LE(64 + 32))).toBe(file.length);
});

test('enters what it is given first, and closes it', () => {
  const entrances = [join(place, 'first'), join(place, 'second')];
  for (const path of entrances) writeFileSync(path, '');
  const descriptors = entrances.map((path) => openSync(path, 'w'));
  const entering = join(place, 'entering');
  const limits = [{ name: 'nofile', soft: 55, hard: 66 }];
  writeFileSync(entering, limitProgram(process.arch, limits, [3, 4]), { mode: 0o700 });
  const { stdout, status } = spawnSync(
    entering,
    ['sh', '-c', 'ulimit -n; ls -l /proc/$$/fd | grep -c -e first -e second'],
    {
      argv0: '/bin/sh',
      stdio: ['ignore', 'pipe', 'ignore', ...descriptors],
      encoding: 'utf8',
    },
  );
  descriptors.forEach(closeSync);
  expect({ stdout, status }).toEqual({ stdout: '55\n0\n', status: 1 });
  expect(entrances.map((path) => readFileSync(path, 'latin1'))).toEqual(['0', '0']);
});

test('ends with 126 when it may not enter', () => {
  const entering = join(place, 'shut');
  writeFileSync(entering, limitProgram(process.arch, [], [3]), { mode: 0o700 });
  // Nothing is open there.
  expect(spawnSync(entering, ['sh', '-c', 'exit 0'], { argv0: '/bin/sh' }).status).toBe(126);
});
