import type { Agent, AgentSession } from './agent.js';
import { FAILURE, MESSAGE, SshReader, sshString } from './agent-protocol.js';
import type { PrivateKey } from './private-key.js';

/** An agent of this process, for keys that are given as files: they stay in here. */
export class KeyAgent implements Agent {
  readonly #keys: readonly PrivateKey[];

  constructor(keys: readonly PrivateKey[]) {
    this.#keys = keys;
  }

  open(): Promise<AgentSession> {
    return Promise.resolve({
      ask: (message) => Promise.resolve(this.#answer(message)),
      [Symbol.dispose]: () => undefined,
    });
  }

  #answer(message: Buffer): Buffer {
    try {
      const reader = new SshReader(message);
      const type = reader.byte();
      if (type === MESSAGE.requestIdentities) return this.#identities();
      return type === MESSAGE.signRequest ? this.#sign(reader) : FAILURE;
    } catch (error) {
      if (error instanceof RangeError) return FAILURE;
      throw error;
    }
  }

  #identities(): Buffer {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(this.#keys.length);
    const entries = this.#keys.flatMap(({ publicBlob, comment }) => [sshString(publicBlob), sshString(comment)]);
    return Buffer.concat([Buffer.from([MESSAGE.identities]), count, ...entries]);
  }

  #sign(reader: SshReader): Buffer {
    const blob = reader.string();
    const data = reader.string();
    const flags = reader.integer();
    const key = this.#keys.find(({ publicBlob }) => publicBlob.equals(blob));
    if (key === undefined) return FAILURE;
    return Buffer.concat([Buffer.from([MESSAGE.signResponse]), sshString(key.sign(data, flags))]);
  }
}
