import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isIntactErofs } from '../../../../src/layers/erofs/erofs-seal.js';
import { erofsOf, indexedLayers } from '../../../support/indexed-tree.js';
import { directory, file, layerTar } from '../../../support/layer-entries.js';

let folder: string;
let image: Buffer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'erofs-seal-'));
  const [layer] = indexedLayers([await layerTar(directory('d'), file('d/f', 'x'))], folder);
  if (layer === undefined) throw new Error('no layer');
  image = erofsOf(layer);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function isIntact(bytes: Buffer): boolean {
  const path = join(folder, 'image');
  writeFileSync(path, bytes);
  return isIntactErofs(path);
}

const changed = (at: number): Buffer => {
  const bytes = Buffer.from(image);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  return bytes;
};

test('an image is intact as it was written', () => {
  expect(isIntact(image)).toBe(true);
});

test('a change of any byte is found', () => {
  for (let at = 0; at < image.length; at += 97) expect(isIntact(changed(at)), `byte ${at}`).toBe(false);
  expect(isIntact(changed(image.length - 1))).toBe(false);
});

test.each([
  ['that ends early', (bytes: Buffer) => bytes.subarray(0, -1)],
  ['without its seal', (bytes: Buffer) => bytes.subarray(0, -512)],
  ['of another length', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(512)])],
  ['of zeros, as a crash may leave it', (bytes: Buffer) => Buffer.alloc(bytes.length)],
  ['of a few bytes', () => Buffer.from('x')],
  ['of nothing', () => Buffer.alloc(0)],
])('an image %s is not intact', (_, change) => {
  expect(isIntact(change(image))).toBe(false);
});

test('what is missing, or is a directory, is not intact', () => {
  expect(isIntactErofs(join(folder, 'none'))).toBe(false);
  expect(isIntactErofs(folder)).toBe(false);
});
