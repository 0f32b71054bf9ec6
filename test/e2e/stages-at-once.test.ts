import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tsbuild } from '../support/tsbuild.js';

const STAGES = ['a', 'b', 'c', 'd'];
const PATIENCE = 600;

let root: string;
let env: Record<string, string>;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-stages-'));
  env = { TSBUILD_STORE: join(root, 'store') };
  mkdirSync(join(root, 'context'));
  expect(await tsbuild(['bootstrap', '-t', 'base'], { env })).toMatchObject({ exitCode: 0 });
});
afterAll(async () => {
  await tsbuild(['prune', '--all', '--cache-mounts', '--force'], { env, killAfterMs: 20_000 });
  rmSync(root, { recursive: true, force: true });
});

/** Four stages of one step each, and one that takes from all of them. */
function writeDockerfile(stepOf: (stage: string) => string): void {
  const stages = STAGES.map((stage) => `FROM base AS ${stage}\n${stepOf(stage)}\n`);
  const copies = STAGES.map((stage) => `COPY --from=${stage} /${stage} /\n`);
  writeFileSync(join(root, 'context/Dockerfile'), [...stages, 'FROM scratch\n', ...copies].join(''));
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** When each RUN step was at work, by the times of its events. */
async function spansOfRuns(...words: readonly string[]): Promise<readonly Span[]> {
  const args = ['build', '--progress', 'json', '--no-cache', ...words, join(root, 'context')];
  const { exitCode, stderr } = await tsbuild(args, { env });
  expect(exitCode, stderr).toBe(0);
  const events = stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { type: string; step?: string; label?: string; at?: number });
  const timeOf = (type: string, step: string | undefined): number =>
    events.find((event) => event.type === type && event.step === step)?.at ?? Number.NaN;
  return events
    .filter(({ type, label }) => type === 'step-planned' && label?.includes('RUN') === true)
    .map(({ step }) => ({ from: timeOf('step-started', step), to: timeOf('step-done', step) }));
}

test('four stages that wait for each other are at work at one time, however few processors there are', async () => {
  // Each step ends once the others have begun: one after the other, they would give up.
  const all = STAGES.map((stage) => `[ -e /meeting/${stage} ]`).join(' && ');
  writeDockerfile(
    (stage) =>
      `RUN --mount=type=cache,id=meeting,target=/meeting : > /meeting/${stage} && tries=0 && until ${all}; do tries=$((tries + 1)); [ $tries -lt ${PATIENCE} ] || exit 1; sleep 0.1; done; echo met > /${stage}`,
  );
  const spans = await spansOfRuns();
  expect(spans).toHaveLength(STAGES.length);
  expect(Math.max(...spans.map(({ from }) => from))).toBeLessThanOrEqual(Math.min(...spans.map(({ to }) => to)));
}, 120_000);

test('--jobs bounds how many are', async () => {
  writeDockerfile((stage) => `RUN sleep 0.3 && echo slept > /${stage}`);
  const spans = await spansOfRuns('--jobs', '2');
  expect(spans).toHaveLength(STAGES.length);
  const atOnce = spans.map(({ from }) => spans.filter((other) => other.from <= from && from < other.to).length);
  expect(Math.max(...atOnce)).toBeLessThanOrEqual(2);
}, 120_000);
