import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, type Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DirectOutput, directTarget } from '../../../src/cli/direct-output.js';
import { print, writableOf } from '../../../src/cli/output-stream.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsbuild-direct-output-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const failure = (code: string): Error => Object.assign(new Error(code), { code });

/** A reader that takes so many bytes of each write, `null` standing for one that takes none; and what it and the stream have got. */
function output(takes: readonly (number | null)[], limit = Infinity) {
  const got: Buffer[] = [];
  const pending = [...takes];
  let opened = 0;
  const stream = new PassThrough();
  stream.on('data', (chunk: Buffer) => got.push(chunk));
  const open = (): Writable => {
    opened += 1;
    return stream;
  };
  const target = new DirectOutput({ descriptor: 1, limit }, open, (_descriptor, bytes) => {
    const takes = pending.length === 0 ? bytes.length : pending.shift();
    if (takes === undefined || takes === null) throw failure('EAGAIN');
    const taken = bytes.subarray(0, takes);
    got.push(Buffer.from(taken));
    return taken.length;
  });
  return { target, text: () => Buffer.concat(got).toString(), opened: () => opened };
}

describe('what is written at once', () => {
  test('needs no stream', async () => {
    const { target, text, opened } = output([]);
    await print(target, 'one ');
    target.write('two ');
    await print(target, Buffer.from('three'));
    expect([text(), opened()]).toEqual(['one two three', 0]);
  });

  test('goes on where a reader took a part', async () => {
    const { target, text, opened } = output([2, 1]);
    await print(target, 'äöü');
    expect([text(), opened()]).toEqual(['äöü', 0]);
  });

  test('is neither lost nor out of order, whatever a reader takes and whoever asks for the stream', async () => {
    const takes = fc.array(fc.option(fc.integer({ min: 1, max: 5 })), { maxLength: 6 });
    const texts = fc.array(fc.string({ maxLength: 12, unit: 'grapheme' }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(takes, texts, fc.nat(20), fc.nat(10), async (takes, texts, limit, asked) => {
        const { target, text, opened } = output(takes, limit);
        const written = texts.map((each, at) => {
          if (at === asked) writableOf(target);
          return print(target, each);
        });
        await Promise.all(written);
        await turn();
        expect(text()).toBe(texts.join(''));
        expect(opened()).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('is done after the call, as with a stream', async () => {
    const { target } = output([]);
    const order: string[] = [];
    const done = new Promise<void>((resolve) => {
      target.write('text', () => {
        order.push('done');
        resolve();
      });
    });
    order.push('called');
    await done;
    expect(order).toEqual(['called', 'done']);
  });

  test.each([
    ['EPIPE', { code: 'EPIPE' }],
    ['ENOSPC', { code: 'DISK_FULL' }],
    ['EIO', { code: 'OUTPUT_FAILED' }],
  ])('reports %s to who waits for it', async (code, expected) => {
    const target = new DirectOutput(
      { descriptor: 1, limit: Infinity },
      () => new PassThrough(),
      () => {
        throw failure(code);
      },
    );
    target.write('nobody waits for this');
    await expect(print(target, 'text')).rejects.toMatchObject(expected);
  });
});

describe('what can be written to directly', () => {
  test('is a file', () => {
    const descriptor = openSync(join(folder, 'file'), 'w');
    try {
      expect(directTarget(descriptor)).toEqual({ descriptor, limit: Infinity });
      const open = (): Writable => {
        throw new Error('a file needs no stream');
      };
      const target = new DirectOutput({ descriptor, limit: Infinity }, open);
      target.write('content');
      expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('content');
    } finally {
      closeSync(descriptor);
    }
  });

  test('is /dev/null', () => {
    const descriptor = openSync('/dev/null', 'w');
    try {
      expect(directTarget(descriptor)).toEqual({ descriptor, limit: Infinity });
    } finally {
      closeSync(descriptor);
    }
  });

  test('is no folder, and no terminal', () => {
    const descriptor = openSync(folder, 'r');
    const terminals = openSync('/dev/ptmx', 'r+');
    try {
      expect([directTarget(descriptor), directTarget(terminals)]).toEqual([undefined, undefined]);
    } finally {
      closeSync(descriptor);
      closeSync(terminals);
    }
  });
});
