import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tsbuild } from '../support/tsbuild.js';

// `two-builders/buildkit.json` is what Docker 28 with the containerd image store made of the folder it lies in, by these same words with
// `docker buildx build --provenance=false --sbom=false` before them.

const GOLDEN = fileURLToPath(new URL('two-builders/', import.meta.url));
const WORDS = [
  ...['--platform', 'linux/arm/v7,linux/amd64,linux/arm64', '-t', 'example.org/team/app:1'],
  ...['--annotation', 'index,manifest:org.example.both=1'],
  ...['--annotation', 'manifest-descriptor[linux/arm64]:org.example.entry=2'],
  ...['--annotation', 'manifest[linux/amd64]:org.example.one=3'],
];
const OUTPUT = 'type=oci,rewrite-timestamp=true,compression=gzip,force-compression=true,tar=false';

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
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'tsbuild-two-'));
  cpSync(GOLDEN, join(place, 'context'), { recursive: true });
  chmodSync(join(place, 'context/file'), 0o644);
});
afterAll(() => {
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

test("an image for several platforms is BuildKit's field by field, its configs byte by byte", async () => {
  const env = { TSBUILD_STORE: join(place, 'store'), SOURCE_DATE_EPOCH: '1700000000' };
  const layout = join(place, 'layout');
  const args = ['build', ...WORDS, '-o', `${OUTPUT},dest=${layout}`, join(place, 'context')];
  const { exitCode, stderr } = await tsbuild(args, { env });
  expect(exitCode, stderr).toBe(0);
  const golden = JSON.parse(readFileSync(join(GOLDEN, 'buildkit.json'), 'utf8')) as Documents;
  expect(comparable(documentsOf(layout))).toEqual(comparable(golden));
});
