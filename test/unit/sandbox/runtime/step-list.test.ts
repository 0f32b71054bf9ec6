import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callProgram } from '../../../../src/sandbox/calls/call-program.js';
import { stepList } from '../../../../src/sandbox/runtime/step-list.js';
import type { RunSpec } from '../../../../src/sandbox/run-spec.js';
import type { StepEnd } from '../../../../src/sandbox/step-end.js';

let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-step-'));
  writeFileSync(join(place, 'program'), callProgram(process.arch), { mode: 0o700 });
});
afterAll(() => rmSync(place, { recursive: true }));

const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];

/** With no right but those that everybody may keep. */
function run(
  argv: RunSpec['argv'],
  { cwd = '/' }: { cwd?: string } = {},
): { end: StepEnd | undefined; output: string } {
  const env = { PATH: '/no/such:/usr/bin:/bin', A: 'one two', B: '' };
  const spec = { argv, env, cwd, limits: [], user: { uid, gid, groups: [] } } as unknown as RunSpec;
  const { message, endIn } = stepList({ spec, capabilities: ~0n, rights: { permitted: 0n, groups: 'fixed' } });
  const [list, answers] = [join(place, 'list'), join(place, 'answers')];
  writeFileSync(list, message);
  writeFileSync(answers, '');
  const [reading, writing] = [openSync(list, 'r'), openSync(answers, 'a')];
  const stdio = ['ignore', 'ignore', 'ignore', reading, writing, 'pipe', 'pipe', reading] as const;
  const { output } = spawnSync(join(place, 'program'), [], { stdio: [...stdio] });
  [reading, writing].forEach(closeSync);
  return { end: endIn(readFileSync(answers)), output: String(output[5]) };
}

test('starts the program with its arguments and variables, and no descriptor of process 1', () => {
  const script = 'umask; echo "$0|$1|$A|$B|"; for n in 3 4 5 6 7; do [ ! -e /proc/$$/fd/$n ] || echo $n; done; exit 3';
  const { end, output } = run(['sh', '-c', script, 'zero', 'an argument']);
  expect(end).toEqual({ type: 'ended', exitCode: 3, signal: null });
  expect(output).toBe('0022\nzero|an argument|one two||\n');
});

test('tells a signal from an exit code that looks like one', () => {
  expect(run(['sh', '-c', 'kill -TERM $$']).end).toEqual({ type: 'ended', exitCode: null, signal: 'SIGTERM' });
  expect(run(['sh', '-c', 'exit 143']).end).toEqual({ type: 'ended', exitCode: 143, signal: null });
});

test('says of a program that is not there, or is none, what a shell says', () => {
  expect(run(['no-such-program']).end).toMatchObject({ type: 'refused', exitCode: 127 });
  expect(run(['/etc']).end).toMatchObject({ type: 'refused', exitCode: 126, message: 'exec: "/etc": is a directory' });
});

test('says which call failed', () => {
  expect(() => run(['true'], { cwd: '/no/such' })).toThrow('cannot enter the working directory "/no/such": ENOENT');
});

test('knows of no end when it was never started, or was cut off', () => {
  const spec = { argv: ['true'], env: {}, cwd: '/', limits: [], user: { uid, gid, groups: [] } } as unknown as RunSpec;
  const { endIn } = stepList({ spec, capabilities: ~0n, rights: { permitted: 0n, groups: 'fixed' } });
  expect(endIn(Buffer.alloc(0))).toBeUndefined();
  expect(endIn(Buffer.alloc(100))).toBeUndefined();
});
