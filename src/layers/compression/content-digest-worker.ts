import { answerQuestions } from '../../support/thread-answer.js';
import { digestContent, type ContentFile } from './digest-content.js';

// A thread that digests one file after the other, named by path: no content crosses between the threads.
answerQuestions(async (file: ContentFile) => await digestContent(file));
