import { answerQuestions } from '../../support/thread-answer.js';
import { loadSystemCalls } from '../../support/syscalls.js';
import { unpackLayerJob, type LayerJob } from './layer-job.js';

// A thread that unpacks one layer after the other: neither blobs nor files cross between the threads.
loadSystemCalls();
answerQuestions(async (job: LayerJob) => await unpackLayerJob(job));
