import { parentPort, workerData } from 'node:worker_threads';
import { digestGrowingFile, type GrowingFile } from './digest-growing-file.js';

// A thread that digests one file while another writes it. Whoever started it hears of what is thrown.
parentPort?.postMessage(digestGrowingFile(workerData as GrowingFile));
