import { describe, expect, test } from 'vitest';
import type { ProgressEvent } from '../../../../src/builder/progress.js';
import { BuildLog, type StepLog } from '../../../../src/cli/report/build-log.js';

const write = (step: string, text: string, at = 1): ProgressEvent => ({
  type: 'step-log',
  step,
  at,
  stream: 'stdout',
  chunk: Buffer.from(text),
});

function logOf(step: string, events: readonly ProgressEvent[]): StepLog | undefined {
  const log = new BuildLog();
  for (const event of events) log.handle(event);
  return log.facts().logs.get(step);
}
const size = ({ head, tail }: StepLog): number => [...head, ...tail].join('\n').length;

describe('the log of a build', () => {
  test('has what a step wrote, without what moves a cursor', () => {
    const events = [write('a', 'one\n\u001b[31mred\u001b[0m'), write('a', ' end\n10%\r100%\n'), write('b', 'other\n')];
    expect(logOf('a', events)).toEqual({ head: ['one', 'red end', '100%'], omitted: 0, tail: [] });
  });

  test('keeps the beginning and the end of much output, and says how much is missing', () => {
    const lines = Array.from({ length: 8000 }, (_, number) => `line ${number} ${'x'.repeat(100)}`);
    const chunks = Array.from({ length: 80 }, (_, number) => lines.slice(number * 100, (number + 1) * 100));
    const events = chunks.map((chunk) => write('a', `${chunk.join('\n')}\n`));
    const log = logOf('a', events);
    expect(log?.head[0]).toBe(lines[0]);
    expect(log?.tail.at(-1)).toBe(lines.at(-1));
    expect((log?.head.length ?? 0) + (log?.tail.length ?? 0) + (log?.omitted ?? 0)).toBe(lines.length);
    expect(log === undefined ? 0 : size(log)).toBeLessThanOrEqual(256 << 10);
  });

  test('of many steps that write much, no more is kept than a page can hold', () => {
    const log = new BuildLog();
    for (let step = 0; step < 50; step += 1) {
      log.handle(write(String(step), `${'x'.repeat(40_000)}\n`.repeat(5)));
    }
    const all = [...log.facts().logs.values()];
    expect(all.reduce((sum, each) => sum + size(each), 0)).toBeLessThanOrEqual(8 << 20);
    expect(all.at(-1)).toEqual({ head: [], omitted: 5, tail: [] });
  });

  test('begins and ends with the times of the events', () => {
    const log = new BuildLog();
    log.handle({ type: 'notice', message: 'x' });
    log.handle({ type: 'step-started', step: 'a', at: 100 });
    log.handle({ type: 'step-done', step: 'a', at: 250 });
    expect(log.facts()).toMatchObject({ startedAt: 100, endedAt: 250 });
  });
});
