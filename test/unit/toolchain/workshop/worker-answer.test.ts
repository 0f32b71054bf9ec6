import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import type { WorkerResult } from '../../../../src/toolchain/workshop/build-messages.js';
import { answerOf, type WorkerProcess } from '../../../../src/toolchain/workshop/worker-answer.js';

const RESULT = { type: 'built', builds: [{ imageId: 'sha256:0' }] } as unknown as WorkerResult;

class FakeWorker extends EventEmitter {
  connected = true;

  disconnect(): void {
    this.connected = false;
    this.emit('disconnect');
  }
}

function asked(): { readonly worker: FakeWorker; readonly answer: Promise<WorkerResult | null> } {
  const worker = new FakeWorker();
  return { worker, answer: answerOf(worker as unknown as WorkerProcess, () => undefined) };
}

test('an answer that is read before the end counts', async () => {
  const { worker, answer } = asked();
  worker.emit('message', { type: 'done', result: RESULT });
  worker.disconnect();
  worker.emit('exit', 0, null);
  expect(await answer).toBe(RESULT);
});

test('an answer that is read after the end counts too', async () => {
  const { worker, answer } = asked();
  worker.emit('exit', 0, null);
  worker.emit('message', { type: 'done', result: RESULT });
  worker.disconnect();
  expect(await answer).toBe(RESULT);
});

test.each([
  [0, null, 'status 0'],
  [null, 'SIGKILL', 'SIGKILL'],
])('an end without an answer is an error (%j, %j)', async (code, signal, state) => {
  const { worker, answer } = asked();
  worker.emit('exit', code, signal);
  worker.disconnect();
  await expect(answer).rejects.toMatchObject({
    code: 'SANDBOX_FAILED',
    message: `cannot finish the build: its process ended with ${state}`,
  });
});

test('a failure is told with its code', async () => {
  const { worker, answer } = asked();
  worker.emit('message', { type: 'failed', error: { code: 'RUN_FAILED', message: 'cannot run "x": exit code 1' } });
  worker.disconnect();
  worker.emit('exit', 0, null);
  await expect(answer).rejects.toMatchObject({ code: 'RUN_FAILED', message: 'cannot run "x": exit code 1' });
});
