import { describe, expect, test } from 'vitest';
import type { BuildResult } from '../../../src/builder/build-request.js';
import type { ProgressEvent } from '../../../src/builder/progress.js';
import { createJsonRenderer } from '../../../src/cli/progress/json.js';
import { LineSplitter, type LineEvent } from '../../../src/cli/progress/line-splitter.js';
import { ProgressModel, type ProgressState } from '../../../src/cli/progress/model.js';
import { PlainRenderer } from '../../../src/cli/progress/plain.js';
import { createQuietRenderer } from '../../../src/cli/progress/quiet.js';
import type { Outcome, ProgressRenderer, RendererOptions } from '../../../src/cli/progress/renderer.js';
import { progressMode } from '../../../src/cli/progress/select-renderer.js';
import { summary } from '../../../src/cli/progress/summary.js';
import { parseDigest } from '../../../src/oci/digest.js';
import { encodeError, TsbuildError } from '../../../src/support/errors.js';
import { BUILT } from './build-result.js';
import { log, testHost } from './test-host.js';

const LAYER = parseDigest(`sha256:${'a'.repeat(64)}`);
const FAILURE = new TsbuildError('RUN_FAILED', 'cannot run "make": exit status 2');
const RESULT: BuildResult = { ...BUILT, steps: { total: 3, cached: 1 } };

const planned = (step: string, label: string): ProgressEvent => ({ type: 'step-planned', step, label });
const started = (step: string, at: number): ProgressEvent => ({ type: 'step-started', step, at });
const done = (step: string, at: number): ProgressEvent => ({ type: 'step-done', step, at });
const cached = (step: string, at: number): ProgressEvent => ({ type: 'step-cached', step, at });
const failed = (step: string, at: number): ProgressEvent => ({
  type: 'step-failed',
  step,
  at,
  error: encodeError(FAILURE),
});
const pulled = (current: number, end = false): ProgressEvent => ({
  type: 'transfer',
  step: 'from',
  item: LAYER,
  direction: 'pull',
  current,
  total: 30_100_000,
  done: end,
});

/** Feeds events, each at its time where it has one. */
async function show(
  create: (options: RendererOptions) => ProgressRenderer,
  events: readonly (ProgressEvent | { readonly clock: number })[],
  outcome: Outcome,
): Promise<string[]> {
  let text = '';
  let now = 0;
  const renderer = create({ write: (part) => (text += part), color: false, now: () => now });
  for (const event of events) {
    if ('clock' in event) now = event.clock;
    else renderer.sink(event);
  }
  await renderer.finish(outcome);
  return text.split('\n');
}

const plain = (options: RendererOptions): PlainRenderer => new PlainRenderer(options);

const BUILD: readonly (ProgressEvent | { readonly clock: number })[] = [
  planned('context', '[internal] load build context'),
  planned('from', '[1/3] FROM docker.io/library/debian:12'),
  planned('copy', '[2/3] COPY . .'),
  planned('run', '[3/3] RUN make'),
  started('context', 1000),
  { type: 'transfer', step: 'context', item: 'context', direction: 'read', current: 5200, done: true },
  done('context', 1040),
  started('from', 1000),
  pulled(1),
  { clock: 300 },
  pulled(2_000_000),
  { clock: 1200 },
  pulled(5_200_000),
  { clock: 2300 },
  pulled(30_100_000, true),
  done('from', 3300),
  cached('copy', 3300),
  started('run', 4000),
  log('run', 4231, 'compiling'),
  { type: 'warning', rule: 'StageNameCasing', message: 'Stage name should be lowercase' },
  log('run', 4500, ' a.c\n\x1b[31mred\x1b[0m\n10%\r100%\n'),
];

