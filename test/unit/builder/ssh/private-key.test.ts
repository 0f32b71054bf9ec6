import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, verify, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SshReader } from '../../../../src/builder/ssh/agent-protocol.js';
import { readPrivateKey } from '../../../../src/builder/ssh/private-key.js';
import { requirement } from '../../../support/require.js';
import { hasTools } from '../../../support/tools.js';

const DATA = Buffer.from('to be signed');

interface Signature {
  readonly type: string;
  readonly bytes: Buffer;
}

function signatureOf(blob: Buffer): Signature {
  const reader = new SshReader(blob);
  return { type: reader.string().toString(), bytes: reader.string() };
}

function ecdsaBytes(bytes: Buffer, size: number): Buffer {
  const reader = new SshReader(bytes);
  return Buffer.concat(
    [reader.string(), reader.string()].map((integer) => {
      const digits = integer[0] === 0 ? integer.subarray(1) : integer;
      return Buffer.concat([Buffer.alloc(size - digits.length), digits]);
    }),
  );
}

const RSA_FLAGS = [
  [0, 'ssh-rsa', 'sha1'],
  [2, 'rsa-sha2-256', 'sha256'],
  [4, 'rsa-sha2-512', 'sha512'],
] as const;

/** PEM of Node's making: PKCS #1, SEC 1 and PKCS #8. */
const pem = (key: KeyObject, type: 'pkcs1' | 'sec1' | 'pkcs8'): string =>
  key.export({ format: 'pem', type: type as 'pkcs8' }).toString();

describe('keys as PEM', () => {
  test.each(['pkcs1', 'pkcs8'] as const)('RSA as %s signs with each hash that is asked for', (type) => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = readPrivateKey(pem(privateKey, type), 'k');
    for (const [flags, name, hash] of RSA_FLAGS) {
      const signature = signatureOf(key.sign(DATA, flags));
      expect(signature.type).toBe(name);
      expect(verify(hash, DATA, publicKey, signature.bytes)).toBe(true);
    }
  });

  test.each([
    ['P-256', 'nistp256', 'sha256', 32],
    ['P-384', 'nistp384', 'sha384', 48],
    ['P-521', 'nistp521', 'sha512', 66],
  ] as const)('ECDSA over %s', (curve, name, hash, size) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve });
    for (const type of ['sec1', 'pkcs8'] as const) {
      const { type: signed, bytes } = signatureOf(readPrivateKey(pem(privateKey, type), 'k').sign(DATA, 0));
      expect(signed).toBe(`ecdsa-sha2-${name}`);
      const options = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
      expect(verify(hash, DATA, options, ecdsaBytes(bytes, size))).toBe(true);
    }
  });

  test('Ed25519', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const { type, bytes } = signatureOf(readPrivateKey(pem(privateKey, 'pkcs8'), 'k').sign(DATA, 0));
    expect(type).toBe('ssh-ed25519');
    expect(verify(null, DATA, publicKey, bytes)).toBe(true);
  });

  test('one with a passphrase is refused with the way to use it', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const text = privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' }).toString();
    expect(() => readPrivateKey(text, '/k')).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: 'cannot use ssh key "/k": it is protected by a passphrase',
        hint: 'Run "ssh-add /k" and give the agent: --ssh default.',
      }),
    );
  });

  test.each(['', 'nonsense', '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n'])(
    'what is no key (%j) is refused, and none of it shown',
    (text) => {
      expect(() => readPrivateKey(text, '/k')).toThrow(
        'cannot use ssh key "/k": it is no private key that can be read',
      );
    },
  );
});

const { skip, reason } = requirement('ssh', hasTools('ssh-keygen'), 'ssh-keygen is missing');

describe.skipIf(skip)(`keys as ssh-keygen writes them (${reason})`, () => {
  let place: string;
  beforeAll(() => {
    place = mkdtempSync(join(tmpdir(), 'tsbuild-keys-'));
  });
  afterAll(() => rmSync(place, { recursive: true }));

  function generate(name: string, args: readonly string[]): string {
    const file = join(place, name);
    execFileSync('ssh-keygen', ['-q', '-C', `comment ${name}`, '-f', file, ...args]);
    return file;
  }

  test.each([
    ['ed25519', ['-t', 'ed25519']],
    ['rsa', ['-t', 'rsa', '-b', '2048']],
    ['ecdsa-256', ['-t', 'ecdsa', '-b', '256']],
    ['ecdsa-384', ['-t', 'ecdsa', '-b', '384']],
    ['ecdsa-521', ['-t', 'ecdsa', '-b', '521']],
    ['pem', ['-t', 'rsa', '-b', '2048', '-m', 'PEM']],
  ])('%s has the public key that ssh-keygen says, and its comment', (name, args) => {
    const file = generate(name, [...args, '-N', '']);
    const key = readPrivateKey(readFileSync(file, 'latin1'), file);
    const [, blob = '', ...comment] = readFileSync(`${file}.pub`, 'utf8').trim().split(' ');
    expect(key.publicBlob.toString('base64')).toBe(blob);
    expect(key.comment).toBe(name === 'pem' ? '' : comment.join(' '));
  });

  test('an Ed25519 signature is good', () => {
    const file = generate('signing', ['-t', 'ed25519', '-N', '']);
    const key = readPrivateKey(readFileSync(file, 'latin1'), file);
    const reader = new SshReader(key.publicBlob);
    reader.string();
    const x = reader.string().toString('base64url');
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    expect(verify(null, DATA, publicKey, signatureOf(key.sign(DATA, 0)).bytes)).toBe(true);
  });

  test('one with a passphrase is refused', () => {
    const file = generate('closed', ['-t', 'ed25519', '-N', 'secret']);
    expect(() => readPrivateKey(readFileSync(file, 'latin1'), file)).toThrow('it is protected by a passphrase');
  });
});
