import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CallList, messageOf, type EncodedList } from '../../../../src/sandbox/calls/call-list.js';
import { CALL_DESCRIPTORS, callProgram, RECORD } from '../../../../src/sandbox/calls/call-program.js';
import { requirement } from '../../../support/require.js';

const EMULATOR = 'qemu-aarch64-static';

describe.each([
  ['x64', 62],
  ['arm64', 183],
] as const)('the call program for %s', (architecture, machine) => {
  const native = architecture === process.arch;
  const emulated = architecture === 'arm64' && !native;
  const runs = native || (emulated && spawnSync(EMULATOR, ['--version']).status === 0);
  const { skip, reason } = requirement(
    'qemu',
    runs,
    `${EMULATOR} is not installed, or cannot run programs for ${architecture}`,
  );
  let place: string;
  beforeAll(() => {
    place = mkdtempSync(join(tmpdir(), 'tsbuild-calls-'));
    writeFileSync(join(place, 'program'), callProgram(architecture), { mode: 0o700 });
  });
  afterAll(() => rmSync(place, { recursive: true }));

  /** All that it answers to lists, and how it ends. */
  async function tell(...lists: readonly EncodedList[]): Promise<{ readonly answer: Buffer; readonly code: unknown }> {
    const program = join(place, 'program');
    const [file, args] = native ? [program, []] : [EMULATOR, [program]];
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const [input, output] = [
      child.stdio[CALL_DESCRIPTORS.lists] as Writable,
      child.stdio[CALL_DESCRIPTORS.answers] as Readable,
    ];
    for (const list of lists) input.write(messageOf(list));
    input.end();
    const chunks: Buffer[] = [];
    for await (const chunk of output as AsyncIterable<Buffer>) chunks.push(chunk);
    return { answer: Buffer.concat(chunks), code: await ended };
  }

  const resultAt = (answer: Buffer, index: number): number =>
    Number(answer.readBigInt64LE(index * RECORD.bytes + RECORD.result));

  test('is an ELF file of less than 600 bytes that maps itself readable and executable', () => {
    const file = Buffer.from(callProgram(architecture));
    expect(file.toString('latin1', 0, 7)).toBe('\x7fELF\x02\x01\x01');
    expect(file.readUInt16LE(18)).toBe(machine);
    expect(Number(file.readBigUInt64LE(64 + 32))).toBe(file.length);
    expect(file.readUInt32LE(64 + 4)).toBe(5);
    expect(file.length).toBeLessThan(600);
  });

  test('makes calls in order, passes results on, and ends with its input', async (context) => {
    if (skip) context.skip(reason);
    const calls = new CallList(architecture);
    const pair = calls.space(8);
    const read = calls.space(8);
    const word = calls.text('words');
    calls.call('umask', [0o123]);
    calls.call('umask', [0]);
    calls.call('pipe2', [pair, 0]);
    calls.call('write', [{ intAt: pair, offset: 4 }, word, 5]);
    const got = calls.call('read', [{ intAt: pair, offset: 0 }, read, 8]);
    calls.call('write', [CALL_DESCRIPTORS.answers, read, { resultOf: got }]);
    calls.answer();
    const encoded = calls.encode();
    const { answer, code } = await tell(encoded);
    expect(answer.toString('latin1', 0, 5)).toBe('words');
    expect(resultAt(answer.subarray(5), 1)).toBe(0o123);
    expect(answer.length).toBe(5 + encoded.answeredBytes);
    expect(code).toBe(0);
  });

  test('goes where a result of zero or a tolerated error sends it', async (context) => {
    if (skip) context.skip(reason);
    const calls = new CallList(architecture);
    const [missing, done] = [calls.label(), calls.label()];
    calls.call('chdir', [calls.text('/no/such')], { tolerate: ['ENOENT'], otherwise: missing });
    calls.call('exit_group', [99]);
    calls.place(missing);
    calls.call('chdir', [calls.text('/')], { onZero: done });
    calls.call('exit_group', [98]);
    calls.place(done);
    calls.answer();
    const { answer, code } = await tell(calls.encode());
    expect(resultAt(answer, 0)).toBe(-constants.errno.ENOENT);
    expect(code).toBe(0);
  });

  test('tells of the call that failed, makes none after it, and waits for its children', async (context) => {
    if (skip) context.skip(reason);
    const calls = new CallList(architecture);
    const pair = calls.space(8);
    calls.call('pipe2', [pair, 0]);
    const inside = calls.aside(() => {
      calls.call('write', [CALL_DESCRIPTORS.answers, calls.text('child'), 5]);
    });
    calls.call('clone', [17, 0, 0, 0, 0], { onZero: inside });
    calls.call('close', [{ intAt: pair, offset: 4 }]);
    // Until the child has ended.
    calls.call('read', [{ intAt: pair, offset: 0 }, calls.space(8), 1]);
    calls.call('chdir', [calls.text('/no/such')], { tolerate: ['EPERM'] });
    calls.call('write', [CALL_DESCRIPTORS.answers, calls.text('never'), 5]);
    const { answer, code } = await tell(calls.encode());
    expect(answer.toString('latin1', 0, 5)).toBe('child');
    const record = answer.subarray(5);
    expect(record.length).toBe(RECORD.bytes);
    expect(record.readUInt16LE(RECORD.tag)).toBe(4);
    expect(resultAt(record, 0)).toBe(-constants.errno.ENOENT);
    expect(code).toBe(0);
  });

  test('takes one list after the other, in place of the one before, however large', async (context) => {
    if (skip) context.skip(reason);
    const lists = ['first', 'x'.repeat(300_000), 'third'].map((text) => {
      const calls = new CallList(architecture);
      const word = calls.text(text);
      calls.call('write', [CALL_DESCRIPTORS.answers, word, 5]);
      return calls.encode();
    });
    const { answer, code } = await tell(...lists);
    expect(answer.toString()).toBe('firstxxxxxthird');
    expect(code).toBe(0);
  });
});