describe('the plain renderer', () => {
  test("writes BuildKit's lines", async () => {
    const lines = await show(plain, [...BUILD, done('run', 5200)], { kind: 'done', result: RESULT });
    expect(lines).toEqual([
      '#1 [internal] load build context',
      '#1 transferring context: 5.2kB 0.0s done',
      '#1 DONE 0.0s',
      '',
      '#2 [1/3] FROM docker.io/library/debian:12',
      `#2 ${LAYER} 5.2MB / 30.1MB 1.2s`,
      `#2 ${LAYER} 30.1MB / 30.1MB 2.3s done`,
      '#2 DONE 2.3s',
      '',
      '#3 [2/3] COPY . .',
      '#3 CACHED',
      '',
      '#4 [3/3] RUN make',
      'warning: StageNameCasing: Stage name should be lowercase',
      '#4 0.500 compiling a.c',
      '#4 0.500 red',
      '#4 0.500 100%',
      '#4 DONE 1.2s',
      '',
      'finished in 2.3s: 1 cached, 3 done, 30.1MB pulled',
      `image ${RESULT.imageId} (3 steps: 1 cached, 2 built)`,
      'named docker.io/library/x:latest',
      '',
    ]);
  });

  test('does not repeat what a RUN that failed has printed last of all', async () => {
    const lines = await show(plain, [...BUILD, log('run', 5000, 'no end'), failed('run', 5200)], {
      kind: 'failed',
      error: FAILURE,
    });
    expect(lines.slice(-5)).toEqual([
      '#4 1.200 no end',
      '#4 ERROR: cannot run "make": exit status 2',
      '',
      'failed after 2.3s: 1 cached, 2 done, 1 failed, 30.1MB pulled',
      '',
    ]);
  });

  test('repeats the last lines of a RUN that failed where others have come between', async () => {
    const between: ProgressEvent = { type: 'step-done', step: 'copy', at: 4900 };
    const lines = await show(plain, [...BUILD, between, log('run', 5000, 'no end'), failed('run', 5200)], {
      kind: 'failed',
      error: FAILURE,
    });
    expect(lines.slice(-12)).toEqual([
      '#4 1.200 no end',
      '#4 ERROR: cannot run "make": exit status 2',
      '',
      'failed after 2.3s: 3 done, 1 failed, 30.1MB pulled',
      '------',
      ' > [3/3] RUN make:',
      'compiling a.c',
      'red',
      '100%',
      'no end',
      '------',
      '',
    ]);
  });

  test('says of what was there already only that', async () => {
    const event: ProgressEvent = { type: 'transfer', step: 'push', item: LAYER, direction: 'push', current: 0 };
    const lines = await show(plain, [{ ...event, done: true, existed: true }], { kind: 'done' });
    expect(lines).toEqual(['#1 push', `#1 pushing ${LAYER} exists`, 'finished in 0.0s', '']);
  });
});

describe('the quiet renderer', () => {
  test('is silent about what succeeds', async () => {
    const lines = await show(createQuietRenderer, [...BUILD, done('run', 5200)], { kind: 'done', result: RESULT });
    expect(lines).toEqual(['']);
  });

  test('shows the end of what failed, and how much it leaves out', async () => {
    const output = Array.from({ length: 25 }, (_, index) => `line ${index + 1}\n`).join('');
    const events = [planned('run', 'RUN make'), started('run', 0), log('run', 1, output), failed('run', 2)];
    const lines = await show(createQuietRenderer, events, { kind: 'failed', error: FAILURE });
    expect(lines.slice(0, 4)).toEqual([
      '------',
      ' > RUN make:',
      '[5 earlier lines: --progress=plain shows all]',
      'line 6',
    ]);
    expect(lines.slice(-3)).toEqual(['line 25', '------', '']);
  });
});

describe('the json renderer', () => {
  test('writes an object a line, with characters whole and a result at the end', async () => {
    const umlaut = Buffer.from('ä');
    const events = [
      started('run', 1),
      log('run', 2, Buffer.concat([Buffer.from('x'), umlaut.subarray(0, 1)])),
      log('run', 3, umlaut.subarray(1)),
      log('run', 4, umlaut.subarray(0, 1)),
      done('run', 5),
    ];
    const lines = await show(createJsonRenderer, events, { kind: 'done', result: RESULT });
    expect(lines.pop()).toBe('');
    const log_ = { version: 1, type: 'step-log', step: 'run', stream: 'stdout' };
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { version: 1, type: 'step-started', step: 'run', at: 1 },
      { ...log_, at: 2, text: 'x' },
      { ...log_, at: 3, text: 'ä' },
      { ...log_, at: 5, text: '\ufffd' },
      { version: 1, type: 'step-done', step: 'run', at: 5 },
      {
        version: 1,
        type: 'totals',
        milliseconds: 0,
        outcome: 'finished',
        steps: { cached: 0, done: 1, failed: 0, canceled: 0, notBegun: 0 },
        pulled: 0,
        pushed: 0,
      },
      { version: 1, type: 'result', ...RESULT },
    ]);
  });

  test('ends with the error', async () => {
    const lines = await show(createJsonRenderer, [], { kind: 'failed', error: FAILURE });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      version: 1,
      type: 'error',
      code: 'RUN_FAILED',
      message: FAILURE.message,
    });
  });
});

describe('LineSplitter', () => {
  const split = (...chunks: (string | Buffer)[]): string[] => {
    const splitter = new LineSplitter();
    const events = [...chunks.map((chunk) => log('s', 0, chunk)), done('s', 1)];
    return events.flatMap((event) => splitter.split(event)).flatMap((e) => (e.type === 'step-lines' ? e.lines : []));
  };

  test.each<[string, (string | Buffer)[], string[]]>([
    ['joins a line that comes in pieces', ['a', 'b', 'c\nd'], ['abc', 'd']],
    ['keeps empty lines', ['a\n\nb\n'], ['a', '', 'b']],
    ['takes carriage return and line feed as one end', ['a\r\nb\r', '\nc'], ['a', 'b', 'c']],
    ['shows what a carriage return leaves visible', ['1%\r2%\r', '3%\ndone'], ['3%', 'done']],
    ['keeps a character that is cut in two', [Buffer.from('ä').subarray(0, 1), Buffer.from('ä').subarray(1)], ['ä']],
  ])('%s', (_, chunks, expected) => {
    expect(split(...chunks)).toEqual(expected);
  });

  test('passes on an endless line in pieces, whole', () => {
    const lines = split(...Array.from({ length: 40 }, () => 'x'.repeat(10_000)));
    expect(lines.length).toBeGreaterThan(3);
    expect(lines.join('')).toBe('x'.repeat(400_000));
  });

  test('does not mix standard output with standard error', () => {
    const splitter = new LineSplitter();
    const events: ProgressEvent[] = [
      { type: 'step-log', step: 's', at: 0, stream: 'stdout', chunk: Buffer.from('out') },
      { type: 'step-log', step: 's', at: 0, stream: 'stderr', chunk: Buffer.from('err\n') },
      { type: 'step-log', step: 's', at: 0, stream: 'stdout', chunk: Buffer.from('put\n') },
    ];
    const lines = events
      .flatMap((event) => splitter.split(event))
      .flatMap((e) => (e.type === 'step-lines' ? e.lines : []));
    expect(lines).toEqual(['err', 'output']);
  });
});

