import { expect, test } from 'vitest';
import { dryRunText } from '../../../../src/cli/calls/dry-run.js';
import { parseDigest } from '../../../../src/oci/digest.js';

const digest = parseDigest(`sha256:${'a'.repeat(64)}`);
const image = { name: 'docker.io/library/debian:12', platform: 'linux/amd64', digest, layers: 3 };
const step = { step: 's', state: 'changed', changes: [{ what: 'new' }] } as const;

test('tells of images that would be pulled, and of a step what it reads and why it would be done', () => {
  const files = Array.from({ length: 22 }, (_, number) => `file${String(number).padStart(2, '0')}`);
  const text = dryRunText({
    images: [{ ...image, missing: { layers: 2, bytes: 48_000_000 } }],
    steps: [
      { step: 'b', label: '[1/3] FROM debian', state: 'cached', changes: [] },
      { ...step, label: '[2/3] COPY . .', files },
      { ...step, label: '[3/3] RUN \x1b[2Jmake', state: 'follows', changes: [] },
    ],
  });
  const lines = text.split('\n');
  expect(lines[0]).toBe(
    `image docker.io/library/debian:12 for linux/amd64, ${digest}: 2 of 3 layers would be pulled when a step needs them, 48MB`,
  );
  expect(lines.slice(1, 5)).toEqual([
    'CACHED [1/3] FROM debian',
    'TO DO  [2/3] COPY . .',
    '    why: no former build of this step is known',
    '    reads file00',
  ]);
  expect(lines.slice(-5)).toEqual([
    '    reads file19',
    '    reads 2 more (--progress=json has all)',
    'TO DO? [3/3] RUN make',
    '3 steps: 1 cached, 1 to be done, 1 that follows from them; nothing was run, built or pushed',
    '',
  ]);
});

test('says what is in the store', () => {
  const text = dryRunText({ images: [{ ...image, missing: { layers: 0, bytes: 0 } }], steps: [] });
  expect(text).toBe(
    `image docker.io/library/debian:12 for linux/amd64, ${digest}: in the store\n0 steps: 0 cached, 0 to be done; nothing was run, built or pushed\n`,
  );
});
