import { createPrivateKey, sign, type JsonWebKey, type KeyObject } from 'node:crypto';
import { TsbuildError } from '../../support/errors.js';
import { sshInteger, SshReader, sshString } from './agent-protocol.js';

/** A key that signs, and what names it to a server. */
export interface PrivateKey {
  /** RFC 4253, section 6.6: the key type and its public numbers. */
  readonly publicBlob: Buffer;
  readonly comment: string;
  /** @returns a signature as the agent protocol has it, or `undefined` for flags that this type of key has no meaning for */
  readonly sign: (data: Uint8Array, flags: number) => Buffer;
}

const BEGIN = '-----BEGIN OPENSSH PRIVATE KEY-----';
const END = '-----END OPENSSH PRIVATE KEY-----';

/**
 * Reads a private key file: OpenSSH's own format, or PEM (PKCS #1, SEC 1, PKCS #8); Ed25519, ECDSA or RSA; without a passphrase.
 * @throws `USAGE`
 */
export function readPrivateKey(text: string, file: string): PrivateKey {
  const start = text.indexOf(BEGIN);
  try {
    if (start !== -1) return fromOpenSsh(text.slice(start + BEGIN.length, text.indexOf(END)), file);
    if (text.includes('ENCRYPTED')) throw protectedKey(file);
    return privateKey(createPrivateKey(text), '');
  } catch (error) {
    if (error instanceof TsbuildError) throw error;
    throw new TsbuildError('USAGE', `cannot use ssh key "${file}": it is no private key that can be read`, {
      hint: 'Give the file of an Ed25519, ECDSA or RSA key, or add the key to an ssh agent (ssh-add) and give that.',
      cause: error,
    });
  }
}

function protectedKey(file: string): TsbuildError {
  return new TsbuildError('USAGE', `cannot use ssh key "${file}": it is protected by a passphrase`, {
    hint: `Run "ssh-add ${file}" and give the agent: --ssh default.`,
  });
}

/** PROTOCOL.key of OpenSSH. */
function fromOpenSsh(base64: string, file: string): PrivateKey {
  const bytes = Buffer.from(base64, 'base64');
  const magic = 'openssh-key-v1\0';
  if (bytes.toString('latin1', 0, magic.length) !== magic) throw new RangeError('not an OpenSSH key');
  const reader = new SshReader(bytes.subarray(magic.length));
  const cipher = reader.string().toString('latin1');
  if (cipher !== 'none') throw protectedKey(file);
  reader.string();
  reader.string();
  if (reader.integer() !== 1) throw new RangeError('more than one key');
  reader.string();
  const secret = new SshReader(reader.string());
  if (secret.integer() !== secret.integer()) throw new RangeError('damaged');
  const jwk = jsonWebKey(secret);
  return privateKey(createPrivateKey({ key: jwk, format: 'jwk' }), secret.string().toString('utf8'));
}

function jsonWebKey(reader: SshReader): JsonWebKey {
  const type = reader.string().toString('latin1');
  if (type === 'ssh-ed25519') {
    const x = reader.string();
    const d = reader.string().subarray(0, 32);
    return { kty: 'OKP', crv: 'Ed25519', x: base64Url(x), d: base64Url(d) };
  }
  if (type === 'ssh-rsa') return rsaJsonWebKey(reader);
  const curve = CURVES.find(({ ssh }) => type === `ecdsa-sha2-${ssh}`);
  if (curve === undefined) throw new RangeError(`type ${type}`);
  reader.string();
  const point = reader.string();
  const d = leftPadded(reader.string(), curve.size);
  const [x, y] = [point.subarray(1, 1 + curve.size), point.subarray(1 + curve.size)];
  return { kty: 'EC', crv: curve.jwk, x: base64Url(x), y: base64Url(y), d: base64Url(d) };
}

