import { TsbuildError } from '../../support/errors.js';

// The SSH agent protocol (draft-ietf-sshm-ssh-agent): messages of a type byte and what belongs to it, each behind its length.

export const MESSAGE = {
  failure: 5,
  requestIdentities: 11,
  identities: 12,
  signRequest: 13,
  signResponse: 14,
  extension: 27,
} as const;

/** OpenSSH's own limit (authfd.c). */
const MAX_MESSAGE = 256 * 1024;

export const FAILURE: Buffer = Buffer.from([MESSAGE.failure]);

export function frame(message: Uint8Array): Buffer {
  return sshString(message);
}

/** The messages of a connection, without their lengths. Ends with the connection; what is cut off at its end is dropped. */
export async function* readMessages(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 4) {
      const length = pending.readUInt32BE(0);
      if (length === 0 || length > MAX_MESSAGE) throw malformed(`a message of ${length} bytes`);
      if (pending.length < 4 + length) break;
      yield pending.subarray(4, 4 + length);
      pending = pending.subarray(4 + length);
    }
  }
}

function malformed(what: string): TsbuildError {
  return new TsbuildError('SANDBOX_FAILED', `cannot talk to an ssh agent: ${what}`);
}

/** string of RFC 4251, section 5. */
export function sshString(value: Uint8Array | string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** mpint of RFC 4251 for a number that is not negative, from its bytes, most significant first. */
export function sshInteger(value: Uint8Array): Buffer {
  const first = value.findIndex((byte) => byte !== 0);
  const digits = first === -1 ? Buffer.alloc(0) : Buffer.from(value.subarray(first));
  const negative = ((digits[0] ?? 0) & 0x80) !== 0;
  return sshString(negative ? Buffer.concat([Buffer.from([0]), digits]) : digits);
}

/** Takes values of RFC 4251 off the front of a message. @throws `RangeError` where it ends too early */
export class SshReader {
  #rest: Buffer;

  constructor(bytes: Uint8Array) {
    this.#rest = Buffer.from(bytes);
  }

  byte(): number {
    return this.#take(1).readUInt8();
  }

  integer(): number {
    return this.#take(4).readUInt32BE();
  }

  string(): Buffer {
    return this.#take(this.integer());
  }

  #take(count: number): Buffer {
    if (this.#rest.length < count) throw new RangeError('an ssh value is cut off');
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return taken;
  }
}
