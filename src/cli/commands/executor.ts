import type { BuildResult } from '../../builder/build-request.js';
import { formatReference, parseReference, repositoryName, withDefaultTag } from '../../oci/reference.js';
import { parseArguments, usageError, type ParsedArguments } from '../argv.js';
import { argumentsSpec, type Command } from '../command.js';
import { readExecutorContext } from '../sources/executor-context.js';
import type { Host } from '../host.js';
import type { ResultFile } from '../results/result-files.js';
import { runBuild } from './build.js';

/** A build as kaniko's executor is asked for one. */
export async function run(parsed: ParsedArguments, host: Host, commands: readonly Command[]): Promise<void> {
  const [build, executor] = [commandNamed('build', commands), commandNamed('executor', commands)];
  const { context, dockerfile, stdin } = readExecutorContext(parsed, host);
  const words = [
    ...sameOptions(parsed, { build, executor }),
    ...destinations(parsed),
    ...outputs(parsed),
    ...caches(parsed),
    ...connections(parsed),
    ...named('platform', parsed.value('custom-platform')),
    ...named('format', parsed.value('image-format')),
    ...named('file', dockerfile),
    ...(parsed.flag('single-snapshot') ? ['--squash'] : []),
    ...reproducible(parsed, host),
    ...tokens(host),
  ];
  const given = parseArguments([...words, '--', context], argumentsSpec(build));
  const inPlace = stdin === undefined ? host : withInput(host, stdin);
  await runBuild(given, inPlace, { files: files(parsed), notes: notes(parsed, executor) });
}

function commandNamed(name: string, commands: readonly Command[]): Command {
  const command = commands.find((one) => one.name === name);
  if (command === undefined) throw new Error(`internal error: there is no command ${name}`);
  return command;
}

const EXECUTOR = { command: 'tsbuild executor' };

const named = (name: string, value: string | undefined): readonly string[] =>
  value === undefined ? [] : [`--${name}=${value}`];

/** Of another name or another meaning there. */
const OWN: ReadonlySet<string> = new Set(['cache', 'context', 'destination', 'dockerfile', 'help']);

/** What both commands call the same. */
function sameOptions(
  parsed: ParsedArguments,
  { build, executor }: { readonly build: Command; readonly executor: Command },
): readonly string[] {
  const known = new Set(argumentsSpec(build).options.map(({ name }) => name));
  const own = argumentsSpec(executor).options;
  const shared = own.filter(({ name, ignored }) => known.has(name) && !OWN.has(name) && ignored === undefined);
  return shared.flatMap(({ name }) => parsed.list(name).map((value) => `--${name}=${value}`));
}

/** @throws `USAGE` when there is nowhere to push to */
function destinations(parsed: ParsedArguments): readonly string[] {
  const names = parsed.list('destination').map((name) => `--tag=${name}`);
  if (parsed.flag('no-push')) return names;
  if (names.length > 0) return [...names, '--push'];
  throw usageError(EXECUTOR, 'cannot push the image: it has no destination', 'Give --destination, or --no-push.');
}

function outputs(parsed: ParsedArguments): readonly string[] {
  const [tar, layout] = [parsed.value('tar-path'), parsed.value('oci-layout-path')];
  return [
    ...(tar === undefined ? [] : [`--output=type=docker,${field('dest', tar)}`]),
    ...(layout === undefined ? [] : [`--output=type=oci,tar=false,${field('dest', layout)}`]),
  ];
}

/** Of a line of CSV. */
function field(name: string, value: string): string {
  const text = `${name}=${value}`;
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** kaniko's cache is a repository of a layer each; here it is one manifest, in the same place. */
function caches(parsed: ParsedArguments): readonly string[] {
  if (!parsed.flag('cache')) return [];
  const [first] = parsed.list('destination');
  const place = parsed.value('cache-repo') ?? (first === undefined ? undefined : `${repositoryOf(first)}/cache`);
  if (place === undefined) {
    throw usageError(EXECUTOR, 'cannot cache: there is no destination to derive a place from', 'Give --cache-repo.');
  }
  const folder = /^oci:(?:\/\/)?(.+)$/.exec(place)?.[1];
  const from = folder === undefined ? `type=registry,${field('ref', place)}` : `type=local,${field('src', folder)}`;
  const to = folder === undefined ? `type=registry,${field('ref', place)}` : `type=local,${field('dest', folder)}`;
  return [`--cache-from=${from}`, ...(parsed.flag('no-push-cache') ? [] : [`--cache-to=${to},mode=max`])];
}

function repositoryOf(name: string): string {
  return repositoryName(parseReference(name));
}

function connections(parsed: ParsedArguments): readonly string[] {
  if (parsed.flag('insecure-pull') || parsed.flag('skip-tls-verify-pull')) return ['--tls-verify=false'];
  if (!parsed.flag('insecure') && !parsed.flag('skip-tls-verify')) return [];
  return parsed.list('destination').map((name) => `--insecure-registry=${parseReference(name).registry}`);
}

function reproducible(parsed: ParsedArguments, { env }: Host): readonly string[] {
  const isDated =
    (env['SOURCE_DATE_EPOCH'] ?? '') !== '' ||
    parsed.list('build-arg').some((word) => /^SOURCE_DATE_EPOCH(?:=|$)/.test(word));
  return parsed.flag('reproducible') && !isDated ? ['--build-arg=SOURCE_DATE_EPOCH=0'] : [];
}

/** What kaniko has for repositories that ask who is there. */
function tokens({ env }: Host): readonly string[] {
  const name = ['GIT_TOKEN', 'GIT_PASSWORD'].find((one) => (env[one] ?? '') !== '');
  return name === undefined ? [] : [`--secret=id=GIT_AUTH_TOKEN,env=${name}`];
}

function files(parsed: ParsedArguments): readonly ResultFile[] {
  const names = parsed.list('destination').map((name) => withDefaultTag(parseReference(name)));
  const file = (option: string, nameOf: (name: (typeof names)[number]) => string): readonly ResultFile[] => {
    const path = parsed.value(option);
    if (path === undefined) return [];
    const textOf = ({ manifest, pushed = [] }: BuildResult): string =>
      names.map((name) => `${nameOf(name)}@${(pushed[0] ?? manifest).digest}\n`).join('');
    return [{ path, textOf }];
  };
  return [
    ...file('image-name-with-digest-file', repositoryName),
    ...file('image-name-tag-with-digest-file', formatReference),
  ];
}

function notes(parsed: ParsedArguments, { options }: Command): readonly string[] {
  return options
    .filter(({ name, ignored }) => ignored !== undefined && parsed.value(name) !== undefined)
    .map(({ name, ignored = '' }) => `--${name} has no effect: ${ignored}`);
}

function withInput(host: Host, stdin: Host['stdin']): Host {
  const { env, cwd, home, uid, stdout, stderr, signal, takeSignals, now, openToolchain, sources } = host;
  return { env, cwd, home, uid, stdin, stdout, stderr, signal, takeSignals, now, openToolchain, sources };
}
