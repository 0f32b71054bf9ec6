import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decompress } from '../../../../src/layers/compression/decompress.js';
import { digestOf } from '../../../../src/oci/digest.js';
import { collectBytes, inChunks } from '../../../support/byte-source.js';
import { layerTar, zstdFrame } from '../../../support/sample-images.js';

const END_OF_TAR = 1024;
const toc = Buffer.from(JSON.stringify({ version: 1, entries: [{ name: 'a', type: 'reg', size: 1 }] }));

/** A tar's members, without its end. */
async function member(name: string, content: Uint8Array): Promise<Buffer> {
  return (await layerTar({ [name]: content })).subarray(0, -END_OF_TAR);
}

/** stargz-snapshotter, docs/estargz.md: each file is a gzip member, then the table of contents, then an empty one that says where that is. */
function estargzFooter(offset: number): Buffer {
  const field = Buffer.from(`${offset.toString(16).padStart(16, '0')}STARGZ`);
  const extra = Buffer.concat([Buffer.from('SG'), Buffer.from([field.length, 0]), field]);
  return Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, extra.length, 0]),
    extra,
    Buffer.from([1, 0, 0, 0xff, 0xff]),
    Buffer.alloc(8),
  ]);
}

/** RFC 8878 §3.1.2: what decoders pass over. */
function skippableFrame(content: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(0x184d2a50, 0);
  header.writeUInt32LE(content.byteLength, 4);
  return Buffer.concat([header, content]);
}

describe('a layer that others read in pieces', () => {
  test.each([1, 7, 65536])('estargz is the tar of its members, in chunks of %d bytes', async (size) => {
    const parts = [
      await member('a', Buffer.alloc(3000, 'a')),
      await member('.no.prefetch.landmark', Buffer.from([0xf])),
      Buffer.concat([await member('stargz.index.json', toc), Buffer.alloc(END_OF_TAR)]),
    ];
    const members = parts.map((part) => gzipSync(part));
    const offset = Buffer.concat(members.slice(0, 2)).length;
    const footer = estargzFooter(offset);
    expect(footer).toHaveLength(51);
    const tar = await collectBytes(decompress(inChunks(Buffer.concat([...members, footer]), size)));
    expect(digestOf(tar)).toBe(digestOf(Buffer.concat(parts)));
  });

  test.each([1, 7, 65536])('zstd:chunked is the tar of its frames, in chunks of %d bytes', async (size) => {
    const parts = [await member('a', Buffer.alloc(3000, 'a')), Buffer.alloc(END_OF_TAR)];
    const footer = Buffer.concat([Buffer.alloc(56), Buffer.from('GNUlInUx')]);
    const blob = Buffer.concat([...parts.map(zstdFrame), skippableFrame(zstdFrame(toc)), skippableFrame(footer)]);
    const tar = await collectBytes(decompress(inChunks(blob, size)));
    expect(digestOf(tar)).toBe(digestOf(Buffer.concat(parts)));
  });
});
