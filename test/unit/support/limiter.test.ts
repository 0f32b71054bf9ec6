import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createLimiter } from '../../../src/support/limiter.js';

test('runs no more tasks at once than it may, and all of them', async () => {
  const limiter = createLimiter(2);
  let running = 0;
  let most = 0;
  const results = await Promise.all(
    [1, 2, 3, 4, 5].map((value) =>
      limiter.run(async () => {
        running += 1;
        most = Math.max(most, running);
        await delay(5);
        running -= 1;
        return value * 2;
      }),
    ),
  );
  expect(results).toEqual([2, 4, 6, 8, 10]);
  expect(most).toBe(2);
});

test('fails as its task fails, and goes on with the others', async () => {
  const limiter = createLimiter(1);
  const failure = limiter.run(() => Promise.reject(new Error('broken')));
  const success = limiter.run(() => Promise.resolve('fine'));
  await expect(failure).rejects.toThrow('broken');
  await expect(success).resolves.toBe('fine');
});

test('does not start a waiting task that was cancelled, and waits for one that runs', async () => {
  const limiter = createLimiter(1);
  const { signal, cancel } = ((controller) => ({ signal: controller.signal, cancel: () => controller.abort() }))(
    new AbortController(),
  );
  let started = 0;
  let release: () => void = () => undefined;
  const task = async (): Promise<string> => {
    started += 1;
    await new Promise<void>((resolve) => (release = resolve));
    return 'done';
  };
  const running = limiter.run(task, { signal });
  const waiting = limiter.run(task, { signal });
  const refused = expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
  while (started === 0) await delay(1);
  cancel();
  await refused;
  release();
  await expect(running).resolves.toBe('done');
  expect(started).toBe(1);
  await expect(limiter.run(task, { signal })).rejects.toMatchObject({ code: 'ABORTED' });
});
