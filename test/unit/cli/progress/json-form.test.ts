import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { BuildResult } from '../../../../src/builder/build-request.js';
import type { ProgressEvent } from '../../../../src/builder/progress.js';
import { createJsonRenderer, FORMAT_VERSION } from '../../../../src/cli/progress/json.js';
import type { Outcome } from '../../../../src/cli/progress/renderer.js';
import { parseDigest } from '../../../../src/oci/digest.js';
import { MEDIA_TYPE } from '../../../../src/oci/media-type.js';
import { encodeError, TsbuildError } from '../../../../src/support/errors.js';

const DIGEST = parseDigest(`sha256:${'d'.repeat(64)}`);
const SOURCE = { file: 'Dockerfile', start: { line: 3, column: 1 }, end: { line: 3, column: 9 } };
const FAILURE = new TsbuildError('RUN_FAILED', 'cannot run "make": exit code 2', {
  hint: 'Look.',
  source: SOURCE,
  details: { exitCode: 2 },
});

/** Each event with every member that it may have: one that is added, or renamed, does not compile until it is here. */
const EVENTS: { readonly [T in ProgressEvent['type']]: Required<Extract<ProgressEvent, { readonly type: T }>> } = {
  'step-planned': { type: 'step-planned', step: 's', label: '[web 2/3] RUN make', stage: 'web', source: SOURCE },
  'step-waiting': { type: 'step-waiting', step: 's', at: 1, reason: 'another-build' },
  'step-explained': {
    type: 'step-explained',
    step: 's',
    changes: [{ what: 'variable', name: 'A', before: '1', after: null }],
  },
  'step-started': { type: 'step-started', step: 's', at: 2 },
  'step-log': { type: 'step-log', step: 's', at: 3, stream: 'stderr', chunk: Buffer.from('out\n') },
  transfer: {
    ...{ type: 'transfer', step: 's', item: DIGEST, direction: 'pull', current: 5, total: 9 },
    ...{ bytesPerSecond: 4, remainingMs: 1000, done: false, existed: false },
  },
  'step-cached': { type: 'step-cached', step: 's', at: 4 },
  'step-done': { type: 'step-done', step: 's', at: 5 },
  'step-failed': { type: 'step-failed', step: 's', at: 6, error: encodeError(FAILURE) },
  'step-layers': { type: 'step-layers', step: 's', layers: [{ digest: DIGEST, size: 7 }] },
  warning: { type: 'warning', rule: 'StageNameCasing', message: 'm', source: SOURCE },
  notice: { type: 'notice', message: 'm' },
  graph: {
    type: 'graph',
    graph: { target: 's', vertices: [{ step: 's', label: 'RUN make', kind: 'run', stage: 'web', inputs: ['b'] }] },
  },
  difference: {
    ...{ type: 'difference', step: 's', label: 'RUN make', source: SOURCE },
    difference: {
      files: [{ path: 'a', aspects: [{ aspect: 'mode', first: '644', second: '600' }] }],
      ...{ omitted: 1, times: 2, advice: ['Sort.'] },
    },
  },
};

const MANIFEST = { mediaType: MEDIA_TYPE.ociManifest, digest: DIGEST, size: 400 };
const LAYER = { mediaType: MEDIA_TYPE.ociLayer, digest: DIGEST, size: 9 };
const RESULT: Required<Omit<BuildResult, 'elsewhere' | 'cache' | 'cacheMounts'>> = {
  imageId: DIGEST,
  manifest: MANIFEST,
  index: { mediaType: MEDIA_TYPE.ociIndex, digest: DIGEST, size: 500 },
  images: [{ platform: 'linux/amd64', imageId: DIGEST, manifest: MANIFEST, files: LAYER }],
  platform: 'linux/amd64',
  stored: true,
  forPush: true,
  names: ['docker.io/library/x:latest'],
  stages: [{ stage: 'web', imageId: DIGEST, names: [] }],
  pushed: [{ name: 'localhost/x', mediaType: MEDIA_TYPE.ociManifest, digest: DIGEST, size: 400 }],
  files: LAYER,
  manifestList: { name: 'docker.io/library/list:latest', digest: DIGEST, images: 2 },
  steps: { total: 3, cached: 1 },
  pins: { images: [], urls: [], repositories: [] } as unknown as NonNullable<BuildResult['pins']>,
};

async function written(outcome: Outcome, events: readonly ProgressEvent[]): Promise<readonly string[]> {
  let text = '';
  const renderer = createJsonRenderer({ write: (part) => (text += part), now: () => 1000 });
  for (const event of events) renderer.sink(event);
  await renderer.finish(outcome);
  return text.trimEnd().split('\n');
}

async function everyLine(): Promise<readonly string[]> {
  const lines = await written({ kind: 'done', result: RESULT }, Object.values(EVENTS));
  const [error = ''] = await written({ kind: 'failed', error: FAILURE }, []);
  return [...lines, error];
}

test('lines of --progress rawjson are what they were in this version', async () => {
  // Members may be added, with a row in docs/progress.md; for any other change the version goes up, and with it this file's name.
  await expect(`${(await everyLine()).join('\n')}\n`).toMatchFileSnapshot(`json-form-v${FORMAT_VERSION}.jsonl`);
});

test('docs/progress.md has every type with all its members', async () => {
  const page = await readFile(fileURLToPath(new URL('../../../../docs/progress.md', import.meta.url)), 'utf8');
  const table = page.slice(page.indexOf('\n## JSON'));
  const rows = [...table.matchAll(/^\| `([a-z-]+)` +\| (.*?) +\|/gm)].map(([, type, cell = '']): [string, string[]] => [
    type ?? '',
    [...cell.matchAll(/`(\w+)\??`/g)].map(([, member = '']) => member).sort(),
  ]);
  const lines = (await everyLine()).map((line) => JSON.parse(line) as { readonly type: string });
  const members = lines.map(({ type, ...rest }): [string, string[]] => [
    type,
    Object.keys(rest)
      .filter((member) => member !== 'version')
      .sort(),
  ]);
  expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(members));
  expect(page).toContain(`version ${FORMAT_VERSION}`);
});
