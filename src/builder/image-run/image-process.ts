import type { ContainerConfig } from '../../oci/image.js';
import { digestHex, type Digest } from '../../oci/digest.js';
import { TsbuildError } from '../../support/errors.js';
import type { ImageRunRequest } from './image-run-request.js';

/** Docker's, for an image that says nothing of it. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export type ProgramArguments = readonly [string, ...string[]];

/** @throws `USAGE` when neither the image nor its user names a program */
export function programArguments(
  { Entrypoint, Cmd }: Pick<ContainerConfig, 'Entrypoint' | 'Cmd'>,
  { entrypoint, command }: Pick<ImageRunRequest, 'entrypoint' | 'command'>,
): ProgramArguments {
  // As with Docker, the image's CMD is made for its own ENTRYPOINT: whoever replaces that replaces both.
  const usual = entrypoint === undefined ? (Cmd ?? []) : [];
  const [program, ...args] = [...(entrypoint ?? Entrypoint ?? []), ...(command.length > 0 ? command : usual)];
  if (program !== undefined && program !== '') return [program, ...args];
  throw new TsbuildError('USAGE', 'cannot run the image: it names no program, by CMD or ENTRYPOINT', {
    hint: 'Write the program behind the image, as with: tsbuild run -it IMAGE sh.',
  });
}

export interface Surroundings {
  readonly home: string;
  readonly hostname: string;
  readonly terminal: boolean;
}

/** What a program finds if nobody says otherwise, then the caller's proxies, then the image's variables, then those asked for. */
export function programEnvironment(
  { Env = [] }: Pick<ContainerConfig, 'Env'>,
  { env, proxyEnv }: Pick<ImageRunRequest, 'env' | 'proxyEnv'>,
  { home, hostname, terminal }: Surroundings,
): Readonly<Record<string, string>> {
  return {
    PATH: DEFAULT_PATH,
    HOME: home,
    HOSTNAME: hostname,
    // What every image knows; that of the caller's terminal may be described in none of its files.
    ...(terminal ? { TERM: 'xterm' } : {}),
    ...proxyEnv,
    ...Object.fromEntries([...Env, ...env].map(splitVariable)),
  };
}

function splitVariable(text: string): [name: string, value: string] {
  const equals = text.indexOf('=');
  return equals === -1 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
}

/** As short as Docker's ids, and the same every time. */
export function hostnameOf(imageId: Digest): string {
  return digestHex(imageId).slice(0, 12);
}
