import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import type * as ContentDigesterModule from '../../src/layers/compression/content-digester.js';
import type * as OpenInflaterModule from '../../src/layers/compression/inflate/open-inflater.js';
import { digestOf } from '../../src/oci/digest.js';

const DIST = new URL('../../dist/layers/compression/', import.meta.url);
if (!existsSync(DIST)) throw new Error('threads run what is built: run npm run build first');
const { createContentDigester } = (await import(
  new URL('content-digester.js', DIST).href
)) as typeof ContentDigesterModule;

const folder = mkdtempSync(join(tmpdir(), 'content-digest-threads-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

// More than the slots between two threads hold.
const content = Buffer.from(Array.from({ length: 700_000 }, (_, at) => (at * at) >> 5).join(' '));
const compressed = gzipSync(content);

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

test('what is built inflates in WebAssembly, in the library and beside the command line', async () => {
  const { openInflater } = (await import(new URL('inflate/open-inflater.js', DIST).href)) as typeof OpenInflaterModule;
  using inflater = openInflater();
  expect(inflater?.constructor.name).toBe('WasmInflater');
  expect([...(inflater?.push(deflateRawSync('abc')) ?? [])].join('')).toBe('abc');
  expect(existsSync(new URL('../../dist/bin/inflate.wasm', import.meta.url))).toBe(true);
});

describe.each([false, true])('a thread digests the content of files (in another one: %s):', (apart) => {
  test('one after the other', async () => {
    await using digester = createContentDigester({ threads: 2 });
    const path = file('good', compressed);
    const digested = [1, 2, 3].map(async () => digester.digest({ path, algorithm: 'sha256', apart }));
    const expected = { digest: digestOf(content), size: content.length };
    expect(await Promise.all(digested)).toEqual([expected, expected, expected]);
    const empty = file('empty', gzipSync(''));
    expect((await digester.digest({ path: empty, algorithm: 'sha256', apart })).digest).toBe(digestOf(''));
  });

  test('and says of a damaged one what is wrong with it, and goes on', async () => {
    await using digester = createContentDigester({ threads: 1 });
    const damaged = Buffer.from(compressed);
    damaged.fill(0xff, damaged.length - 1000, damaged.length - 900);
    const path = file('damaged', damaged);
    const refused = digester.digest({ path, algorithm: 'sha256', apart });
    await expect(refused).rejects.toMatchObject({ code: 'LAYER_INVALID' });
    const good = file('good', compressed);
    expect((await digester.digest({ path: good, algorithm: 'sha512', apart })).size).toBe(content.length);
  });

  test('until it is stopped', async () => {
    await using digester = createContentDigester({ threads: 1 });
    const member = gzipSync(Buffer.alloc(16 << 20), { level: 1 });
    const path = file('endless', Buffer.concat(Array<Buffer>(100).fill(member)));
    const stop = new AbortController();
    const digesting = digester.digest({ path, algorithm: 'sha256', apart }, { signal: stop.signal });
    setTimeout(() => {
      stop.abort();
    }, 100);
    await expect(digesting).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
