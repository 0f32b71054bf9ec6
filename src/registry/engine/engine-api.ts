import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { isTsbuildError, systemErrorCode, TsbuildError } from '../../support/errors.js';

/** Where an engine's API listens: a socket of this machine, or a host without TLS. */
export type EngineAddress = { readonly socket: string } | { readonly host: string; readonly port: number };

/** Whether something that speaks Docker's API answers there. */
export async function isEngine(address: EngineAddress, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await answerOf(send(address, { method: 'GET', path: '/_ping', signal }, undefined));
    response.resume();
    return response.statusCode === 200;
  } catch (error) {
    signal.throwIfAborted();
    if (systemErrorCode(error) === undefined) throw error;
    return false;
  }
}

/**
 * Has an engine load an archive that `docker load` reads (Docker Engine API, "Import images"; podman's service has the same).
 * @throws `OUTPUT_FAILED` with what the engine says, `ABORTED`
 */
export async function loadIntoEngine(
  address: EngineAddress,
  archive: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  try {
    const options = { method: 'POST', path: '/images/load?quiet=1', headers: { 'content-type': 'application/x-tar' } };
    const response = await answerOf(send(address, { ...options, signal }, archive));
    const said = complaint(await textOf(response), response.statusCode ?? 0);
    if (said !== undefined) throw refused(address, said);
  } catch (error) {
    if (signal.aborted)
      throw new TsbuildError('ABORTED', 'cannot hand over the image: it was cancelled', { cause: error });
    if (isTsbuildError(error)) throw error;
    throw refused(address, systemErrorCode(error) ?? String(error), error);
  }
}

function send(
  address: EngineAddress,
  options: RequestOptions,
  body: AsyncIterable<Uint8Array> | undefined,
): { readonly request: ClientRequest; readonly sent: Promise<void> } {
  const place = 'socket' in address ? { socketPath: address.socket, host: 'localhost' } : address;
  const sending = request({ ...options, ...place, agent: false });
  if (body !== undefined) return { request: sending, sent: pipeline(body, sending) };
  sending.end();
  return { request: sending, sent: Promise.resolve() };
}

/** An engine that refuses may answer before it has read everything, and close. */
async function answerOf({ request: sending, sent }: ReturnType<typeof send>): Promise<IncomingMessage> {
  sent.catch(() => undefined);
  const [response] = (await once(sending, 'response')) as [IncomingMessage];
  if ((response.statusCode ?? 0) < 300) await sent;
  return response;
}

/** An engine's answers are short; a longer one is cut. */
const MAX_ANSWER = 1 << 20;

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_ANSWER) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A line each, as JSON: an error may come after a good status. */
function complaint(text: string, status: number): string | undefined {
  for (const line of text.split('\n')) {
    const { error, message } = parsed(line);
    if (typeof error === 'string') return error;
    if (status >= 300 && typeof message === 'string') return message;
  }
  return status >= 300 ? `it answered with status ${status}` : undefined;
}

function parsed(line: string): { readonly error?: unknown; readonly message?: unknown } {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function refused(address: EngineAddress, state: string, cause?: unknown): TsbuildError {
  const where = 'socket' in address ? address.socket : `${address.host}:${address.port}`;
  return new TsbuildError('OUTPUT_FAILED', `cannot hand the image to the engine at "${where}": ${state.trim()}`, {
    hint: 'Save it to a file with -o type=docker,dest=FILE, and load that by hand to see more.',
    cause,
  });
}
