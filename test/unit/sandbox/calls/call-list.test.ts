import { expect, test } from 'vitest';
import { CallList, type EncodedList } from '../../../../src/sandbox/calls/call-list.js';
import { callNumber } from '../../../../src/sandbox/calls/call-numbers.js';
import { CALL_END, CALL_FINISH, RECORD } from '../../../../src/sandbox/calls/call-program.js';

interface Decoded {
  readonly number: number;
  readonly kinds: number;
  readonly tag: number;
  readonly args: readonly number[];
  readonly tolerated: bigint;
  readonly afterTolerated: number;
  readonly afterZero: number;
}

function records({ bytes }: EncodedList, count: number): Decoded[] {
  return Array.from({ length: count }, (_, index) => {
    const at = index * RECORD.bytes;
    return {
      number: bytes.readUInt32LE(at),
      kinds: bytes.readUInt16LE(at + 4),
      tag: bytes.readUInt16LE(at + 6),
      args: Array.from({ length: 6 }, (_, position) => Number(bytes.readBigInt64LE(at + 8 + position * 8))),
      tolerated: bytes.readBigUInt64LE(at + 56),
      afterTolerated: bytes.readUInt32LE(at + 64) / RECORD.bytes,
      afterZero: bytes.readUInt32LE(at + 68) / RECORD.bytes,
    };
  });
}

test('a call is a record with its number, its arguments and what comes next', () => {
  const calls = new CallList('x64');
  calls.call('umask', [0o22]);
  calls.call('chdir', [-1, 0xffff_ffff_ffffn], { tolerate: ['EPERM', 'ENOENT'] });
  const [first, second, end] = records(calls.encode(), 3);
  expect(first).toEqual({
    number: 95,
    kinds: 0,
    tag: 0,
    args: [0o22, 0, 0, 0, 0, 0],
    tolerated: 0n,
    afterTolerated: 1,
    afterZero: 1,
  });
  expect(second).toMatchObject({ number: 80, tag: 1, args: [-1, 0xffff_ffff_ffff, 0, 0, 0, 0], tolerated: 0b110n });
  expect(end?.number).toBe(CALL_END);
});

test('what goes with a list follows its records: first what calls write to, which is answered, then all else', () => {
  const calls = new CallList();
  const name = calls.text('/a');
  const space = calls.space(3);
  const table = calls.data(Buffer.alloc(16), [[8, name]]);
  calls.call('readlinkat', [1, name, space, table]);
  const encoded = calls.encode();
  const start = 2 * RECORD.bytes;
  expect(records(encoded, 1)[0]?.args.slice(1, 4)).toEqual(
    [8, 0, 16].map((offset) => encoded.address + start + offset),
  );
  expect(encoded.bytes.subarray(start + 8, start + 11).toString()).toBe('/a\0');
  expect(Number(encoded.bytes.readBigUInt64LE(start + 24))).toBe(encoded.address + start + 8);
  expect(encoded.answeredBytes).toBe(start + 8);
  expect(encoded.startOf(space)).toBe(start);
});

test('results of earlier calls, and numbers that they have put somewhere, are taken from where they will be', () => {
  const calls = new CallList();
  const pair = calls.space(8);
  const first = calls.call('pipe2', [pair, 0]);
  calls.call('close', [{ resultOf: first }]);
  calls.call('close', [{ intAt: pair, offset: 4 }]);
  const encoded = calls.encode();
  const [, second, third] = records(encoded, 3);
  expect(second).toMatchObject({ kinds: 1, args: [encoded.address + RECORD.result, 0, 0, 0, 0, 0] });
  expect(third).toMatchObject({ kinds: 2, args: [encoded.address + encoded.startOf(pair) + 4, 0, 0, 0, 0, 0] });
});

test('labels and calls beside the path are places in the list', () => {
  const calls = new CallList();
  const after = calls.label();
  const aside = calls.aside(() => {
    calls.call('setsid', []);
  });
  calls.call('chdir', [0], { onZero: after, tolerate: ['ENOENT'], otherwise: aside });
  calls.call('umask', [0]);
  calls.place(after);
  const decoded = records(calls.encode(), 5);
  expect(decoded[0]).toMatchObject({ afterZero: 2, afterTolerated: 3 });
  expect(decoded.map(({ number }) => number).slice(2)).toEqual([
    CALL_END,
    callNumber('setsid', process.arch),
    CALL_FINISH,
  ]);
});

test('an error belongs to what was being done, and to the call that failed', () => {
  const calls = new CallList();
  calls.during('enter the house', () => {
    calls.call('chdir', [0]);
  });
  calls.call('umask', [0]);
  const { failureOf } = calls.encode();
  expect(failureOf(0)?.('ENOENT')).toMatchObject({ code: 'SANDBOX_FAILED', message: 'cannot enter the house: ENOENT' });
  expect(failureOf(1)?.('EPERM').message).toBe('cannot set up the sandbox: EPERM');
});

test.each([
  ['a string with a NUL', () => new CallList().text('a\0b')],
  [
    'a label that is nowhere',
    () => {
      const calls = new CallList();
      calls.call('umask', [0], { onZero: calls.label() });
      calls.encode();
    },
  ],
  [
    'memory of another list',
    () => {
      const calls = new CallList();
      calls.call('chdir', [new CallList().text('/')]);
      calls.encode();
    },
  ],
  [
    'an error that has no bit',
    () => {
      const calls = new CallList();
      calls.call('umask', [0], { tolerate: ['EUCLEAN'] });
      calls.encode();
    },
  ],
])('%s is a mistake', (_, act) => {
  expect(act).toThrow('internal error');
});
