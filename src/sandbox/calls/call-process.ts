import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { reapProcess, startBareProcess } from '../../support/bare-process.js';
import { bytesOfText } from '../../support/byte-string.js';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';
import { closeDescriptor, O_CLOEXEC, O_PATH, openInRoot, openPipe, RESOLVE } from '../../support/syscalls.js';
import { pathForOthers } from '../mounts/rooted.js';
import { answerIn, failureIn, type Answer, type CallFailed } from './answers.js';
import { CallList, messageOf, type EncodedList } from './call-list.js';
import { RECORD } from './call-program.js';

/** Descriptors for the program's first three. They stay the caller's, who may close them at once. */
export type Stdio = readonly [stdin: number, stdout: number, stderr: number];

/** A process that makes the system calls it is told (`callProgram`). Disposing it waits until it is gone. */
export class CallProcess implements AsyncDisposable {
  /** Its number in the pid namespace of this process. */
  readonly pid: number;
  readonly #answers: Socket;
  #control: number | undefined;
  #lists: number | undefined;
  #received: Buffer = Buffer.alloc(0);
  #ended = false;
  #reaped = false;
  #wake: () => void = () => undefined;
  #root: number | undefined;
  #number: string | undefined;

  /** @param program - the path of a `callProgram` */
  constructor(program: string, stdio: Stdio) {
    const [lists, answers, control] = [openPipe(), openPipe(), openPipe()];
    try {
      this.pid = startBareProcess(program, {
        name: 'tsbuild-init',
        descriptors: [...stdio, lists.read, answers.write, control.read],
      });
    } catch (error) {
      for (const { read, write } of [lists, answers, control]) [read, write].forEach(closeDescriptor);
      throw error;
    }
    [lists.read, answers.write, control.read].forEach(closeDescriptor);
    [this.#lists, this.#control] = [lists.write, control.write];
    this.#answers = new Socket({ fd: answers.read, readable: true, writable: false });
    void this.#listen();
  }

  /** To the end of all answers, whatever ends them. */
  async #listen(): Promise<void> {
    try {
      for await (const chunk of this.#answers as AsyncIterable<Buffer>) {
        this.#received = Buffer.concat([this.#received, chunk]);
        this.#wake();
      }
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
    } finally {
      this.#ended = true;
      this.#wake();
    }
  }

  /** Its number in /proc, when it has told it. */
  set number(number: string) {
    this.#number = number;
  }

  /** Whether its waiting keeps this process from ending. */
  hold(held: boolean): void {
    if (held) this.#answers.ref();
    else this.#answers.unref();
  }

  /** Has it make the calls of a list, which has to end with `answer` if `answer` is to be waited for. */
  send(list: EncodedList): void {
    try {
      // The program reads while this waits.
      for (let rest = messageOf(list); rest.length > 0 && this.#lists !== undefined;) {
        rest = rest.subarray(writeSync(this.#lists, rest));
      }
    } catch (error) {
      // It is gone: so its answers say.
      if (systemErrorCode(error) !== 'EPIPE') throw error;
    }
  }

  /** @throws the failure of the call that failed */
  async answer(encoded: EncodedList): Promise<Answer> {
    const first = await this.#take(RECORD.bytes);
    const failed = first === undefined ? undefined : failureIn(first, encoded);
    if (failed !== undefined) throw failed.failure;
    const rest = await this.#take(encoded.answeredBytes - RECORD.bytes);
    if (first === undefined || rest === undefined) throw endedEarly();
    return answerIn(Buffer.concat([first, rest]), encoded);
  }

  /** Sends a list that `fill` makes, and waits for its answer. */
  make(fill: (calls: CallList) => void): Promise<Answer> {
    const list = new CallList();
    fill(list);
    return this.perform(list);
  }

  perform(list: CallList): Promise<Answer> {
    list.answer();
    const encoded = list.encode();
    this.send(encoded);
    return this.answer(encoded);
  }

  /** Its last calls, whose answers may be several: one for each process that the list makes of this one. */
  async *end(list: CallList): AsyncGenerator<Answer | CallFailed> {
    const encoded = list.encode();
    this.send(encoded);
    for (;;) {
      const first = await this.#take(RECORD.bytes);
      if (first === undefined) return;
      const failed = failureIn(first, encoded);
      if (failed !== undefined) yield failed;
      else {
        const rest = await this.#take(encoded.answeredBytes - RECORD.bytes);
        if (rest === undefined) return;
        yield answerIn(Buffer.concat([first, rest]), encoded);
      }
    }
  }

  /** Opens a path as the process sees it, links and all, with O_PATH. Not after it has changed its root. */
  open(path: string, flags = 0): number {
    this.#root ??= openSync(`/proc/${this.#number ?? this.pid}/root`, O_PATH | constants.O_DIRECTORY);
    return openInRoot(this.#root, bytesOfText(path), { flags: O_PATH | O_CLOEXEC | flags, resolve: RESOLVE.inRoot });
  }

  /** A file of its own /proc. */
  file(name: string): string {
    return `/proc/${this.#number ?? this.pid}/${name}`;
  }

  /** The path by which it finds what this process has open. */
  pathOf(descriptor: number): string {
    return pathForOthers(descriptor);
  }

  /** Closes the pipe `CALL_DESCRIPTORS.control`. May be called again. */
  stop(): void {
    if (this.#control !== undefined) closeDescriptor(this.#control);
    this.#control = undefined;
  }

  /** May be called again. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    if (this.#lists !== undefined) closeDescriptor(this.#lists);
    this.#lists = undefined;
    if (this.#root !== undefined) closeSync(this.#root);
    this.#root = undefined;
    this.hold(true);
    while (!this.#ended) await this.#more();
    if (!this.#reaped) reapProcess(this.pid);
    this.#reaped = true;
  }

  /** `undefined` at the end of all answers. */
  async #take(size: number): Promise<Buffer | undefined> {
    while (this.#received.length < size && !this.#ended) await this.#more();
    if (this.#received.length < size) return undefined;
    const taken = this.#received.subarray(0, size);
    this.#received = this.#received.subarray(size);
    return taken;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

function endedEarly(): TsbuildError {
  return new TsbuildError('SANDBOX_FAILED', 'cannot set up the sandbox: the process that does it was killed');
}
