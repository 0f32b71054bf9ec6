import { closeSync, openSync } from 'node:fs';
import { invariant } from '../../support/invariant.js';
import { closeDescriptor, openPipe } from '../../support/syscalls.js';
import { CallList, type EncodedList } from '../calls/call-list.js';
import { CallProcess, type Stdio } from '../calls/call-process.js';
import { closeOthers } from '../calls/own-descriptors.js';
import { partsAt, type Parts } from '../mounts/parts.js';
import { cannotMount, isProc } from '../mounts/rooted.js';
import { prepareSandbox, type Preparation } from './prepare-sandbox.js';

/** What every launch has. */
export interface LaunchSetting {
  /** The path of a `callProgram`. */
  readonly program: string;
  /** An empty directory to mount on. */
  readonly directory: string;
}

/**
 * A process that waits to become a step, in namespaces that hold what every step has. Disposing it ends all that is in them, and waits
 * until the kernel has taken them apart.
 */
export interface Launch extends AsyncDisposable {
  readonly process: CallProcess;
  readonly parts: Parts;
  /** Process 1 of the step's pid namespace, by its number in this process's. It does nothing but wait. */
  readonly init: number;
  /** Reading ends of pipes from its outputs, which become the caller's; not where it was given descriptors. To be called once. */
  takeOutputs(): Outputs;
}

interface Outputs {
  readonly stdout: number;
  readonly stderr: number;
}

/** More would only wait for one another. */
const MAX_READY = 2;

/** Keeps launches ready: what needs no knowledge of a step is most of its start. A launch is used once. */
export class Launcher implements AsyncDisposable {
  readonly #setting: LaunchSetting;
  readonly #ready: Preparing[] = [];
  /** The same for all. */
  #plan: LaunchPlan | undefined;

  constructor(setting: LaunchSetting) {
    this.#setting = setting;
  }

  /** Has launches started, so that as many are ready, or on their way, as are wanted and of use. */
  prepare(wanted: number): void {
    while (this.#ready.length < Math.min(wanted, MAX_READY)) this.#ready.push(this.#start());
  }

  /**
   * A launch with pipes for its outputs and an empty input, or with the given descriptors.
   * @throws `SANDBOX_FAILED` when this machine does not allow what it takes
   */
  async take(stdio?: Stdio): Promise<Launch> {
    const preparing = stdio === undefined ? this.#ready.shift() : undefined;
    return await (preparing ?? this.#start(stdio)).finish();
  }

  #start(stdio?: Stdio): Preparing {
    this.#plan ??= planLaunch(this.#setting);
    return new Preparing(this.#plan, stdio);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const preparing of this.#ready.splice(0)) await preparing[Symbol.asyncDispose]();
  }
}

interface LaunchPlan {
  readonly program: string;
  readonly parts: Parts;
  readonly preparation: Preparation;
  readonly list: EncodedList;
}

function planLaunch({ program, directory }: LaunchSetting): LaunchPlan {
  const calls = new CallList();
  const parts = partsAt(directory);
  const preparation = prepareSandbox(calls, parts);
  calls.answer();
  return { program, parts, preparation, list: calls.encode() };
}

/** A launch that was told what to do, and not yet asked what came of it. */
class Preparing implements AsyncDisposable {
  readonly #plan: LaunchPlan;
  readonly #process: CallProcess;
  #outputs: Outputs | undefined;

  constructor(plan: LaunchPlan, stdio?: Stdio) {
    this.#plan = plan;
    if (stdio === undefined) {
      const pipes = new StandardPipes();
      this.#process = pipes.during((descriptors) => new CallProcess(plan.program, descriptors));
      this.#outputs = pipes.outputs;
    } else {
      this.#process = new CallProcess(plan.program, stdio);
    }
    // What only waits keeps nobody from ending.
    this.#process.hold(false);
    this.#process.send(plan.list);
  }

  async finish(): Promise<Launch> {
    const process = this.#process;
    process.hold(true);
    try {
      const { parts, preparation, list } = this.#plan;
      const answer = await process.answer(list);
      const { init, closing, number } = preparation;
      const text = answer.bytesOf(number).toString('latin1');
      process.number = text.slice(0, text.indexOf('\0'));
      if (answer.resultOf(closing) < 0) await closeOthers(process);
      requireProc(process, parts);
      return {
        ...{ process, parts, init: answer.resultOf(init) },
        takeOutputs: () => this.#takeOutputs(),
        [Symbol.asyncDispose]: () => this[Symbol.asyncDispose](),
      };
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  #takeOutputs(): Outputs {
    const outputs = this.#outputs;
    invariant(outputs !== undefined, 'the outputs of a launch are taken');
    this.#outputs = undefined;
    return outputs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
    const outputs = this.#outputs;
    this.#outputs = undefined;
    if (outputs !== undefined) [outputs.stdout, outputs.stderr].forEach(closeDescriptor);
  }
}

/** An empty input, and two pipes. */
class StandardPipes {
  readonly outputs: Outputs;
  readonly #theirs: Stdio;

  constructor() {
    const [stdout, stderr] = [openPipe(), openPipe()];
    this.outputs = { stdout: stdout.read, stderr: stderr.read };
    this.#theirs = [openSync('/dev/null', 'r'), stdout.write, stderr.write];
  }

  /** Their ends are open here only while `start` passes them on: as long as they are, there is no end of the output. */
  during<T>(start: (stdio: Stdio) => T): T {
    let started = false;
    try {
      const result = start(this.#theirs);
      started = true;
      return result;
    } finally {
      for (const descriptor of this.#theirs) closeSync(descriptor);
      if (!started) [this.outputs.stdout, this.outputs.stderr].forEach(closeDescriptor);
    }
  }
}

/** Who mounted /proc is not to be trusted: the kernel says what it is. */
function requireProc(process: CallProcess, { proc }: Parts): void {
  const descriptor = process.open(proc);
  try {
    if (isProc(descriptor)) return;
    throw cannotMount('/proc', 'the mounted file system is not proc');
  } finally {
    closeDescriptor(descriptor);
  }
}
