import { posix } from 'node:path';
import type { ImageRunRequest } from '../../builder/image-run/image-run-request.js';
import { usageError, type ParsedArguments } from '../argv.js';
import { platform } from '../build-request.js';
import { choose } from '../commands/choose.js';
import type { Host } from '../host.js';
import { readProxyVariables } from '../proxy-variables.js';
import { readRunOptions } from '../options/run-options.js';
import { readStepOptions } from '../options/step-options.js';
import { signalNumber } from '../visit/signal-number.js';
import { readDevices, readGpus } from './device-options.js';
import { readEnvironment } from './environment-options.js';
import { readMounts } from './mount-options.js';

const RUN = { command: 'tsbuild run' };

export interface ImageRun {
  readonly request: Omit<ImageRunRequest, 'manifest'>;
  readonly platform: string | undefined;
  readonly stopSignal: string | undefined;
}

/** What a `tsbuild run` command line asks for. @throws `USAGE` */
export async function readImageRun(parsed: ParsedArguments, host: Host): Promise<ImageRun> {
  const [, ...command] = parsed.positionals;
  const { hosts, limits, shmSizeBytes, cdiDirectories } = await readRunOptions(parsed, host);
  const given = readDevices(parsed.list('device'), RUN);
  const entrypoint = parsed.value('entrypoint');
  return {
    platform: platform(parsed.value('platform')),
    stopSignal: stopSignal(parsed.value('stop-signal')),
    request: {
      entrypoint: entrypoint === undefined ? undefined : entrypoint === '' ? [] : [entrypoint],
      command,
      env: await readEnvironment(parsed, host),
      user: parsed.value('user'),
      cwd: workingDirectory(parsed.value('workdir')),
      hostname: hostname(parsed.value('hostname')),
      network: network(parsed.value('network')),
      hosts,
      limits,
      ...readStepOptions(parsed),
      shmSizeBytes,
      mounts: [...given.mounts, ...(await readMounts(parsed, host))],
      devices: [...readGpus(parsed.value('gpus')), ...given.names],
      cdiDirectories,
      readonlyRoot: parsed.flag('read-only'),
      isolation: choose(parsed.value('isolation'), ISOLATIONS, '--isolation'),
      proxyEnv: await readProxyVariables(host),
    },
  };
}

const ISOLATIONS = { auto: 'auto', namespaces: 'namespaces' } as const;

function network(word = 'host'): ImageRunRequest['network'] {
  if (word === 'host' || word === 'none' || word === 'private') return word;
  const hint = "Use host, the host's own, none, or private.";
  throw usageError(RUN, `cannot use --network "${word}": no such network`, hint);
}

function workingDirectory(word: string | undefined): string | undefined {
  if (word === undefined || word.startsWith('/')) return word === undefined ? undefined : posix.normalize(word);
  throw usageError(RUN, `cannot use --workdir "${word}": not an absolute path`, 'Begin it with a slash.');
}

function hostname(word: string | undefined): string | undefined {
  if (word === undefined || /^[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/.test(word)) return word;
  const hint = 'Use letters, digits, dots and hyphens, 64 at most.';
  throw usageError(RUN, `cannot use --hostname "${word}": not a host name`, hint);
}

function stopSignal(word: string | undefined): string | undefined {
  if (word === undefined || signalNumber(word) !== undefined) return word;
  throw usageError(RUN, `cannot use --stop-signal "${word}": no such signal`, 'Write a name or a number, as SIGINT.');
}
