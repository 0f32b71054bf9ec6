import type { BuildRequest } from '../builder/build-request.js';
import { parseDuration } from '../parser/instructions/values/duration.js';
import { parseGoBoolean } from '../parser/go-boolean.js';
import { TsbuildError } from '../support/errors.js';
import { readAnnotations } from './options/annotations.js';
import { usageError, type ParsedArguments } from './argv.js';
import { readSources, type SourceReading, type Sources } from './sources/build-sources.js';
import { choose } from './commands/choose.js';
import { readOptionFile } from './sources/context-files.js';
import type { Host } from './host.js';
import { readVolumes } from './image-run/mount-options.js';
import { readDevices } from './image-run/device-options.js';
import { readLock } from './results/lock-file.js';
import { readNamedContexts } from './sources/named-contexts.js';
import { readPlatforms } from './options/platforms.js';
import { readProxyVariables } from './proxy-variables.js';
import { readSourcePolicies } from './options/source-policies.js';
import { readRunOptions } from './options/run-options.js';
import { readStepOptions } from './options/step-options.js';
import { readTimes } from './options/time-options.js';

const BUILD = { command: 'tsbuild build' };

/**
 * What a `tsbuild build` command line asks for. Reads the Dockerfile and the ignore file.
 * @throws `USAGE`, `DOCKERFILE_NOT_FOUND`, `CONTEXT_INVALID`, `SOURCE_UNAVAILABLE`
 */
export async function readBuildRequest(
  parsed: ParsedArguments,
  host: Host,
  reading: Omit<SourceReading, 'host'>,
): Promise<BuildRequest> {
  const fromFiles = await argumentFiles(parsed.list('build-arg-file'), host.cwd);
  const buildArgs = buildArguments([...fromFiles, ...parsed.list('build-arg')], host.env);
  const times = readTimes(parsed, { buildArgs, env: host.env });
  const { annotations, placed } = readAnnotations(parsed.list('annotation'));
  const options = {
    tags: parsed.list('tag'),
    buildArgs,
    target: parsed.value('target'),
    labels: assignments(parsed.list('label'), '--label'),
    annotations,
    ...(placed.length === 0 ? {} : { placedAnnotations: placed }),
    ...switches(parsed),
    noCacheFilter: stageList(parsed.list('no-cache-filter')),
    jobs: jobs(parsed.value('jobs')),
    isolation: isolation(parsed.value('isolation'), host.env),
    pull: pull(parsed.value('pull')),
    ...groups(parsed.value('group-add')),
    ...cacheTtl(parsed.value('cache-ttl'), times.sourceDateEpoch),
    network: network(parsed.value('network')),
    ...readPlatforms(parsed.list('platform'), host.env),
    ...times,
    proxyEnv: parsed.flag('http-proxy', true) ? await readProxyVariables(host) : {},
    ...(await readRunOptions(parsed, host)),
    ...readStepOptions(parsed),
  };
  const called = parsed.value('called');
  const volumes = await readVolumes(parsed.list('volume'), host.cwd);
  const devices = readDevices(parsed.list('device'), BUILD);
  const namedContexts = await readNamedContexts(parsed.list('build-context'), {
    cwd: host.cwd,
    ofSeveral: called !== undefined,
  });
  const inline = parsed.value('dockerfile-inline');
  const [context = '.'] = parsed.positionals;
  const keepGitDir = parseGoBoolean(buildArgs['BUILDKIT_CONTEXT_KEEP_GIT_DIR'] ?? '');
  const policies = await readSourcePolicies(parsed, host);
  const wanted = {
    ...{ context, file: parsed.value('file'), keepGitDir, secrets: options.secrets, inline },
    ...policies,
  };
  const sources = await withIgnoreFile(parsed.value('ignorefile'), {
    sources: await readSources(wanted, { ...reading, host }),
    cwd: host.cwd,
  });
  const lock = await readLock(parsed, host, sources);
  host.sources.set(sources.dockerfile.name, sources.dockerfile.text);
  return {
    ...{ ...sources, ...options },
    ...policies,
    ...(parsed.value('manifest') === undefined ? {} : { manifestList: parsed.value('manifest') }),
    ...(lock === undefined ? {} : { lock }),
    ...(called === undefined ? {} : { called }),
    ...(devices.mounts.length + devices.names.length === 0 ? {} : { devices }),
    ...(volumes.length === 0 ? {} : { volumes }),
    ...(namedContexts.length === 0 ? {} : { namedContexts }),
  };
}

function switches(
  parsed: ParsedArguments,
): Pick<BuildRequest, 'noCache' | 'checkReproducible' | 'squash' | 'saveStages' | 'details'> {
  return {
    noCache: parsed.flag('no-cache'),
    ...(parsed.flag('check-reproducible') ? { checkReproducible: true } : {}),
    ...(parsed.flag('squash') ? { squash: true } : {}),
    ...(parsed.flag('save-stages') ? { saveStages: true } : {}),
    ...(wantsDetails(parsed) ? { details: true } : {}),
  };
}

/** For those who explain a build, or draw it. */
function wantsDetails(parsed: ParsedArguments): boolean {
  return parsed.flag('explain') || parsed.value('report') !== undefined || parsed.value('graph') !== undefined;
}

