import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { interpret } from './interpret-filter.js';
import { OUTCOME } from '../../../../src/sandbox/seccomp/bpf.js';
import { dockerSeccompFilter } from '../../../../src/sandbox/seccomp/docker-filter.js';
import { syscallNumbers, type InstructionSet } from '../../../../src/sandbox/seccomp/syscall-table.js';

const AUDIT = { x86_64: 0xc000003e, i386: 0x40000003, aarch64: 0xc00000b7, arm: 0x40000028 } as const;
const NODE = { x86_64: 'x64', i386: 'x64', aarch64: 'arm64', arm: 'arm64' } as const;

const PROGRAMS = { x64: dockerSeccompFilter('x64'), arm64: dockerSeccompFilter('arm64') } as const;

function judge(set: InstructionSet, number: number, first?: number): string {
  const program = PROGRAMS[NODE[set]];
  const outcome = interpret(program, { number, architecture: AUDIT[set], ...(first === undefined ? {} : { first }) });
  return Object.entries(OUTCOME).find(([, value]) => value === outcome)?.[0] ?? String(outcome);
}

function call(set: InstructionSet, name: string, first?: number): string {
  const number = syscallNumbers(set).get(name);
  if (number === undefined) throw new Error(`${set} has no ${name}`);
  return judge(set, number, first);
}

const SETS = ['x86_64', 'i386', 'aarch64', 'arm'] as const;
const CONDITIONAL = ['clone', 'clone3', 'socket', 'personality'];

describe.each(SETS)("Docker's seccomp filter for %s", (set) => {
  test('lets every call of the profile through', () => {
    const refused = [...syscallNumbers(set)].filter(
      ([name, number]) => !CONDITIONAL.includes(name) && judge(set, number) !== 'allow',
    );
    expect(refused).toEqual([]);
  });

  test('refuses every known number that the profile does not have, and says of later ones that they are not there', () => {
    const known = new Set(syscallNumbers(set).values());
    for (let number = 0; number < 600; number += 1) {
      if (!known.has(number)) expect(judge(set, number)).toBe(number <= 469 ? 'notPermitted' : 'notImplemented');
    }
    expect(judge(set, 0xffffffff)).toBe('notImplemented');
  });

  test('lets threads be made, and no namespaces', () => {
    const threads = 0x3d0f00;
    expect(call(set, 'clone', threads)).toBe('allow');
    for (const bit of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]) {
      expect(call(set, 'clone', threads | bit)).toBe('notPermitted');
    }
    expect(call(set, 'clone3')).toBe('notImplemented');
  });

  test('lets the internet through, and neither AF_ALG nor AF_VSOCK', () => {
    expect([1, 2, 10, 16, 37, 39, 41].map((family) => call(set, 'socket', family))).toEqual(Array(7).fill('allow'));
    expect([38, 40].map((family) => call(set, 'socket', family))).toEqual(['notPermitted', 'notPermitted']);
  });

  test('lets a program ask for its personality, and not switch off the randomness of addresses', () => {
    expect([0, 8, 0x20000, 0x20008, 0xffffffff].map((value) => call(set, 'personality', value))).toEqual(
      Array(5).fill('allow'),
    );
    expect(call(set, 'personality', 0x40000)).toBe('notPermitted');
  });

  test('has none of the calls that only an administrator has', () => {
    const forbidden = [
      'mount',
      'umount2',
      'unshare',
      'setns',
      'pivot_root',
      'bpf',
      'keyctl',
      'io_uring_setup',
      'open_by_handle_at',
    ];
    expect(forbidden.filter((name) => syscallNumbers(set).has(name))).toEqual([]);
  });
});

test('kills what is of another instruction set', () => {
  const program = dockerSeccompFilter('x64');
  expect(interpret(program, { number: 0, architecture: AUDIT.aarch64 })).toBe(OUTCOME.kill);
});

test('stays far below the 4096 instructions that the kernel takes', () => {
  expect(dockerSeccompFilter('x64').length / 8).toBeLessThan(1000);
  expect(dockerSeccompFilter('arm64').length / 8).toBeLessThan(1000);
});

test.each([
  ['x86_64', '/usr/include/x86_64-linux-gnu/asm/unistd_64.h'],
  ['i386', '/usr/include/x86_64-linux-gnu/asm/unistd_32.h'],
  ['aarch64', '/usr/include/asm-generic/unistd.h'],
] as const)("the numbers for %s are those of the kernel's headers", (set, header) => {
  if (!existsSync(header)) return expect.soft(syscallNumbers(set).get('read')).toBeDefined();
  const text = readFileSync(header, 'utf8');
  const defined = new Map(
    [...text.matchAll(/#define __NR(?:3264)?_(\w+) (\d+)$/gm)].map(([, name, number]) => [name, Number(number)]),
  );
  const wrong = [...syscallNumbers(set)].filter(([name, number]) => defined.has(name) && defined.get(name) !== number);
  expect(wrong).toEqual([]);
  expect([...syscallNumbers(set).keys()].filter((name) => defined.has(name)).length).toBeGreaterThan(200);
});
