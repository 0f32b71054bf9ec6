import { once } from 'node:events';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FromWorker, ToWorker, VisitOpened } from './build-messages.js';
import type { FailedStep, OpenVisit, Visit } from '../../builder/visit.js';
import type { ProgramOrder } from '../../sandbox/attachment.js';
import { feed } from '../../sandbox/streams/step-input.js';
import type { ChildProcess } from '../../support/child-process.js';

// A visitor sits before the process that the user started, and the sandbox is in another: bytes go through three sockets between
// them, at the pace of the slower one; orders are messages.

/** Descriptors of a worker that may have a visitor: what is typed, what is shown. */
const VISIT = { stdin: 4, stdout: 5, stderr: 6 } as const;

/** For `stdio` of such a worker, behind its first four. */
export const VISIT_STDIO = ['pipe', 'pipe', 'pipe'] as const;

/** The side of the visitor. Resolves when the visitor has left; rejects when there cannot be one. */
export async function receiveVisitor(
  child: ChildProcess,
  openVisit: OpenVisit,
  failed: FailedStep | undefined,
): Promise<void> {
  const streams: readonly unknown[] = child.stdio;
  const [stdin, stdout, stderr] = streams.slice(VISIT.stdin) as [Writable, Readable, Readable];
  using visit = await openVisit(failed);
  const { attachment } = visit;
  tell(child, {
    type: 'visit-opened',
    visit: { terminal: attachment.terminal, hasInput: attachment.stdin !== undefined },
  });
  using _orders = attachment.listen((order) => {
    tell(child, { type: 'order', order });
  });
  using _keys = attachment.stdin === undefined ? undefined : feed(attachment.stdin, stdin, { end: true });
  await Promise.all([pipeline(stdout, visit.stdout, { end: false }), pipeline(stderr, visit.stderr, { end: false })]);
}

function tell(child: ChildProcess, message: ToWorker): void {
  if (child.connected) child.send(message);
}

export interface VisitorSource {
  readonly send: (message: FromWorker) => void;
  /** Calls with every message that comes. */
  readonly listen: (listener: (message: ToWorker) => void) => Disposable;
  readonly signal: AbortSignal;
}

/** The side of the sandbox. What it wrote has been handed to the other side when the visit is over. */
export function visitorOf(source: VisitorSource): OpenVisit {
  return async (failed) => {
    const { visit: opened } = await answer(source, failed);
    const stdin = new Socket({ fd: VISIT.stdin, readable: true, writable: false });
    const [stdout, stderr] = [VISIT.stdout, VISIT.stderr].map(
      (fd) => new Socket({ fd, readable: false, writable: true }),
    ) as [Socket, Socket];
    return {
      attachment: {
        stdin: opened.hasInput ? stdin : undefined,
        terminal: opened.terminal,
        listen: (listener) => listenForOrders(source, listener),
      },
      stdout,
      stderr,
      [Symbol.dispose]: () => {
        stdin.destroy();
        for (const stream of [stdout, stderr]) stream.end();
      },
    } satisfies Visit;
  };
}

function listenForOrders({ listen }: VisitorSource, listener: (order: ProgramOrder) => void): Disposable {
  return listen((message) => {
    if (message.type === 'order') listener(message.order);
  });
}

async function answer({ send, listen, signal }: VisitorSource, failed: FailedStep | undefined): Promise<VisitOpened> {
  const answered = new AbortController();
  let opened: VisitOpened | undefined;
  using _listening = listen((message) => {
    if (message.type !== 'visit-opened') return;
    opened = message;
    answered.abort();
  });
  send({ type: 'visit', failed });
  await once(AbortSignal.any([signal, answered.signal]), 'abort');
  if (opened === undefined) throw signal.reason as Error;
  return opened;
}
