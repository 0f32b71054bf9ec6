import { parentPort } from 'node:worker_threads';
import { encodeError, isTsbuildError, systemErrorCode } from '../../support/errors.js';
import type { DigestAnswer, DigestQuestion } from './content-digester.js';
import { digestContent } from './digest-content.js';

// A thread that digests one file after the other, named by path: no content crosses between the threads.

async function answer(question: DigestQuestion): Promise<DigestAnswer> {
  try {
    return { kind: 'digest', ...(await digestContent(question)) };
  } catch (error) {
    if (isTsbuildError(error)) return { kind: 'refused', error: encodeError(error) };
    return { kind: 'failed', code: systemErrorCode(error), message: String(error) };
  }
}

parentPort?.on('message', (question: DigestQuestion) => {
  void answer(question).then((found) => {
    parentPort?.postMessage(found);
  });
});
