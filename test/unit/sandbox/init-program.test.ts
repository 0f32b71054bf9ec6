import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { initProgram } from '../../../src/sandbox/init-program.js';

test.each([
  ['x64', 62],
  ['arm64', 183],
])('the program for %s is an ELF file that maps itself readable and executable', (architecture, machine) => {
  const file = Buffer.from(initProgram(architecture));
  expect(file.toString('latin1', 0, 7)).toBe('\x7fELF\x02\x01\x01');
  expect(file.readUInt16LE(18)).toBe(machine);
  const [entry, address] = [Number(file.readBigUInt64LE(24)), Number(file.readBigUInt64LE(64 + 16))];
  expect(entry - address).toBe(120);
  expect(Number(file.readBigUInt64LE(64 + 32))).toBe(file.length);
  expect(file.readUInt32LE(64 + 4)).toBe(5);
  expect(file.includes('proc\0')).toBe(true);
});

test('where it cannot mount it ends with errno, and says nothing', () => {
  const place = mkdtempSync(join(tmpdir(), 'tsbuild-init-'));
  try {
    const program = join(place, 'init');
    writeFileSync(program, initProgram(process.arch), { mode: 0o700 });
    const { status, stdout } = spawnSync(program, { cwd: place });
    expect(status).toBe(constants.errno.ENOENT);
    expect(stdout).toHaveLength(0);
  } finally {
    rmSync(place, { recursive: true });
  }
});
