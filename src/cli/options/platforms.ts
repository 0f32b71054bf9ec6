import type { BuildRequest } from '../../builder/build-request.js';
import { distinctPlatforms } from '../../builder/joint/platform-requests.js';
import { formatPlatform, parsePlatform } from '../../oci/platform.js';
import { isTsbuildError } from '../../support/errors.js';
import { suggest } from '../../support/suggest.js';
import { usageError } from '../argv.js';
import type { Host } from '../host.js';

/** Those of Go, whose names platforms have. */
const ARCHITECTURES: readonly string[] = [
  ...['386', 'amd64', 'arm', 'arm64', 'loong64', 'mips', 'mips64', 'mips64le', 'mipsle', 'ppc64', 'ppc64le'],
  ...['riscv64', 's390x', 'sparc64', 'wasm'],
];

/**
 * `--platform`, given several times or with commas, else DOCKER_DEFAULT_PLATFORM: one, or several for an index. @throws `USAGE`
 */
export function readPlatforms(
  words: readonly string[],
  env: Host['env'],
): Pick<BuildRequest, 'platform'> | Pick<BuildRequest, 'platforms'> {
  const isGiven = words.length > 0;
  const option = isGiven ? '--platform' : 'DOCKER_DEFAULT_PLATFORM';
  const given = isGiven ? words : [env['DOCKER_DEFAULT_PLATFORM'] ?? ''];
  if (!isGiven && given[0] === '') return {};
  const platforms = given.flatMap((word) => word.split(',')).map((word) => checked(word.trim(), option));
  const [platform] = platforms;
  if (platform !== undefined && distinctPlatforms(platforms).length === 1) return { platform };
  return { platforms };
}

/** For what is shown of one platform at a time. @throws `USAGE` */
export function forOnePlatform(request: BuildRequest): BuildRequest {
  const { platforms = [] } = request;
  if (platforms.length === 0) return request;
  throw usageError(
    { command: 'tsbuild build' },
    `cannot show "${platforms.join(',')}": there are several platforms`,
    'Give one with --platform.',
  );
}

function checked(word: string, option: string): string {
  const refused = (state: string, hint: string): Error =>
    usageError({ command: 'tsbuild build' }, `cannot use ${option} "${word}": ${state}`, hint);
  const usual = 'Write it as linux/amd64 or linux/arm64/v8.';
  try {
    const { architecture } = parsePlatform(word);
    if (ARCHITECTURES.includes(architecture)) return word;
    const near = suggest(architecture, ARCHITECTURES);
    const meant = near === undefined ? undefined : formatPlatform(parsePlatform(near));
    throw refused('no such architecture', meant === undefined ? usual : `Did you mean ${meant}?`);
  } catch (error) {
    if (!isTsbuildError(error, 'USAGE') || error.message.startsWith(`cannot use ${option}`)) throw error;
    throw refused('not of the form os/architecture[/variant]', usual);
  }
}
