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
  const alert = tlsAlert(error);
  if (alert !== undefined) {
    return new ConnectionError(alertReason(alert), { transient: false, speaksTls: true, cause: error });
  }
  const reason = malformed ? `it answered with malformed HTTP (${code})` : (REASONS.get(code) ?? messageOf(error));
  return new ConnectionError(reason, {
    transient: malformed || TRANSIENT.has(code),
    stale: reused && (code === 'ECONNRESET' || code === 'EPIPE'),
    cause: error,
  });
}

/** Alerts about certificates (RFC 8446 §6.2): what the client showed, or that it showed none. */
const CERTIFICATE_ALERTS: ReadonlySet<number> = new Set([41, 42, 43, 44, 45, 46, 48, 116]);

function alertReason(alert: number): string {
  if (CERTIFICATE_ALERTS.has(alert)) return 'it wants a client certificate, or another one';
  const state = `it broke off the TLS handshake (alert ${alert})`;
  // handshake_failure: what TLS 1.2 says when there is none, and of ciphers that do not match.
  return alert === 40 ? `${state}, perhaps for want of a client certificate` : state;
}

/**
 * The alert that the other side sent. Node has a code for some of them and EPROTO for others; OpenSSL's own number is in the text
 * of all: library 20 in the upper bits, and 1000 and the alert in the lower (openssl/sslerr.h, SSL_AD_REASON_OFFSET).
 */
function tlsAlert(error: unknown): number | undefined {
  const hex = error instanceof Error ? /error:0A([0-9A-F]{6}):/.exec(error.message)?.[1] : undefined;
  const reason = hex === undefined ? 0 : Number.parseInt(hex, 16) & 0x7fffff;
  return reason >= 1000 && reason < 1256 ? reason - 1000 : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.toLowerCase() : 'the connection failed';
}
