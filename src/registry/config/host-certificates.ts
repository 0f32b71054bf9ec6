import { join } from 'node:path';
import type { HostCertificates } from '../http/certificate-authorities.js';
import { configInvalid, listConfigFolder, readConfigFile } from './config-file.js';

/** Files of one host, not yet read. */
export interface CertificateFiles {
  readonly authorities: readonly string[];
  readonly clients: readonly { readonly certificate: string; readonly key: string }[];
}

/**
 * What a host's own folder says: containers-certs.d(5) and Docker's /etc/docker/certs.d, of which the first that exists counts.
 * `*.crt` are authorities; a `name.cert` and its `name.key` are shown to the host when it asks who is there.
 * @param host as references have it: with the port exactly where they name one
 * @throws `CONFIG_INVALID` for one of a pair without the other
 */
export async function certificateFiles(
  host: string,
  folders: readonly string[],
): Promise<CertificateFiles | undefined> {
  for (const folder of folders) {
    const own = join(folder, host);
    const names = await listConfigFolder(own);
    if (names.length > 0) return sortFiles(own, names);
  }
  return undefined;
}

/** What a folder has, whatever host it is for. @throws `CONFIG_INVALID` also for a folder without any */
export async function certificateFilesIn(folder: string): Promise<CertificateFiles> {
  const names = await listConfigFolder(folder);
  if (names.some((name) => /\.(?:crt|cert|key)$/.test(name))) return sortFiles(folder, names);
  throw configInvalid(folder, 'there are no certificates in it', {
    hint: 'Name a folder with authorities in files *.crt, or client certificates in *.cert with their keys in *.key.',
  });
}

function sortFiles(folder: string, names: readonly string[]): CertificateFiles {
  const stems = (suffix: string): readonly string[] =>
    names.filter((name) => name.endsWith(suffix)).map((name) => name.slice(0, -suffix.length));
  const [certificates, keys] = [stems('.cert'), stems('.key')];
  const alone = [
    ...certificates.filter((stem) => !keys.includes(stem)).map((stem) => [`${stem}.cert`, `${stem}.key`] as const),
    ...keys.filter((stem) => !certificates.includes(stem)).map((stem) => [`${stem}.key`, `${stem}.cert`] as const),
  ];
  for (const [there, missing] of alone) {
    throw configInvalid(join(folder, there), `there is no ${missing} beside it`, {
      hint: 'A client certificate has its key beside it; authorities are files whose names end in .crt.',
    });
  }
  return {
    authorities: stems('.crt').map((stem) => join(folder, `${stem}.crt`)),
    clients: certificates.map((stem) => ({
      certificate: join(folder, `${stem}.cert`),
      key: join(folder, `${stem}.key`),
    })),
  };
}

/** @throws `CONFIG_INVALID` for a file that cannot be read */
export async function readCertificates({ authorities, clients }: CertificateFiles): Promise<HostCertificates> {
  return {
    authorities: await Promise.all(authorities.map(readPem)),
    clients: await Promise.all(
      clients.map(async ({ certificate, key }) => ({
        certificate: await readPem(certificate),
        key: await readPem(key),
      })),
    ),
  };
}

async function readPem(file: string): Promise<string> {
  const text = await readConfigFile(file);
  if (text?.includes('-----BEGIN ') === true) return text;
  throw configInvalid(file, text === undefined ? 'it does not exist' : 'there is no PEM in it');
}