/** In place of the one that belongs to the Dockerfile or the context. */
async function withIgnoreFile(
  path: string | undefined,
  { sources, cwd }: { readonly sources: Sources; readonly cwd: string },
): Promise<Sources> {
  if (path === undefined) return sources;
  if (sources.contextDirectory !== null) {
    return { ...sources, ignore: await readOptionFile(path, cwd, 'ignore file') };
  }
  throw usageError(BUILD, `cannot use --ignorefile "${path}": the build context is no folder`, 'Leave it out.');
}

/** As buildah reads it: a line as `--build-arg` takes it, comments with `#` at the start. What the command line says counts more. */
async function argumentFiles(paths: readonly string[], cwd: string): Promise<readonly string[]> {
  const words: string[] = [];
  for (const path of paths) {
    const { text } = await readOptionFile(path, cwd, 'file of build arguments');
    words.push(...text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#')));
  }
  return words;
}

type Environment = Host['env'];

/** `NAME=value`, or `NAME` for the value in the environment; as with Docker, a name that is not there is not set. */
function buildArguments(words: readonly string[], env: Environment): Record<string, string> {
  const values = new Map<string, string>();
  for (const word of words) {
    const { name, value } = assignment(word, '--build-arg');
    const taken = value ?? env[name];
    if (taken !== undefined) values.set(name, taken);
  }
  return Object.fromEntries(values);
}

function assignments(words: readonly string[], option: string): Record<string, string> {
  const read = words.map((word) => assignment(word, option));
  return Object.fromEntries(read.map(({ name, value }) => [name, value ?? '']));
}

function assignment(word: string, option: string): { readonly name: string; readonly value: string | undefined } {
  const equals = word.indexOf('=');
  const name = equals < 0 ? word : word.slice(0, equals);
  if (name === '') throw usageError(BUILD, `cannot use ${option} "${word}": the name is missing`, 'Write NAME=value.');
  return { name, value: equals < 0 ? undefined : word.slice(equals + 1) };
}

/** As buildah and kaniko have it, in Go's notation. */
function cacheTtl(word: string | undefined, epoch: number | undefined): Pick<BuildRequest, 'cacheTtlMs'> {
  if (word === undefined) return {};
  const nanoseconds = parseDuration(word);
  if (nanoseconds === undefined || nanoseconds < 0) {
    throw usageError(BUILD, `cannot use --cache-ttl "${word}": it is no time`, 'Write it as 24h or 30m.');
  }
  if (epoch === undefined) return { cacheTtlMs: nanoseconds / 1e6 };
  const hint = 'Leave one of them out, or use --no-cache now and then.';
  throw usageError(
    BUILD,
    'cannot use --cache-ttl with SOURCE_DATE_EPOCH: steps bear that date, not that of their making',
    hint,
  );
}

/** Of groups by number or name, a layer could depend on who builds. */
function groups(word: string | undefined): Pick<BuildRequest, 'keepsGroups'> {
  if (word === undefined) return {};
  if (word === 'keep-groups') return { keepsGroups: true };
  const hint = 'Write --group-add=keep-groups for your own groups; those of the image are in its /etc/group.';
  throw usageError(BUILD, `cannot use --group-add "${word}": steps get no single groups`, hint);
}

/** As buildah has it; a flag alone is Docker's. */
function pull(word: string | undefined): BuildRequest['pull'] {
  return word === 'newer' || word === 'never' ? word : word === 'true' || word === 'always';
}

function network(word: string | undefined): BuildRequest['network'] {
  if (word === undefined || word === 'default' || word === 'host') return 'host';
  if (word === 'none' || word === 'private') return word;
  throw usageError(BUILD, `cannot use --network "${word}": no such network`, 'Use host, none or private.');
}

/** Docker takes names in lists of commas, too. */
function stageList(words: readonly string[]): readonly string[] | undefined {
  const names = words.flatMap((word) => word.split(',')).filter((name) => name !== '');
  return names.length === 0 ? undefined : names;
}

function jobs(word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  if (/^[1-9]\d{0,3}$/.test(word)) return Number(word);
  throw usageError(
    BUILD,
    `cannot use --jobs "${word}": not a number from 1 to 9999`,
    'Give how many steps may run at once.',
  );
}

/** Each is taken under the name it has here; Docker calls the first one default. */
const ISOLATIONS: Readonly<Record<string, NonNullable<BuildRequest['isolation']>>> = {
  auto: 'auto',
  default: 'auto',
  namespaces: 'namespaces',
  oci: 'oci',
  bwrap: 'bwrap',
  chroot: 'chroot',
};

/** As the option says, else as the environment does. @throws `USAGE` */
export function isolation(word: string | undefined, env: Environment): BuildRequest['isolation'] {
  if (word !== undefined) return choose(word, ISOLATIONS, '--isolation');
  const usual = env['TSBUILD_ISOLATION'] ?? '';
  return usual === '' ? undefined : choose(usual, ISOLATIONS, 'TSBUILD_ISOLATION');
}

const PLATFORM = /^[a-z0-9_]+\/[a-z0-9_]+(\/[a-z0-9_.]+)?$/;

/** Checks the form only. @throws `USAGE` */
export function platform(word: string | undefined): string | undefined {
  if (word === undefined || PLATFORM.test(word)) return word;
  if (word.includes(',')) {
    throw new TsbuildError('USAGE', `cannot use --platform "${word}": only one platform can be meant`, {
      hint: 'Give one, as linux/amd64.',
    });
  }
  throw new TsbuildError('USAGE', `cannot use --platform "${word}": not of the form os/architecture[/variant]`, {
    hint: 'Write it as linux/amd64 or linux/arm64/v8.',
  });
}
