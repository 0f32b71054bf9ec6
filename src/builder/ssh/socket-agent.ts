import { once } from 'node:events';
import { connect } from 'node:net';
import type { Agent, AgentSession } from './agent.js';
import { frame, readMessages } from './agent-protocol.js';

/** The agent that listens on a socket of this machine. */
export class SocketAgent implements Agent {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async open(): Promise<AgentSession> {
    const socket = connect(this.#path);
    // A failure shows in the next message that is read.
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const answers = readMessages(socket);
    return {
      ask: async (message) => {
        socket.write(frame(message));
        const answer = await answers.next();
        if (answer.done === true) throw new Error('the ssh agent closed its connection');
        return answer.value;
      },
      [Symbol.dispose]: () => {
        socket.destroy();
      },
    };
  }
}
