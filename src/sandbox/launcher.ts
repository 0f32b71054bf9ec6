import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { decodeError } from '../support/errors.js';
import { closeDescriptor, openPipe } from '../support/syscalls.js';
import type { LaunchData, LaunchJob, LaunchMessage, LaunchSetting } from './launch-job.js';

/** A thread that waits to become a sandbox. Disposing it waits until the kernel has taken its namespaces apart. */
export interface LaunchThread extends AsyncDisposable {
  /** Resolves when the step and all it started are gone. Messages come in order, and none after that. */
  perform(job: LaunchJob, onMessage: (message: LaunchMessage) => void): Promise<void>;
  /** Kills everything in it. May be called again. */
  stop(): void;
}

/** More would only wait for one another: starting a thread takes a processor. */
const MAX_READY = 2;

/**
 * Keeps threads ready: starting one and making its namespaces takes 30 ms, the rest of a step 5. A thread is used once, since
 * what it gives up cannot be given back.
 */
export class Launcher implements AsyncDisposable {
  readonly #setting: LaunchSetting;
  readonly #ready: Promise<LaunchThread>[] = [];

  constructor(setting: LaunchSetting) {
    this.#setting = setting;
  }

  /** Has threads started, so that as many are ready, or on their way, as are wanted and of use. */
  prepare(wanted: number): void {
    while (this.#ready.length < Math.min(wanted, MAX_READY)) {
      const thread = startThread(this.#setting);
      // Whoever takes it gets the error.
      thread.catch(() => undefined);
      this.#ready.push(thread);
    }
  }

  take(): Promise<LaunchThread> {
    return this.#ready.shift() ?? startThread(this.#setting);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const threads = await Promise.allSettled(this.#ready.splice(0));
    for (const thread of threads) if (thread.status === 'fulfilled') await thread.value[Symbol.asyncDispose]();
  }
}

/** @throws `SANDBOX_FAILED` when this machine does not allow what it takes */
async function startThread(setting: LaunchSetting): Promise<LaunchThread> {
  const control = new ControlPipe();
  const data: LaunchData = { ...setting, control: control.read };
  const worker = new Worker(new URL('./launch-worker.js', import.meta.url), {
    workerData: data,
    // Nothing of this process: neither its variables nor its flags (--inspect would open a port).
    env: {},
    execArgv: [],
    // Descriptors pass between the threads by number.
    trackUnmanagedFds: false,
  });
  const heard = new Map<LaunchMessage['type'], LaunchMessage>();
  let gone = false;
  worker.on('message', (message: LaunchMessage) => {
    gone ||= message.type === 'gone';
  });
  worker.once('exit', () => {
    gone = true;
  });
  const end = async (): Promise<void> => {
    control[Symbol.dispose]();
    // Process 1 is the thread's child: a thread that is ended before it has seen that go leaves a zombie. One that failed has ended.
    worker.ref();
    if (!gone) await listen(worker, ['gone'], () => undefined).catch(() => undefined);
    const first = heard.get('thread');
    await worker.terminate();
    if (first?.type === 'thread') await threadGone(first.thread);
  };
  try {
    await listen(worker, ['ready', 'gone'], (message) => {
      heard.set(message.type, message);
      if (message.type === 'failed') control.stop();
    });
    const failed = heard.get('failed');
    if (failed?.type === 'failed') throw decodeError(failed.error);
  } catch (error) {
    await end();
    throw error;
  }
  // A thread that only waits keeps nobody from ending.
  worker.unref();
  return {
    perform: async (job, onMessage) => {
      worker.ref();
      worker.postMessage(job);
      await listen(worker, ['gone'], onMessage);
    },
    stop: () => {
      control.stop();
    },
    [Symbol.asyncDispose]: end,
  };
}

/** The pipe that a thread's process 1 reads from: what lives there dies when the writing end is closed, by us or by our death. */
class ControlPipe implements Disposable {
  readonly read: number;
  #write: number | undefined;
  #closed = false;

  constructor() {
    const { read, write } = openPipe();
    [this.read, this.#write] = [read, write];
  }

  stop(): void {
    if (this.#write !== undefined) closeDescriptor(this.#write);
    this.#write = undefined;
  }

  [Symbol.dispose](): void {
    this.stop();
    if (!this.#closed) closeDescriptor(this.read);
    this.#closed = true;
  }
}

/** Hears a worker until one of the given messages, which is the last one passed on. */
function listen(
  worker: Worker,
  last: readonly LaunchMessage['type'][],
  onMessage: (message: LaunchMessage) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const onEnd = (): void => {
      reject(new Error('internal error: a launch worker ended before its work'));
    };
    const listener = (message: LaunchMessage): void => {
      onMessage(message);
      if (!last.includes(message.type)) return;
      worker.off('message', listener).off('error', reject).off('exit', onEnd);
      resolve();
    };
    worker.on('message', listener).once('error', reject).once('exit', onEnd);
  });
}

/** A thread counts as ended a moment before it leaves its namespaces; they are left when its entry in /proc is gone. */
async function threadGone(thread: number): Promise<void> {
  while (existsSync(`/proc/self/task/${thread}`)) await setTimeout(1);
}
