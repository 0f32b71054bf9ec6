import { readFile } from 'node:fs/promises';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';

/** Where certificate authorities are found besides the ones that Node carries. */
export interface CertificateSources {
  /** Named by the user (SSL_CERT_FILE, NODE_EXTRA_CA_CERTS): each must be readable. */
  readonly named: readonly string[];
  /** Where distributions keep theirs: the first that exists counts. */
  readonly system: readonly string[];
}

const SYSTEM_BUNDLES = [
  'etc/ssl/certs/ca-certificates.crt',
  'etc/pki/tls/certs/ca-bundle.crt',
  'etc/ssl/ca-bundle.pem',
  'etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  'etc/ssl/cert.pem',
];

export function certificateSources(
  env: Readonly<Record<string, string | undefined>>,
  systemRoot: string,
): CertificateSources {
  const own = env['SSL_CERT_FILE'] ?? '';
  const extra = env['NODE_EXTRA_CA_CERTS'] ?? '';
  return {
    named: [own, extra].filter((file) => file !== ''),
    system: own === '' ? SYSTEM_BUNDLES.map((file) => joinRoot(systemRoot, file)) : [],
  };
}

/**
 * One context for all connections: parsing some three hundred certificates takes longer than a handshake.
 * @throws `CONFIG_INVALID` when a named file cannot be read
 */
export async function loadSecureContext(sources: CertificateSources): Promise<SecureContext> {
  const named = await Promise.all(sources.named.map(readNamed));
  const system = await readFirst(sources.system);
  const added = [...named, ...system].flatMap(splitBundle);
  return createSecureContext({ ca: [...new Set([...rootCertificates, ...added])] });
}

async function readNamed(file: string): Promise<string> {
  try {
    return await readFile(file, 'latin1');
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    throw new TsbuildError('CONFIG_INVALID', `cannot read certificates "${file}": ${systemErrorCode(error) ?? ''}`, {
      hint: 'Set SSL_CERT_FILE and NODE_EXTRA_CA_CERTS to files that exist, or unset them.',
      cause: error,
    });
  }
}

async function readFirst(files: readonly string[]): Promise<readonly string[]> {
  for (const file of files) {
    try {
      return [await readFile(file, 'latin1')];
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
    }
  }
  return [];
}

function splitBundle(bundle: string): readonly string[] {
  return bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

function joinRoot(root: string, file: string): string {
  return root.endsWith('/') ? root + file : `${root}/${file}`;
}
