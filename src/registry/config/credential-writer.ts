import { mkdir, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFileAtomic } from '../../support/atomic-file.js';
import { systemErrorCode } from '../../support/errors.js';
import { eraseInCredentialHelper, storeInCredentialHelper } from '../auth/credential-helper.js';
import { configInvalid, isObject, parseJsonFile, readConfigFile } from './config-file.js';
import { credentialKey, decodeCredentialFile, helperFor, keysOfRegistry } from './credential-file.js';

type Environment = Readonly<Record<string, string | undefined>>;

export interface NewCredential {
  readonly registry: string;
  readonly username: string;
  readonly password: string;
}

/** Where credentials were put, or taken from. */
export type CredentialKeeper =
  { readonly kind: 'helper'; readonly name: string } | { readonly kind: 'file'; readonly file: string };

/**
 * Keeps credentials where `docker login` would: in the helper that the file names for the registry, else in the file itself,
 * readable by its owner alone. All else in the file stays as it is.
 * @throws `CONFIG_INVALID`
 */
export async function keepCredential(file: string, given: NewCredential, env: Environment): Promise<CredentialKeeper> {
  const { registry, username, password } = given;
  const document = await readDocument(file);
  const known = decodeCredentialFile(file, JSON.stringify(document));
  const helper = helperFor(known, registry);
  const key = credentialKey(registry);
  if (helper !== undefined) {
    await storeInCredentialHelper(helper, { server: key, username, password }, env);
    // As docker/cli leaves it: an empty entry says that there is something in the helper.
    await writeDocument(file, withAuths(document, { ...authsIn(document), [key]: {} }));
    return { kind: 'helper', name: helper };
  }
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  await writeDocument(
    file,
    withAuths(document, { ...without(document, keysOfRegistry(known, registry)), [key]: { auth } }),
  );
  return { kind: 'file', file };
}

/** Forgets the credentials of a registry. @returns whether there were any @throws `CONFIG_INVALID` */
export async function forgetCredential(file: string, registry: string, env: Environment): Promise<boolean> {
  const document = await readDocument(file);
  const known = decodeCredentialFile(file, JSON.stringify(document));
  const helper = helperFor(known, registry);
  const erased = helper !== undefined && (await eraseInCredentialHelper(helper, credentialKey(registry), env));
  const keys = keysOfRegistry(known, registry);
  if (keys.length > 0) await writeDocument(file, withAuths(document, without(document, keys)));
  return erased || keys.length > 0;
}

type Document = Readonly<Record<string, unknown>>;

async function readDocument(file: string): Promise<Document> {
  const text = (await readConfigFile(file)) ?? '';
  const document: unknown = text.trim() === '' ? {} : parseJsonFile(file, text);
  if (!isObject(document)) throw configInvalid(file, 'it is no object');
  return document;
}

function authsIn(document: Document): Document {
  return isObject(document['auths']) ? document['auths'] : {};
}

function without(document: Document, keys: readonly string[]): Document {
  return Object.fromEntries(Object.entries(authsIn(document)).filter(([key]) => !keys.includes(key)));
}

function withAuths(document: Document, auths: Document): Document {
  return { ...document, auths };
}

/** A file that is a symbolic link is kept one: what it points to is replaced. */
async function writeDocument(file: string, document: Document): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFileAtomic(await linkedFile(file), `${JSON.stringify(document, null, '\t')}\n`, { mode: 0o600 });
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    throw configInvalid(file, `it cannot be written (${code})`, {
      cause: error,
      hint: 'Set DOCKER_CONFIG to a folder, or REGISTRY_AUTH_FILE to a file, that you may write.',
    });
  }
}

async function linkedFile(file: string): Promise<string> {
  try {
    await stat(file);
    return await realpath(file);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return file;
    throw error;
  }
}