function rsaJsonWebKey(reader: SshReader): JsonWebKey {
  const [n, e, d, qi, p, q] = [1, 2, 3, 4, 5, 6].map(() => stripped(reader.string()));
  if (n === undefined || e === undefined || d === undefined || qi === undefined || p === undefined || q === undefined)
    throw new RangeError('cut off');
  const exponent = (prime: Buffer): Buffer => bytesOf(numberOf(d) % (numberOf(prime) - 1n));
  const parts = { n, e, d, p, q, dp: exponent(p), dq: exponent(q), qi };
  return { kty: 'RSA', ...Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, base64Url(value)])) };
}

const CURVES = [
  { ssh: 'nistp256', jwk: 'P-256', hash: 'sha256', size: 32 },
  { ssh: 'nistp384', jwk: 'P-384', hash: 'sha384', size: 48 },
  { ssh: 'nistp521', jwk: 'P-521', hash: 'sha512', size: 66 },
] as const;

const base64Url = (bytes: Buffer): string => bytes.toString('base64url');
const fromBase64Url = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url');
const numberOf = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString('hex') || '0'}`);

function bytesOf(value: bigint): Buffer {
  const digits = value.toString(16);
  return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
}

function stripped(integer: Buffer): Buffer {
  return integer[0] === 0 ? integer.subarray(1) : integer;
}

function leftPadded(integer: Buffer, size: number): Buffer {
  const digits = stripped(integer);
  return Buffer.concat([Buffer.alloc(Math.max(0, size - digits.length)), digits]);
}

function privateKey(key: KeyObject, comment: string): PrivateKey {
  const jwk = key.export({ format: 'jwk' });
  if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') {
    const type = 'ssh-ed25519';
    return {
      comment,
      publicBlob: Buffer.concat([sshString(type), sshString(fromBase64Url(jwk.x))]),
      sign: (data) => signature(type, sign(null, data, key)),
    };
  }
  if (jwk.kty === 'RSA') return rsaKey(key, jwk, comment);
  const curve = CURVES.find((one) => one.jwk === jwk.crv);
  if (jwk.kty !== 'EC' || curve === undefined) throw new RangeError(`type ${String(jwk.kty)}`);
  return ecdsaKey(key, { jwk, curve, comment });
}

function signature(type: string, bytes: Uint8Array): Buffer {
  return Buffer.concat([sshString(type), sshString(bytes)]);
}

/** SSH_AGENT_RSA_SHA2_256 and _512; without, the old one. */
const RSA_HASHES = [
  { flag: 4, type: 'rsa-sha2-512', hash: 'sha512' },
  { flag: 2, type: 'rsa-sha2-256', hash: 'sha256' },
] as const;

function rsaKey(key: KeyObject, { e, n }: JsonWebKey, comment: string): PrivateKey {
  const numbers = [fromBase64Url(e), fromBase64Url(n)].map(sshInteger);
  return {
    comment,
    publicBlob: Buffer.concat([sshString('ssh-rsa'), ...numbers]),
    sign: (data, flags) => {
      const { type, hash } = RSA_HASHES.find(({ flag }) => (flags & flag) !== 0) ?? { type: 'ssh-rsa', hash: 'sha1' };
      return signature(type, sign(hash, data, key));
    },
  };
}

/** RFC 5656, sections 3.1 and 3.1.2. */
function ecdsaKey(
  key: KeyObject,
  { jwk, curve, comment }: { jwk: JsonWebKey; curve: (typeof CURVES)[number]; comment: string },
): PrivateKey {
  const type = `ecdsa-sha2-${curve.ssh}`;
  const point = Buffer.concat([Buffer.from([4]), fromBase64Url(jwk.x), fromBase64Url(jwk.y)]);
  return {
    comment,
    publicBlob: Buffer.concat([sshString(type), sshString(curve.ssh), sshString(point)]),
    sign: (data) => {
      const both = sign(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' });
      const [r, s] = [both.subarray(0, curve.size), both.subarray(curve.size)].map(sshInteger);
      return signature(type, Buffer.concat([r ?? Buffer.alloc(0), s ?? Buffer.alloc(0)]));
    },
  };
}
