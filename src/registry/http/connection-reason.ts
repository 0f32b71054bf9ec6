import { systemErrorCode } from '../../support/errors.js';
import { ConnectionError } from './http-message.js';

const REASONS: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['ECONNRESET', 'the connection was reset'],
  ['EPIPE', 'the connection was closed'],
  ['ETIMEDOUT', 'the connection timed out'],
  ['EHOSTUNREACH', 'no route to the host'],
  ['ENETUNREACH', 'the network is unreachable'],
  ['ENOTFOUND', 'no such host'],
  ['EAI_AGAIN', 'the host name cannot be looked up just now'],
  ['EPROTO', 'the other side does not speak TLS'],
  ['CERT_HAS_EXPIRED', 'its certificate has expired'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'its certificate is self-signed'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'its certificate is signed by an authority that is not trusted here'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'its certificate is signed by an authority that is not trusted here'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'its certificate is signed by an authority that is not trusted here'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another host'],
]);

const TRANSIENT: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/** What Node says about a connection, in words, and whether to try again. */
export function connectionError(error: unknown, reused: boolean): ConnectionError {
  if (error instanceof ConnectionError) return error;
  const code = systemErrorCode(error) ?? '';
  // Docker Hub has sent its 429 with bare line feeds, which Node's parser refuses: HPE_* is the busy registry's answer.
  const malformed = code.startsWith('HPE_');
  const reason = malformed ? `it answered with malformed HTTP (${code})` : (REASONS.get(code) ?? messageOf(error));
  return new ConnectionError(reason, {
    transient: malformed || TRANSIENT.has(code),
    stale: reused && (code === 'ECONNRESET' || code === 'EPIPE'),
    cause: error,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.toLowerCase() : 'the connection failed';
}
