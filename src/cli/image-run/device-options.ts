import { posix } from 'node:path';
import type { BuildRequest } from '../../builder/build-request.js';
import type { DeviceMount } from '../../sandbox/run-spec.js';
import { usageError, type ArgumentsSpec } from '../argv.js';

const RUN = { command: 'tsbuild run' };
/** For error messages. */
type Asked = Pick<ArgumentsSpec, 'command'>;

type GivenDevices = NonNullable<BuildRequest['devices']>;

/** `--device`: a CDI name, or the path of a node on the host and its path in the sandbox. @throws `USAGE` */
export function readDevices(words: readonly string[], asked: Asked): GivenDevices {
  return {
    names: words.filter((word) => !word.startsWith('/')).map((word) => deviceName(word, asked)),
    mounts: words.filter((word) => word.startsWith('/')).map((word) => deviceNode(word, asked)),
  };
}

function deviceName(word: string, asked: Asked): string {
  if (/^[^/=]+\/[^/=]+(=[^=]+)?$/.test(word)) return word;
  const hint = 'Write --device /dev/NAME[:PATH], or a name such as nvidia.com/gpu=0.';
  throw usageError(asked, `cannot use --device "${word}": neither a path nor the name of a device`, hint);
}

function deviceNode(word: string, asked: Asked): DeviceMount {
  const [source = '', target = source, permissions = 'rwm', ...more] = word.split(':');
  if (permissions !== 'rwm' || more.length > 0) {
    const hint = 'There is no device cgroup to enforce permissions: the modes of the node decide.';
    throw usageError(asked, `cannot use --device "${word}": permissions cannot be given`, hint);
  }
  if (!target.startsWith('/') || posix.normalize(target) === '/') {
    throw usageError(asked, `cannot use --device "${word}": "${target}" is no absolute path`, 'Begin it with a slash.');
  }
  return { type: 'device', source, target: posix.normalize(target) };
}

/** NVIDIA's specification calls each GPU by its number, and all of them "all". */
const KIND = 'nvidia.com/gpu';
const GPUS_HINT =
  'Write --gpus all, a number of GPUs, or --gpus device=0,1. For other vendors: --device VENDOR/CLASS=NAME.';

/** `--gpus`: `all`, how many, or which ones. @throws `USAGE` */
export function readGpus(word: string | undefined): readonly string[] {
  if (word === undefined) return [];
  if (word === 'all' || word === '-1') return [`${KIND}=all`];
  if (/^[1-9]\d?$/.test(word)) return Array.from({ length: Number(word) }, (_, index) => `${KIND}=${index}`);
  // As a shell passes on what Docker's manual says: '"device=0,1"'.
  const [, names] = /^"?device=([\w,.:-]+)"?$/.exec(word) ?? [];
  if (names !== undefined) return names.split(',').map((name) => `${KIND}=${name}`);
  throw usageError(RUN, `cannot use --gpus "${word}": not a choice of GPUs`, GPUS_HINT);
}
