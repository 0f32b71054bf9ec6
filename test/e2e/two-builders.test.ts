import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { elfProgram } from '../../src/sandbox/calls/elf-program.js';
import { canEmulate, MAKERS, NO_EMULATOR } from '../support/makers.js';
import { requirement } from '../support/require.js';
import { tsbuild } from '../support/tsbuild.js';

// Each `two-builders/*/buildkit.json` is what Docker 28 with the containerd image store made of the folder it lies in, by the words below
// with `docker buildx build --provenance=false --sbom=false` before them.

const GOLDENS = fileURLToPath(new URL('two-builders/', import.meta.url));
const OUTPUT = 'type=oci,rewrite-timestamp=true,compression=gzip,force-compression=true,tar=false';
const qemu = requirement('qemu', await canEmulate(), NO_EMULATOR);

interface Entry {
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
}
interface Documents {
  readonly layout: { readonly manifests: readonly Entry[] };
  readonly index: { readonly manifests: readonly Entry[] };
  readonly manifests: readonly { readonly layers: readonly Entry[] }[];
}

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-two-'));
});
afterEach(async () => {
  await tsbuild(['prune', '--all', '--force'], { env: { TSBUILD_STORE: join(place, 'store') }, killAfterMs: 20_000 });
  rmSync(place, { recursive: true, force: true });
});

function documentsOf(layout: string): Documents {
  const read = (path: string): unknown => JSON.parse(readFileSync(join(layout, path), 'utf8'));
  const blob = ({ digest }: Entry): unknown => read(`blobs/${digest.replace(':', '/')}`);
  const top = read('index.json') as Documents['layout'];
  const index = blob(top.manifests[0] ?? { digest: '' }) as Documents['index'];
  return { layout: top, index, manifests: index.manifests.map(blob) as Documents['manifests'] };
}

/**
 * Without what differs on purpose (docs/platforms.md): digests and sizes of what is compressed or lists that, BuildKit's note on
 * layers whose times it bounded, and when it wrote the layout. The configs' digests stay: they say that the configs are the same bytes.
 */
function comparable({ layout, index, manifests }: Documents): unknown {
  const plain = ({ annotations = {}, ...entry }: Entry): unknown => {
    const { 'buildkit/rewritten-timestamp': _note, 'org.opencontainers.image.created': _time, ...kept } = annotations;
    return { ...entry, annotations: kept, digest: 'any', size: 'any' };
  };
  return {
    layout: { ...layout, manifests: layout.manifests.map(plain) },
    index: { ...index, manifests: index.manifests.map(plain) },
    manifests: manifests.map((manifest) => ({ ...manifest, layers: manifest.layers.map(plain) })),
  };
}

async function expectAsBuildKit(name: string, words: readonly string[]): Promise<void> {
  const env = { TSBUILD_STORE: join(place, 'store'), SOURCE_DATE_EPOCH: '1700000000' };
  const layout = join(place, 'layout');
  const args = ['build', ...words, '-t', 'example.org/team/app:1', '-o', `${OUTPUT},dest=${layout}`];
  const { exitCode, stderr } = await tsbuild([...args, join(place, 'context')], { env });
  expect(exitCode, stderr).toBe(0);
  const golden = JSON.parse(readFileSync(join(GOLDENS, name, 'buildkit.json'), 'utf8')) as Documents;
  expect(comparable(documentsOf(layout))).toEqual(comparable(golden));
}

test("an image for several platforms is BuildKit's field by field, its configs byte by byte", async () => {
  cpSync(join(GOLDENS, 'copied'), join(place, 'context'), { recursive: true });
  chmodSync(join(place, 'context/file'), 0o644);
  await expectAsBuildKit('copied', [
    ...['--platform', 'linux/arm/v7,linux/amd64,linux/arm64'],
    ...['--annotation', 'index,manifest:org.example.both=1'],
    ...['--annotation', 'manifest-descriptor[linux/arm64]:org.example.entry=2'],
    ...['--annotation', 'manifest[linux/amd64]:org.example.one=3'],
  ]);
});

test.skipIf(qemu.skip)(`so it is with steps that an emulator runs (${qemu.reason})`, async () => {
  const context = join(place, 'context');
  cpSync(join(GOLDENS, 'run'), context, { recursive: true });
  // What steps are given, or BuildKit leaves its mount points in their layers.
  for (const folder of ['base', 'base/dev', 'base/etc', 'base/proc', 'base/sys', 'base/tmp']) {
    mkdirSync(join(context, folder));
    chmodSync(join(context, folder), 0o755);
  }
  const files: readonly (readonly [string, Uint8Array, number])[] = [
    ['base/etc/hosts', Buffer.alloc(0), 0o644],
    ['base/etc/resolv.conf', Buffer.alloc(0), 0o644],
    ['program-amd64', elfProgram(MAKERS.amd64), 0o755],
    ['program-arm64', elfProgram(MAKERS.arm64), 0o755],
  ];
  for (const [path, bytes, mode] of files) {
    writeFileSync(join(context, path), bytes);
    chmodSync(join(context, path), mode);
  }
  await expectAsBuildKit('run', ['--platform', 'linux/amd64,linux/arm64']);
});
