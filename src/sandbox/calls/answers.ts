import { errnoName } from '../../support/syscalls.js';
import type { TsbuildError } from '../../support/errors.js';
import type { Call, EncodedList, Memory } from './call-list.js';
import { RECORD } from './call-program.js';

/** What has come of a list. */
export interface Answer {
  readonly resultOf: (call: Call) => number;
  readonly bytesOf: (memory: Memory) => Buffer;
}

/** The call of a list that failed. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
  readonly call: Call;
  /** The name of errno. */
  readonly code: string;
  /** For the user. */
  readonly failure: TsbuildError;
  constructor({ call, code, failure }: Pick<CallFailed, 'call' | 'code' | 'failure'>) {
    super(failure.message);
    this.call = call;
    this.code = code;
    this.failure = failure;
  }
}

/** The error that a record tells of, unless it tells of none. */
export function failureIn(record: Buffer, { failureOf }: EncodedList): CallFailed | undefined {
  const errno = Number(-record.readBigInt64LE(RECORD.result));
  const tolerated = record.readBigUInt64LE(RECORD.tolerated);
  if (errno <= 0 || (errno < 64 && ((tolerated >> BigInt(errno)) & 1n) === 1n)) return undefined;
  const index = record.readUInt16LE(RECORD.tag);
  const failure = failureOf(index);
  const code = errnoName(errno);
  return failure === undefined ? undefined : new CallFailed({ call: { index }, code, failure: failure(code) });
}

export function answerIn(answer: Buffer, { startOf }: EncodedList): Answer {
  return {
    resultOf: ({ index }) => Number(answer.readBigInt64LE(index * RECORD.bytes + RECORD.result)),
    bytesOf: (memory) => answer.subarray(startOf(memory), startOf(memory) + memory.size),
  };
}

/** All that was written as answers to one list; one that is cut off is none. */
export function* answersIn(bytes: Buffer, encoded: EncodedList): Generator<Answer | CallFailed> {
  for (let rest = bytes; rest.length >= RECORD.bytes;) {
    const failed = failureIn(rest, encoded);
    if (failed === undefined && rest.length < encoded.answeredBytes) return;
    yield failed ?? answerIn(rest, encoded);
    rest = rest.subarray(failed === undefined ? encoded.answeredBytes : RECORD.bytes);
  }
}
