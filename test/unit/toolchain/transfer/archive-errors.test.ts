import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.js';
import { parseImageLocation } from '../../../../src/registry/copy/image-location.js';
import { createToolchain } from '../../../../src/toolchain.js';
import type { Toolchain } from '../../../../src/toolchain/toolchain-types.js';
import { classicMembers, json, ociMembers, tarOf } from '../../../support/archive-builder.js';
import { streamOf } from '../../../support/byte-source.js';
import { layerTar, type SampleLayer } from '../../../support/sample-images.js';

let folder: string;
let toolchain: Toolchain;
const file = (name: string): string => join(folder, name);
const copyFrom = async (text: string): Promise<unknown> =>
  await toolchain.copy(parseImageLocation(text, folder), parseImageLocation('store:copied:1', folder), {});

/** Beginning with what is meant, and not saying it twice. */
async function expectNamed(doing: Promise<unknown>, shown: string, code = 'ARCHIVE_INVALID'): Promise<void> {
  const error: unknown = await doing.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code });
  const { message } = error as Error;
  expect(message.startsWith(`cannot read ${shown}: `), message).toBe(true);
  expect(message.split(shown)).toHaveLength(2);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tsbuild-archive-errors-'));
  toolchain = await createToolchain({ storeRoot: file('store'), env: {} });
  const layers: readonly SampleLayer[] = [{ tar: await layerTar({ file: 'content' }) }];
  const lying = layers.map((layer) => ({ ...layer, diffId: digestOf('a lie') }));
  const whole = await tarOf(classicMembers(layers, ['x:1']));
  writeFileSync(file('cut.tar'), whole.subarray(0, 700));
  writeFileSync(file('lying.tar'), await tarOf(classicMembers(lying, ['x:1'])));
  writeFileSync(file('text.tar'), 'no archive\n'.repeat(100));
  const { members } = ociMembers(layers);
  const [, ...lacking] = members;
  writeFileSync(file('lacking.tar'), await tarOf(lacking));
  const index = json({ schemaVersion: 2, manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json' }] });
  const changed = members.map(([name, content]) => [name, name === 'index.json' ? index : content] as const);
  writeFileSync(file('malformed.tar'), await tarOf(changed));
  mkdirSync(file('folder'));
});
afterAll(async () => {
  await toolchain[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

describe('what is wrong with an archive names it', () => {
  test.each([
    ['cut.tar', 'ARCHIVE_INVALID'],
    ['text.tar', 'ARCHIVE_INVALID'],
    ['lacking.tar', 'ARCHIVE_INVALID'],
    ['lying.tar', 'DIGEST_MISMATCH'],
    ['malformed.tar', 'DOCUMENT_INVALID'],
  ])('to load %s', async (name, code) => {
    await expectNamed(toolchain.load([file(name)]), `archive "${file(name)}"`, code);
  });

  test('to load a folder', async () => {
    await expectNamed(toolchain.load([file('folder')]), `layout "${file('folder')}"`);
  });

  test('to load a stream, as its giver calls it', async () => {
    const stream = (): AsyncIterable<Uint8Array> => streamOf([readFileSync(file('cut.tar'))]);
    await expectNamed(toolchain.load(stream()), 'the archive');
    const streamName = 'the archive on the standard input';
    await expectNamed(toolchain.load(stream(), { streamName }), streamName);
  });

  test('to save without what it has', async () => {
    const options = { format: 'docker-archive', since: [file('cut.tar')] } as const;
    await expectNamed(toolchain.save([], options), `archive "${file('cut.tar')}"`);
  });

  test.each([
    ['docker-archive', 'cut.tar', 'ARCHIVE_INVALID'],
    ['docker-archive', 'text.tar', 'ARCHIVE_INVALID'],
    ['docker-archive', 'lying.tar', 'DIGEST_MISMATCH'],
    ['docker-archive', 'folder', 'ARCHIVE_INVALID'],
    ['oci-archive', 'lacking.tar', 'ARCHIVE_INVALID'],
    ['oci-archive', 'malformed.tar', 'DOCUMENT_INVALID'],
  ])('to copy from %s:%s', async (transport, name, code) => {
    await expectNamed(copyFrom(`${transport}:${name}`), `archive "${file(name)}"`, code);
  });
});
