import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type AgentOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect, type ConnectionOptions } from 'node:tls';
import { ConnectionError } from './http-message.js';
import { defaultPort, proxyAuthorization } from './http-proxy.js';

type OnConnection = (error: Error | null, socket?: Duplex) => void;

/** An agent whose connections are TLS inside a tunnel that the proxy opens (RFC 9110 §9.3.6, CONNECT). */
export function tunnelAgent(proxy: URL, options: AgentOptions & { readonly connectMs: number }): HttpsAgent {
  const agent = new HttpsAgent(options);
  const createConnection = (target: ConnectionOptions, onConnection: OnConnection): undefined => {
    openTunnel(proxy, `${target.host ?? ''}:${target.port ?? 443}`, options.connectMs).then(
      (socket) => {
        onConnection(null, tlsConnect({ ...target, socket }));
      },
      (error: unknown) => {
        onConnection(error instanceof Error ? error : new Error(String(error)));
      },
    );
  };
  return Object.assign(agent, { createConnection });
}

async function openTunnel(proxy: URL, authority: string, connectMs: number): Promise<Socket> {
  const request = connectRequest(proxy, authority);
  const failed = (reason: string, cause?: unknown): ConnectionError =>
    new ConnectionError(`the proxy ${proxy.host} ${reason}`, { transient: true, cause });
  return await new Promise((resolve, reject) => {
    request.setTimeout(connectMs, () => request.destroy(failed('does not answer')));
    request.once('error', (error) => {
      reject(error instanceof ConnectionError ? error : failed(`cannot be used: ${error.message}`, error));
    });
    request.once('connect', (response: IncomingMessage, socket: Socket) => {
      socket.setTimeout(0);
      if (response.statusCode === 200) {
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(new ConnectionError(refusal(proxy, response.statusCode ?? 0), { transient: false }));
    });
    request.end();
  });
}

function connectRequest(proxy: URL, authority: string): ClientRequest {
  const authorization = proxyAuthorization(proxy);
  const options = {
    method: 'CONNECT',
    host: proxy.hostname,
    port: proxy.port === '' ? defaultPort(proxy) : proxy.port,
    path: authority,
    headers: { host: authority, ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }) },
    agent: false,
  };
  return proxy.protocol === 'https:' ? httpsRequest(options) : httpRequest(options);
}

function refusal(proxy: URL, status: number): string {
  const wants = status === 407 ? ': it wants a user and password (http://user:password@host:port)' : '';
  return `the proxy ${proxy.host} refused the connection with status ${status}${wants}`;
}
