// A stand-in for a large image, the same on every machine: `node test/bench/make-image.mjs FOLDER [MEGABYTES]` writes an OCI layout,
// and `tsbuild copy oci:FOLDER docker://127.0.0.1:5000/bench/large:latest` puts it into a registry. Of the 2800 megabytes that
// tensorflow/tensorflow has, one layer has 50 000 files, one a few very large ones, some nearly nothing.
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, renameSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { createGzip } from 'node:zlib';

const [folder, megabytes = '2800'] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node test/bench/make-image.mjs FOLDER [MEGABYTES]');
const total = Number(megabytes) * 1e6;
const blobs = join(folder, 'blobs/sha256');
mkdirSync(blobs, { recursive: true });

const WORDS =
  'import tensor shape layer return self kernel def dtype None float32 weights static const void gradient'.split(' ');

/** xorshift32: what looks like code and what looks like machine code, half each, so that gzip makes 40 % of it. */
function content(size, seed) {
  const bytes = Buffer.allocUnsafe(size);
  let state = seed * 2_654_435_761 || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  for (let at = 0; at < size;) {
    if (at % 8192 < 5000)
      at += bytes.write(`${WORDS[next() % WORDS.length]}_${next() % 1000} `, at, 'latin1') || size - at;
    else {
      bytes.writeUInt8(next() & 0xff, at);
      at += 1;
    }
  }
  return bytes;
}

function header(name, size) {
  const block = Buffer.alloc(512);
  const isDirectory = name.endsWith('/');
  block.write(name, 0);
  block.write(`${isDirectory ? '0000755' : '0000644'}\0` + '0000000\0' + '0000000\0', 100);
  block.write(
    `${size.toString(8).padStart(11, '0')}\0` + `${'0'.repeat(11)}\0` + `        ${isDirectory ? 5 : 0}`,
    124,
  );
  block.write('ustar\x0000', 257);
  const sum = block.reduce((all, byte) => all + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** Files of the same kind; their contents are cut out of one piece, at places that follow from their numbers. */
function* tarOf(folderName, count, size) {
  const piece = content(Math.min(size * 7, 64 << 20), count + size);
  // As all builders do: a layer has the directories that it has files in.
  const parts = folderName.split('/');
  for (let depth = 1; depth <= parts.length; depth += 1) yield header(`${parts.slice(0, depth).join('/')}/`, 0);
  for (let number = 0; number < Math.min(count, 200); number += 1) yield header(`${folderName}/${number}/`, 0);
  for (let number = 0; number < count; number += 1) {
    yield header(`${folderName}/${number % 200}/${number}.bin`, size);
    for (let left = size; left > 0;) {
      const start = (number * 7919 + left) % Math.max(1, piece.length - 4096);
      const part = piece.subarray(start, start + left);
      yield part;
      left -= part.length;
    }
    yield Buffer.alloc((512 - (size % 512)) % 512);
  }
  yield Buffer.alloc(1024);
}

async function writeLayer(folderName, count, size) {
  const [diffId, digest] = [createHash('sha256'), createHash('sha256')];
  const unfinished = join(folder, 'unfinished');
  const file = openSync(unfinished, 'w');
  const gzip = createGzip({ level: 4, chunkSize: 1 << 20 });
  const writing = (async () => {
    for await (const chunk of gzip) {
      digest.update(chunk);
      writeSync(file, chunk);
    }
  })();
  for (const chunk of tarOf(folderName, count, size)) {
    diffId.update(chunk);
    if (!gzip.write(chunk)) await once(gzip, 'drain');
  }
  gzip.end();
  await writing;
  closeSync(file);
  const hex = digest.digest('hex');
  const bytes = statSync(unfinished).size;
  renameSync(unfinished, join(blobs, hex));
  const descriptor = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: `sha256:${hex}`, size: bytes };
  return { descriptor, diffId: `sha256:${diffId.digest('hex')}` };
}

function writeDocument(mediaType, value) {
  const bytes = Buffer.from(JSON.stringify(value));
  const hex = createHash('sha256').update(bytes).digest('hex');
  writeFileSync(join(blobs, hex), bytes);
  return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
}

const shapes = [
  ['usr/lib', 3000, Math.round((total * 0.08) / 3000)],
  ['usr/local/lib/python3/dist-packages', 50_000, Math.round((total * 0.52) / 50_000)],
  ['usr/local/cuda', 6, Math.round((total * 0.3) / 6)],
  ['opt', 40, Math.round((total * 0.1) / 40)],
  ['etc', 3, 200],
];
const layers = [];
for (const [name, count, size] of shapes) layers.push(await writeLayer(name, count, size));
const config = writeDocument('application/vnd.oci.image.config.v1+json', {
  architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
  os: 'linux',
  config: { Cmd: ['/bin/bash'] },
  rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
});
const mediaType = 'application/vnd.oci.image.manifest.v1+json';
const manifest = writeDocument(mediaType, {
  schemaVersion: 2,
  mediaType,
  config,
  layers: layers.map(({ descriptor }) => descriptor),
});
writeFileSync(
  join(folder, 'index.json'),
  JSON.stringify({
    schemaVersion: 2,
    manifests: [{ ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'latest' } }],
  }),
);
writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
console.log(
  `${folder}: ${Math.round(layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0) / 1e6)} MB compressed`,
);
