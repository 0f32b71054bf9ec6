import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { tsbuild, type CliOptions } from '../support/tsbuild.js';

let root: string;
let env: Record<string, string>;
let context: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'tsbuild-cache-'));
  chmodSync(root, 0o755);
  env = { TSBUILD_STORE: join(root, 'store') };
  const made = await tsbuild(['bootstrap', '-q', '-t', 'base'], { env });
  expect(made.stderr).toBe('');
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});
beforeEach(() => {
  context = mkdtempSync(join(root, 'context-'));
});

interface Built {
  readonly exitCode: number | null;
  /** The steps that were done, not found: their instructions. */
  readonly done: readonly string[];
}

async function build(dockerfile: string, more: readonly string[] = [], options: CliOptions = {}): Promise<Built> {
  writeFileSync(join(context, 'Dockerfile'), dockerfile);
  const words = ['build', '--progress', 'json', ...more, context];
  const { exitCode, stderr } = await tsbuild(words, { env, ...options });
  const events = stderr
    .split('\n')
    .flatMap((line) =>
      line.startsWith('{') ? [JSON.parse(line) as { type: string; step: string; label: string }] : [],
    );
  const labels = new Map(events.flatMap((event) => (event.type === 'step-planned' ? [[event.step, event.label]] : [])));
  const done = events.flatMap(({ type, step }) => (type === 'step-done' ? [labels.get(step) ?? ''] : []));
  return {
    exitCode,
    done: done.map((label) => label.replace(/^\[[^\]]*\] /, '')).filter((text) => !/^FROM /.test(text)),
  };
}

const records = (): readonly string[] => {
  try {
    return readdirSync(join(root, 'store/records/step')).sort();
  } catch {
    return [];
  }
};
const nothingHeld = (): void => {
  expect(readdirSync(join(root, 'store/locks/work'))).toEqual([]);
  expect(readdirSync(join(root, 'store/tmp'))).toEqual([]);
};

test('pitfall 115: files that were changed and changed back give hits for all that follows', async () => {
  const dockerfile = 'FROM base\nCOPY file /file\nRUN cat /file > /copy\n';
  const write = (text: string): void => {
    writeFileSync(join(context, 'file'), text);
  };
  write('one');
  expect((await build(dockerfile)).done).toEqual(['COPY file /file', 'RUN cat /file > /copy']);
  write('two');
  expect((await build(dockerfile)).done).toEqual(['COPY file /file', 'RUN cat /file > /copy']);
  write('one');
  expect((await build(dockerfile)).done).toEqual([]);
});

test('pitfall 117: --no-cache does everything again, and what it did is found by the next build', async () => {
  const dockerfile = 'FROM base\nCOPY Dockerfile /\nWORKDIR /work\nRUN true no-cache\n';
  const all = ['COPY Dockerfile /', 'WORKDIR /work', 'RUN true no-cache'];
  expect((await build(dockerfile)).done).toEqual(all);
  expect((await build(dockerfile, ['--no-cache'])).done).toEqual(all);
  expect((await build(dockerfile)).done).toEqual([]);
});

test('pitfall 120: a step that fails leaves no record and no lock', async () => {
  const before = records();
  const dockerfile = 'FROM base\nRUN echo kept > /kept && true 120\nRUN exit 3\n';
  expect(await build(dockerfile)).toMatchObject({ exitCode: 4, done: ['RUN echo kept > /kept && true 120'] });
  expect(records().length).toBe(before.length + 1);
  nothingHeld();
  expect(await build(dockerfile)).toMatchObject({ exitCode: 4, done: [] });
  expect(records().length).toBe(before.length + 1);
});

test('pitfall 120: a step that is interrupted leaves no record and no lock', async () => {
  const before = records();
  const dockerfile = 'FROM base\nRUN echo started; sleep 60\n';
  const started = Date.now();
  const outcome = await build(dockerfile, [], { interruptAt: /"step-log"/ });
  expect(outcome).toEqual({ exitCode: 130, done: [] });
  expect(Date.now() - started).toBeLessThan(30_000);
  expect(records()).toEqual(before);
  nothingHeld();
});
