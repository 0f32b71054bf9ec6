import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  parseStepReport,
  stepProgram,
  type StepCall,
  type StepReport,
} from '../../../../src/sandbox/runtime/step-program.js';

let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-step-'));
});
afterAll(() => rmSync(place, { recursive: true }));

const texts = (...words: string[]): StepCall['arguments'][number] => ({
  strings: words.map((each) => Buffer.from(each)),
});
const start = (path: string, ...argv: string[]): StepCall => ({
  name: 'execve',
  arguments: [Buffer.from(`${path}\0`), texts(...argv), texts('A=one two', 'B=')],
});

function run(calls: readonly StepCall[]): { readonly report: StepReport; readonly output: string } {
  const [program, status] = [join(place, 'program'), join(place, 'status')];
  writeFileSync(program, stepProgram(process.arch, calls), { mode: 0o700 });
  writeFileSync(status, '');
  const descriptor = openSync(status, 'a');
  const { output } = spawnSync(program, [], { stdio: ['ignore', 'pipe', 'pipe', 'ignore', descriptor, 'pipe'] });
  closeSync(descriptor);
  return { report: parseStepReport(process.arch, readFileSync(status)), output: String(output[5]) };
}

test('makes its calls in order, the last of which starts the program with its arguments and variables', () => {
  const calls = [
    { name: 'umask', arguments: [0o027] },
    { name: 'dup3', arguments: [5, 1, 0] },
    start('/bin/sh', 'name', '-c', 'umask; echo "$0|$1|$A|$B|"; exit 3', 'zero', 'an argument'),
  ];
  expect(run(calls)).toEqual({
    report: { type: 'ended', exitCode: 3, signalNumber: null },
    output: '0027\nzero|an argument|one two||\n',
  });
});

test('tells a signal from an exit code that looks like one', () => {
  expect(run([start('/bin/sh', 'sh', '-c', 'kill -TERM $$')]).report).toEqual({
    type: 'ended',
    exitCode: null,
    signalNumber: 15,
  });
  expect(run([start('/bin/sh', 'sh', '-c', 'exit 143')]).report).toMatchObject({ exitCode: 143, signalNumber: null });
});

test('says which call failed, and why', () => {
  const calls = [{ name: 'setsid', arguments: [] }, start('/no/such', 'x'), { name: 'umask', arguments: [0] }];
  expect(run(calls).report).toEqual({ type: 'failed', call: 1, errno: 2 });
});

test('what was never started says nothing', () => {
  expect(parseStepReport('x64', Buffer.alloc(0))).toEqual({ type: 'silent' });
});

test.each([
  ['x64', 62, 59n],
  ['arm64', 183, 221n],
])('for %s it is an ELF file with the table right behind the code', (architecture, machine, execve) => {
  const calls = [start('/bin/true', 'true')];
  const file = Buffer.from(stepProgram(architecture, calls));
  expect(file.readUInt16LE(18)).toBe(machine);
  const table = file.indexOf(Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, Number(execve), 0, 0, 0, 0, 0, 0, 0]), 120);
  const loaded = Number(file.readBigUInt64LE(64 + 16));
  const [path, argv] = [0, 8].map((offset) => Number(file.readBigUInt64LE(table + 16 + offset)) - loaded);
  expect(file.toString('latin1', path, file.indexOf(0, path))).toBe('/bin/true');
  const first = Number(file.readBigUInt64LE(argv ?? 0)) - loaded;
  expect(file.toString('latin1', first, file.indexOf(0, first))).toBe('true');
  expect(file.readBigUInt64LE((argv ?? 0) + 8)).toBe(0n);
});
