import { answerQuestions } from '../../support/thread-answer.js';
import { loadZstd } from './zstd-frame.js';
import type { FrameQuestion } from './zstd-threads.js';

// A thread that compresses one frame after the other.
answerQuestions(async ({ content, level }: FrameQuestion) => (await loadZstd())(content, level));
