import { createDigester } from '../../oci/digest.js';
import { answerQuestions } from '../../support/thread-answer.js';
import type { ChunkQuestion } from './chunk-digester.js';
import { ChunkRing } from './chunk-ring.js';

// A thread that digests what another one inflates.
answerQuestions(({ memory, algorithm }: ChunkQuestion) => {
  const digester = createDigester(algorithm);
  for (const chunk of new ChunkRing(memory).chunks()) digester.update(chunk);
  return Promise.resolve(digester.finish());
});
