import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callProgram } from '../../../../src/sandbox/calls/call-program.js';
import { stepList } from '../../../../src/sandbox/runtime/step-list.js';
import type { RunSpec } from '../../../../src/sandbox/run-spec.js';
import type { StepEnd } from '../../../../src/sandbox/step/step-end.js';

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
  { cwd = '/', searchPath = '/no/such:/usr/bin:/bin' }: { cwd?: string; searchPath?: string | null } = {},
): { end: StepEnd | undefined; output: string } {
  const env = { ...(searchPath === null ? {} : { PATH: searchPath }), A: 'one two', B: '' };
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

const ended = (exitCode: number): StepEnd => ({ type: 'ended', exitCode, signal: null });

test('starts the program with its arguments and variables, and no descriptor of process 1', () => {
  const script = 'umask; echo "$0|$1|$A|$B|"; for n in 3 4 5 6 7; do [ ! -e /proc/$$/fd/$n ] || echo $n; done; exit 3';
  const { end, output } = run(['sh', '-c', script, 'zero', 'an argument']);
  expect(end).toEqual(ended(3));
  expect(output).toBe('0022\nzero|an argument|one two||\n');
});

test('tells a signal from an exit code that looks like one', () => {
  expect(run(['sh', '-c', 'kill -TERM $$']).end).toEqual({ type: 'ended', exitCode: null, signal: 'SIGTERM' });
  expect(run(['sh', '-c', 'exit 143']).end).toEqual(ended(143));
});

describe('the program that a name stands for', () => {
  const script = '#!/bin/sh\necho "$0"\n';
  beforeAll(() => {
    for (const directory of ['a', 'b', 'a/dir']) mkdirSync(join(place, directory));
    for (const [file, mode] of [
      ['a/plain', 0o644],
      ['b/plain', 0o755],
      ['a/only-plain', 0o644],
      ['b/tool', 0o755],
    ] as const) {
      writeFileSync(join(place, file), script, { mode });
    }
    writeFileSync(join(place, 'b/text'), 'echo hello\n', { mode: 0o755 });
    symlinkSync('nowhere', join(place, 'a/dangling'));
  });
  const search = (name: string): ReturnType<typeof run> =>
    run([name], { searchPath: `${place}/a:${place}/none::${place}/b` });

  test.each(['plain', 'tool'])('is the first executable file of that name: "%s"', (name) => {
    expect(search(name)).toEqual({ end: ended(0), output: `${join(place, 'b', name)}\n` });
  });

  test.each(['missing', 'dir', 'dangling', ''])('"%s": none', (name) => {
    const message = `exec: "${name}": executable file not found in $PATH`;
    expect(search(name).end).toEqual({ type: 'refused', exitCode: 127, message });
  });

  test.each([
    ['only-plain', 126, 'permission denied'],
    ['text', 126, 'exec format error'],
    ['/etc', 126, 'is a directory'],
    ['/no/such', 127, 'no such file or directory'],
    ['/etc/passwd/x', 127, 'no such file or directory'],
  ])('"%s": none that can be used', (name, exitCode, words) => {
    expect(search(name).end).toMatchObject({ type: 'refused', exitCode, message: expect.stringContaining(words) });
  });

  test('is none without a PATH', () => {
    expect(run(['sh'], { searchPath: null }).end).toMatchObject({ type: 'refused', exitCode: 127 });
  });
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
