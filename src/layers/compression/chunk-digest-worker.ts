import { answerQuestions } from '../../support/thread-answer.js';
import type { ChunkQuestion } from './chunk-digester.js';
import { ChunkRing } from './chunk-ring.js';
import { openCopyingDigester } from './copying-digester.js';

// A thread that digests, and may write to a file, what another one inflates.
answerQuestions(({ memory, ...copying }: ChunkQuestion) => {
  using digester = openCopyingDigester(copying);
  const failures: unknown[] = [];
  for (const chunk of new ChunkRing(memory).chunks()) {
    // Whoever fills the ring waits for it to be emptied, and hears of a failure in the end.
    if (failures.length > 0) continue;
    try {
      digester.update(chunk);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return Promise.resolve(digester.finish());
});
