import { readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { CDI_DIRECTORIES, type BuildRequest, type SshSource } from '../../builder/build-request.js';
import { parseByteSize } from '../../parser/instructions/values/byte-size.js';
import { readCsvFields } from '../../parser/instructions/values/csv-fields.js';
import { systemErrorCode, type TsbuildError } from '../../support/errors.js';
import { usageError, type ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';

const BUILD = { command: 'tsbuild build' };

type RunOptions = Pick<
  BuildRequest,
  'secrets' | 'ssh' | 'entitlements' | 'hosts' | 'limits' | 'shmSizeBytes' | 'cdiDirectories'
>;

/** What a command line gives and allows to RUN steps, in Docker's spelling. @throws `USAGE` */
export async function readRunOptions(parsed: ParsedArguments, host: Host): Promise<RunOptions> {
  return {
    secrets: await readSecrets(parsed.list('secret'), host),
    ssh: parsed.list('ssh').map((text) => sshSource(text, host)),
    entitlements: parsed.list('allow').map(entitlement),
    hosts: parsed.list('add-host').map(hostEntry),
    limits: parsed.list('ulimit').map(resourceLimit),
    shmSizeBytes: sharedMemory(parsed.value('shm-size')),
    cdiDirectories: [...CDI_DIRECTORIES, ...parsed.list('cdi-config-dir').map((path) => resolve(host.cwd, path))],
  };
}

function refused(option: string, value: string, [state, hint]: readonly [state: string, hint: string]): TsbuildError {
  return usageError(BUILD, `cannot use --${option} "${value}": ${state}`, hint);
}

/** As BuildKit's session has it. */
const MAX_SECRET_BYTES = 500 * 1024;
const SECRET_HINT = 'Write --secret id=NAME,src=FILE or --secret id=NAME,env=VARIABLE.';

async function readSecrets(words: readonly string[], host: Host): Promise<Record<string, Uint8Array>> {
  const secrets: [string, Uint8Array][] = [];
  for (const word of words) {
    const { id, ...source } = secretSource(word, host);
    const value =
      'file' in source ? await secretFile(word, source.file, host) : Buffer.from(host.env[source.env] ?? '');
    if (value.byteLength > MAX_SECRET_BYTES) {
      throw refused('secret', word, ['it is longer than 500 KiB', 'Put what is that large into the build context.']);
    }
    secrets.push([id, value]);
  }
  return Object.fromEntries(secrets);
}

type SecretSource = { readonly id: string } & ({ readonly file: string } | { readonly env: string });

function secretSource(word: string, { env }: Host): SecretSource {
  const fields = secretFields(word);
  const { type, id = '' } = fields;
  if (id === '') throw refused('secret', word, ['it has no id', SECRET_HINT]);
  if (type !== undefined && type !== 'file' && type !== 'env') {
    throw refused('secret', word, [`there is no type "${type}"`, 'The types are file and env.']);
  }
  return namedSource(id, fields) ?? (type !== 'file' && env[id] !== undefined ? { id, env: id } : { id, file: id });
}

/** `undefined` where only an id is given: that names the variable, and where there is none the file. */
function namedSource(id: string, { type, source = '', env = '' }: SecretFields): SecretSource | undefined {
  const variable = env === '' && type === 'env' ? source : env;
  if (variable !== '') return { id, env: variable };
  return source === '' ? undefined : { id, file: source };
}

interface SecretFields {
  id?: string;
  type?: string;
  source?: string;
  env?: string;
}
const SECRET_KEYS: Readonly<Record<string, keyof SecretFields>> = {
  id: 'id',
  type: 'type',
  src: 'source',
  source: 'source',
  env: 'env',
};

function secretFields(word: string): SecretFields {
  const values: SecretFields = {};
  for (const { text } of readCsvFields(word) ?? []) {
    const equals = text.indexOf('=');
    const key = equals === -1 ? undefined : SECRET_KEYS[text.slice(0, equals).toLowerCase()];
    if (key === undefined) throw refused('secret', word, [`"${text}" is none of its options`, SECRET_HINT]);
    values[key] = text.slice(equals + 1);
  }
  return values;
}

async function secretFile(word: string, file: string, { cwd }: Host): Promise<Uint8Array> {
  const path = resolve(cwd, file);
  try {
    const { size } = await stat(path);
    // Refused by its length without reading all of it.
    return size > MAX_SECRET_BYTES ? new Uint8Array(MAX_SECRET_BYTES + 1) : await readFile(path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    const state = code === 'ENOENT' ? `there is no file "${file}"` : `"${file}" cannot be read (${code})`;
    throw refused('secret', word, [state, SECRET_HINT]);
  }
}

/** `default`, `id=socket` or `id=key,key`. */
function sshSource(word: string, { env, cwd }: Host): SshSource {
  const equals = word.indexOf('=');
  const id = equals === -1 ? word : word.slice(0, equals);
  if (id === '') throw refused('ssh', word, ['it has no id', 'Write --ssh default, or --ssh NAME=SOCKET.']);
  const given =
    equals === -1
      ? []
      : word
          .slice(equals + 1)
          .split(',')
          .filter((path) => path !== '');
  if (given.length > 0) return { id, paths: given.map((path) => resolve(cwd, path)) };
  const socket = env['SSH_AUTH_SOCK'] ?? '';
  if (socket !== '') return { id, paths: [resolve(cwd, socket)] };
  throw refused('ssh', word, [
    'SSH_AUTH_SOCK names no agent',
    `Start one with: eval "$(ssh-agent)" && ssh-add. Or give a key: --ssh ${id}=FILE.`,
  ]);
}

function entitlement(word: string): string {
  if (word === 'network.host' || word === 'security.insecure' || word === 'device') return word;
  if (/^device=[^/=]+\/[^/=]+(?:=[^=]+)?$/.test(word)) return word;
  throw refused('allow', word, [
    'there is no such entitlement',
    'There are network.host, security.insecure, device, and device=NAME for a single one.',
  ]);
}

const HOST_HINT = 'Write --add-host NAME:ADDRESS, as with db.example.com:192.0.2.7.';

/** `name:address` or `name=address`. */
function hostEntry(word: string): BuildRequest['hosts'][number] {
  const [, name = '', text = ''] = /^([^:=]*)[:=](.*)$/.exec(word) ?? [];
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  // Steps share the network of this host: to them it is the one they are on.
  const address = bare === 'host-gateway' ? '127.0.0.1' : bare;
  if (!/^[^\s:=#]+$/.test(name)) throw refused('add-host', word, ['it has no name', HOST_HINT]);
  if (isIP(address) === 0) throw refused('add-host', word, [`"${text}" is no address`, HOST_HINT]);
  return { name, address };
}

const LIMIT_HINT = 'Write --ulimit NAME=SOFT[:HARD], as with nofile=1024:4096; -1 is no limit.';

/** `name=soft[:hard]`. */
function resourceLimit(word: string): BuildRequest['limits'][number] {
  const [, name, soft, hard] = /^([a-z]+)=(-1|\d{1,15})(?::(-1|\d{1,15}))?$/.exec(word) ?? [];
  if (name === undefined || soft === undefined) throw refused('ulimit', word, ['it is not of that form', LIMIT_HINT]);
  const limit = { name, soft: amount(soft), hard: amount(hard ?? soft) };
  if (limit.soft <= limit.hard) return limit;
  throw refused('ulimit', word, ['the soft limit is above the hard one', LIMIT_HINT]);
}

const amount = (text: string): number => (text === '-1' ? Infinity : Number(text));

function sharedMemory(word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  const bytes = parseByteSize(word);
  if (bytes !== undefined && bytes > 0) return bytes;
  throw refused('shm-size', word, ['it is no size', 'Write a number of bytes, or as with 64m or 1g.']);
}
