import { readdir, readFile } from 'node:fs/promises';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { systemErrorCode, TsbuildError } from '../../support/errors.js';

/** What one host's certificate is checked against beside all other authorities, and what it is shown. As PEM. */
export interface HostCertificates {
  readonly authorities: readonly string[];
  readonly clients: readonly { readonly certificate: string; readonly key: string }[];
}

/** Where certificate authorities are found besides the ones that Node carries. */
export interface CertificateSources {
  /** Named by the user (SSL_CERT_FILE, NODE_EXTRA_CA_CERTS): each must be readable. */
  readonly named: readonly string[];
  /** Folders of certificates (SSL_CERT_DIR). */
  readonly folders: readonly string[];
  /** Where distributions keep theirs: the first that exists counts. */
  readonly system: readonly string[];
  /** What is configured for `host[:port]` alone, or `undefined`. @throws `CONFIG_INVALID` */
  readonly forHost: (host: string) => Promise<HostCertificates | undefined>;
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
): Omit<CertificateSources, 'forHost'> {
  const own = env['SSL_CERT_FILE'] ?? '';
  const extra = env['NODE_EXTRA_CA_CERTS'] ?? '';
  const folders = (env['SSL_CERT_DIR'] ?? '').split(':').filter((folder) => folder !== '');
  return {
    named: [own, extra].filter((file) => file !== ''),
    folders,
    // As for OpenSSL and Go, whoever names a file or a folder means it instead of the system's.
    system: own === '' && folders.length === 0 ? SYSTEM_BUNDLES.map((file) => joinRoot(systemRoot, file)) : [],
  };
}

/**
 * One context for all connections but those to hosts with certificates of their own: parsing some three hundred certificates
 * takes longer than a handshake.
 * @throws `CONFIG_INVALID` when a named file cannot be read, or holds no certificate
 */
export async function loadSecureContext(
  sources: CertificateSources,
  own: HostCertificates = { authorities: [], clients: [] },
): Promise<SecureContext> {
  const named = await Promise.all(sources.named.map(readNamed));
  const folders = await Promise.all(sources.folders.map(readFolder));
  const system = await readFirst(sources.system);
  const added = [...named, ...folders.flat(), ...system, ...own.authorities].flatMap(splitBundle);
  return secureContext({
    ca: [...new Set([...rootCertificates, ...added])],
    cert: own.clients.map(({ certificate }) => certificate),
    key: own.clients.map(({ key }) => key),
  });
}

function secureContext(options: {
  readonly ca: string[];
  readonly cert: string[];
  readonly key: string[];
}): SecureContext {
  try {
    return createSecureContext(options);
  } catch (error) {
    // OpenSSL's words name neither the file nor the host, and its codes are many.
    throw new TsbuildError('CONFIG_INVALID', 'cannot use the configured certificates: OpenSSL refuses them', {
      hint: 'Check that certificates and keys are PEM, that each key belongs to its certificate, and that no key has a password.',
      cause: error,
    });
  }
}

/** Files of a folder of certificates; links such as `4a6481c9.0` name the same ones again. */
const FOLDER_FILE = /\.(?:pem|crt|cer|[0-9])$/;
const MAX_FOLDER_FILES = 10_000;

async function readFolder(folder: string): Promise<readonly string[]> {
  const names = await listFolder(folder);
  const files = names.filter((name) => FOLDER_FILE.test(name)).sort();
  return (
    await Promise.all(files.slice(0, MAX_FOLDER_FILES).map(async (name) => readFirst([`${folder}/${name}`])))
  ).flat();
}

async function listFolder(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    throw new TsbuildError('CONFIG_INVALID', `cannot read certificates in "${folder}": ${code}`, {
      hint: 'Set SSL_CERT_DIR to folders that exist, or unset it.',
      cause: error,
    });
  }
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