function stateOf(events: readonly LineEvent[]): ProgressState {
  return new ProgressModel(events).state;
}

const PLAIN = { measure: (text: string) => text.length, utf8: true };

describe('summary()', () => {
  const options = {
    color: false,
    columns: 40,
    now: 2000,
    startedAt: 0,
    title: 'Building',
    keepSteps: true,
    form: PLAIN,
  };

  test('folds cached steps, cuts long labels and leaves warnings and the result', () => {
    const state = stateOf([
      ...(['a', 'b', 'c'].flatMap((step) => [planned(step, step), cached(step, 1)]) as LineEvent[]),
      ...([planned('run', `RUN ${'x'.repeat(60)}`), started('run', 0), done('run', 1500)] as LineEvent[]),
      { type: 'warning', message: 'careful' },
      { type: 'notice', message: 'no network' },
    ]);
    expect(summary(state, { kind: 'done', result: RESULT }, options).split('\n')).toEqual([
      '[+] Building 2.0s (4/4) FINISHED: 3 cached, 1 done',
      ' => CACHED 3 steps',
      ` => RUN ${'x'.repeat(26)}… 1.5s`,
      'note: no network',
      'warning: careful',
      `image ${RESULT.imageId} (3 steps: 1 cached, 2 built)`,
      'named docker.io/library/x:latest',
      '',
    ]);
  });

  test('says of a step that was under way when another failed that it was canceled', () => {
    const state = stateOf([started('a', 0), started('b', 0), failed('b', 1000)] as LineEvent[]);
    expect(summary(state, { kind: 'failed', error: FAILURE }, options).split('\n')).toEqual([
      '[+] Building 2.0s (1/2) FAILED: 1 failed, 1 canceled',
      ' => CANCELED a                      2.0s',
      ' => ERROR b                         1.0s',
      '',
    ]);
  });

  test('is nothing when there is nothing to keep', () => {
    expect(summary(stateOf([]), { kind: 'done' }, { ...options, keepSteps: false })).toBe('');
  });

  test('says of a transfer how much came, and how long that took', () => {
    const events = [pulled(30_100_000, true) as LineEvent];
    expect(summary(stateOf(events), { kind: 'done' }, { ...options, keepSteps: false })).toBe(
      '30.1MB pulled in 2.0s\n',
    );
  });
});

describe('progressMode()', () => {
  const terminal = (env: Record<string, string>): Parameters<typeof progressMode>[1] => {
    const host = testHost({ env });
    return { env, stderr: Object.assign(host.stderr, { isTTY: true }) };
  };
  test.each<[string, string | undefined, Parameters<typeof progressMode>[1], string]>([
    ['a pipe', undefined, testHost({ env: { TERM: 'xterm' } }), 'plain'],
    ['a terminal', undefined, terminal({ TERM: 'xterm' }), 'tty'],
    ['a dumb terminal', undefined, terminal({ TERM: 'dumb' }), 'plain'],
    ['a terminal in CI', undefined, terminal({ TERM: 'xterm', CI: 'true' }), 'plain'],
    ['the option before the environment', 'json', terminal({ TERM: 'xterm', BUILDKIT_PROGRESS: 'plain' }), 'json'],
    ["BuildKit's variable", undefined, terminal({ TERM: 'xterm', BUILDKIT_PROGRESS: 'rawjson' }), 'json'],
    [
      'our variable first',
      undefined,
      testHost({ env: { TSBUILD_PROGRESS: 'quiet', BUILDKIT_PROGRESS: 'x' } }),
      'quiet',
    ],
    ['tty in the environment of a pipe', undefined, testHost({ env: { BUILDKIT_PROGRESS: 'tty' } }), 'plain'],
  ])('decides for %s', (_, option, host, expected) => {
    expect(progressMode(option, host)).toBe(expected);
  });

  test.each([
    ['loud', 'cannot use --progress "loud": no such way to show progress'],
    ['tty', 'cannot use --progress "tty": standard error is no terminal'],
  ])('refuses --progress=%s on a pipe', (option, message) => {
    expect(() => progressMode(option, testHost())).toThrow(message);
  });
});
