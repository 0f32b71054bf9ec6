import { constants } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../../support/errors.js';
import { openPseudoTerminal } from '../../support/pseudo-terminal.js';
import { closeDescriptor } from '../../support/syscalls.js';
import type { ProgramOrder } from '../attachment.js';
import { attempt } from '../calls/attempt.js';
import type { Stdio } from '../calls/call-process.js';
import type { Launch } from '../namespaces/launcher.js';
import { descriptorPath } from '../mounts/rooted.js';
import { OutputPipes, OutputReaders } from './output-pipes.js';
import type { RunIo } from '../sandbox.js';
import { StepInput } from './step-input.js';
import { StepTerminal } from './step-terminal.js';

/** What comes and goes between a step and whoever runs it. */
export class StepStreams implements Disposable {
  /** For the launch; absent: it has pipes and an empty input of its own. */
  readonly stdio: Stdio | undefined;
  readonly #io: RunIo;
  readonly #attached: { readonly input: StepInput; readonly pipes: OutputPipes } | undefined;
  readonly #orders: Disposable | undefined;
  #readers: OutputReaders | undefined;
  #terminal: StepTerminal | undefined;
  /** The program's end of the terminal. */
  #theirs: number | undefined;
  /** Orders from before it was known whom to give them to: its first output may be seen earlier than word of its start. */
  #early: ProgramOrder[] = [];
  #program: number | undefined;

  constructor(io: RunIo) {
    this.#io = io;
    const { attachment } = io;
    if (attachment === undefined) return;
    const input = new StepInput(attachment.terminal === undefined ? attachment.stdin : undefined);
    const pipes = new OutputPipes(io);
    this.#attached = { input, pipes };
    this.stdio = [input.descriptor, pipes.stdout, pipes.stderr];
    this.#orders = attachment.listen((order) => {
      this.#obey(order);
    });
  }

  /** Once the launch has its descriptors. @returns as of `OutputReaders` */
  passedTo(launch: Launch): Promise<unknown> {
    if (this.#attached !== undefined) {
      this.#attached.pipes.closeWriters();
      this.#attached.input.closeReader();
      return this.#attached.pipes.finished;
    }
    this.#readers = new OutputReaders(this.#io, launch.takeOutputs());
    return this.#readers.finished;
  }

  /**
   * The terminal of a step whose visitor has one, of the step's own /dev, which must not have been moved yet.
   * @returns a descriptor, open until the step has started
   */
  openTerminal({ process, parts }: Launch, uid: number): number | undefined {
    const { attachment, stdout } = this.#io;
    if (attachment?.terminal === undefined) return undefined;
    const size = attachment.terminal;
    const ptmx = process.open(join(parts.dev, 'pts/ptmx'), constants.O_NOFOLLOW);
    try {
      const path = descriptorPath(ptmx);
      const { control, terminal } = attempt('open a terminal', () => openPseudoTerminal(path, { uid, size }));
      this.#terminal = new StepTerminal(control, attachment, stdout);
      this.#theirs = terminal;
      return terminal;
    } finally {
      closeDescriptor(ptmx);
    }
  }

  /** @param pid - of the program, in this process's pid namespace */
  started(pid: number): void {
    // As long as it is open here, the terminal is in use.
    this.#closeTheirs();
    this.#program = pid;
    for (const order of this.#early.splice(0)) this.#obey(order);
  }

  /** What was shown by the terminal has arrived. For when the step is gone. */
  async terminalFinished(): Promise<void> {
    this.#orders?.[Symbol.dispose]();
    this.#closeTheirs();
    await this.#terminal?.finished;
  }

  #obey(order: ProgramOrder): void {
    if (this.#program === undefined) this.#early.push(order);
    else if (order.type === 'resize') this.#terminal?.resize(order.size);
    else signalProgram(this.#program, order.signal);
  }

  #closeTheirs(): void {
    if (this.#theirs !== undefined) closeDescriptor(this.#theirs);
    this.#theirs = undefined;
  }

  [Symbol.dispose](): void {
    this.#orders?.[Symbol.dispose]();
    this.#closeTheirs();
    this.#attached?.input[Symbol.dispose]();
    this.#attached?.pipes[Symbol.dispose]();
    this.#readers?.[Symbol.dispose]();
    this.#terminal?.[Symbol.dispose]();
  }
}

function signalProgram(pid: number, signal: NodeJS.Signals | number): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It has ended, and we are about to hear of it.
    if (systemErrorCode(error) !== 'ESRCH') throw error;
  }
}
