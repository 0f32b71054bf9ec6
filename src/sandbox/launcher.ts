import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { LaunchJob, LaunchMessage, LaunchSetting } from './launch-job.js';

/** A thread that waits to become a sandbox. Disposing it waits until the kernel has taken its namespaces apart. */
export interface LaunchThread extends AsyncDisposable {
  /** Resolves when the step and all it started are gone. Messages come in order, and none after that. */
  perform(job: LaunchJob, onMessage: (message: LaunchMessage) => void): Promise<void>;
}

/**
 * Keeps one thread ready: starting one takes 30 ms, setting a sandbox up in it 5. A thread is used once, since what it gives up
 * cannot be given back.
 */
export class Launcher implements AsyncDisposable {
  readonly #setting: LaunchSetting;
  #ready: Promise<LaunchThread> | undefined;

  constructor(setting: LaunchSetting) {
    this.#setting = setting;
  }

  /** Has the next thread started, if none is. */
  prepare(): void {
    if (this.#ready !== undefined) return;
    this.#ready = startThread(this.#setting);
    // Whoever takes it gets the error.
    this.#ready.catch(() => undefined);
  }

  take(): Promise<LaunchThread> {
    this.prepare();
    const ready = this.#ready ?? startThread(this.#setting);
    this.#ready = undefined;
    return ready;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ready = this.#ready;
    this.#ready = undefined;
    await (await ready)?.[Symbol.asyncDispose]();
  }
}

async function startThread(setting: LaunchSetting): Promise<LaunchThread> {
  const worker = new Worker(new URL('./launch-worker.js', import.meta.url), {
    workerData: setting,
    // Nothing of this process: neither its variables nor its flags (--inspect would open a port).
    env: {},
    execArgv: [],
    // Descriptors pass between the threads by number.
    trackUnmanagedFds: false,
  });
  const ready = await nextMessage(worker);
  if (ready.type !== 'ready') throw new Error(`internal error: a launch worker began with "${ready.type}"`);
  // A thread that only waits keeps nobody from ending.
  worker.unref();
  return {
    perform: (job, onMessage) => perform(worker, job, onMessage),
    [Symbol.asyncDispose]: () => end(worker, ready.thread),
  };
}

function nextMessage(worker: Worker): Promise<LaunchMessage> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => {
      reject(new Error('internal error: a launch worker ended before it was ready'));
    });
  });
}

function perform(worker: Worker, job: LaunchJob, onMessage: (message: LaunchMessage) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.ref();
    worker.on('message', (message: LaunchMessage) => {
      if (message.type === 'gone') resolve();
      else onMessage(message);
    });
    worker.once('error', reject);
    worker.once('exit', () => {
      reject(new Error('internal error: a launch worker ended before its step'));
    });
    worker.postMessage(job);
  });
}

/** A thread counts as ended a moment before it leaves its namespaces; they are left when its entry in /proc is gone. */
async function end(worker: Worker, thread: number): Promise<void> {
  await worker.terminate();
  while (existsSync(`/proc/self/task/${thread}`)) await setTimeout(1);
}
