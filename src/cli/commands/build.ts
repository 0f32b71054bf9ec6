import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { BuildResult } from '../../builder/build-request.js';
import type { ProgressSink } from '../../builder/progress.js';
import type { ParsedArguments } from '../argv.js';
import { refuseAttestations } from '../attestations.js';
import { buildMetadata } from '../build-metadata.js';
import { readOutputs, type ReadOutputs } from '../build-outputs.js';
import { readBuildTask } from '../build-task.js';
import { familiarName, parseReference } from '../../oci/reference.js';
import { callOf } from '../calls/call.js';
import { IGNORED_OPTIONS } from '../foreign-options.js';
import type { Host } from '../host.js';
import { writeLock } from '../lock-file.js';
import { print } from '../output-stream.js';
import { openRenderer, progressMode, type ProgressMode } from '../progress/select-renderer.js';
import { withRenderer } from '../progress/with-renderer.js';
import { failedStepVisits, wantsShell } from '../visit/failed-step-visits.js';
import { writeBytes } from '../write-bytes.js';
import { choose } from './choose.js';
import { lazyToolchain } from './open-toolchain.js';

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  await runBuild(parsed, host, { files: [], notes: [] });
}

export interface BuildExtras {
  /** Written beside those that the options name. */
  readonly files: readonly ResultFile[];
  /** Told before all else. */
  readonly notes: readonly string[];
}

export async function runBuild(parsed: ParsedArguments, host: Host, extras: BuildExtras): Promise<void> {
  const call = callOf(parsed);
  if (call !== undefined) {
    const { runCall } = await import('../calls/run-call.js');
    await runCall(call, parsed, host);
    return;
  }
  const mode = logMode(parsed, host);
  refuseAttestations(parsed);
  const wanted = readOutputs(parsed, host);
  const files = [...resultFiles(parsed), ...extras.files];
  const shell = wantsShell(parsed, mode, host);
  const kill = new AbortController();
  const signal = AbortSignal.any([host.signal, kill.signal]);
  const { stderr, close } = await openLog(parsed, host);
  const renderer = await openRenderer(mode, { stderr, env: host.env, now: host.now });
  const work = async (progress: ProgressSink): Promise<BuildResult> => {
    await using lazy = lazyToolchain(parsed, host);
    const activity = { progress, signal };
    const task = await readBuildTask(parsed, host, { wanted, toolchain: () => lazy.get(), activity });
    const openVisit = shell ? failedStepVisits(host, renderer, { mode, kill }) : undefined;
    const { request, outputs, cacheTo } = task;
    const built = await (await lazy.get()).build(request, { ...activity, outputs, cacheTo, openVisit });
    await writeLock(request.lock, built, { cwd: host.cwd, progress });
    return built;
  };
  const result = await withRenderer(
    renderer,
    async (progress) => {
      const reports = reportFiles(parsed);
      // Whoever reads such a file after a failed build must not find the image of the build before.
      [...extras.notes, ...notesOn(parsed, wanted)].forEach((message) => {
        progress({ type: 'notice', message });
      });
      for (const path of [...files.map((file) => file.path), ...reports.paths]) {
        await rm(resolve(host.cwd, path), { force: true });
      }
      const built = await withReports(parsed, host, { reports, progress, work });
      for (const { path, textOf } of files) await writeBytes(path, Buffer.from(textOf(built)), host.cwd);
      for (const stage of built.stages ?? []) progress({ type: 'notice', message: stageLine(stage) });
      return built;
    },
    (built) => built,
  ).finally(close);
  const silent = parsed.value('verbosity') !== undefined && !parsed.flag('quiet');
  if (mode === 'quiet' && !silent && !wanted.usesStandardOutput) await print(host.stdout, `${shownId(result)}\n`);
}

/** No file is drawn anew. */
function logMode(parsed: ParsedArguments, host: Host): ProgressMode {
  const mode = parsed.flag('quiet') ? 'quiet' : progressMode(wantedMode(parsed), host);
  return mode === 'tty' && parsed.value('logfile') !== undefined ? 'plain' : mode;
}

/** Docker's option, else what kaniko says in two. */
function wantedMode(parsed: ParsedArguments): string | undefined {
  const given = parsed.value('progress');
  if (given !== undefined) return given;
  const format = choose(parsed.value('log-format'), { text: 'plain', color: 'auto', json: 'json' }, '--log-format');
  const much = { info: undefined, debug: 'plain', trace: 'plain' };
  const little = { panic: 'quiet', fatal: 'quiet', error: 'quiet', warn: 'quiet' };
  const level = choose(parsed.value('verbosity'), { ...much, ...little }, '--verbosity');
  return level === 'quiet' ? level : (format ?? level);
}

async function openLog(
  parsed: ParsedArguments,
  host: Host,
): Promise<{ readonly stderr: Host['stderr']; readonly close: () => Promise<void> }> {
  const path = parsed.value('logfile');
  if (path === undefined) return { stderr: host.stderr, close: () => Promise.resolve() };
  const { openLogFile } = await import('../log-file.js');
  return await openLogFile(path, host);
}

/** What is taken and has no effect is told. */
function notesOn(parsed: ParsedArguments, { unusedForm }: ReadOutputs): readonly string[] {
  const taken = IGNORED_OPTIONS.filter(({ name }) => parsed.value(name) !== undefined);
  const notes = taken.map(({ name, ignored = '' }) => `--${name} has no effect: ${ignored}`);
  if (!unusedForm) return notes;
  const form =
    '--compression and --format are for what is pushed or written to an archive: the store keeps plain layers';
  return [...notes, form];
}

function stageLine({ stage, imageId, names }: NonNullable<BuildResult['stages']>[number]): string {
  return `kept stage ${stage} as ${[...names.map((name) => familiarName(parseReference(name))), imageId].join(', ')}`;
}

export interface ResultFile {
  readonly path: string;
  readonly textOf: (built: BuildResult) => string;
}

function resultFiles(parsed: ParsedArguments): readonly ResultFile[] {
  const idFile = parsed.value('iidfile');
  const metadataFile = parsed.value('metadata-file');
  const digestFile = parsed.value('digest-file');
  return [
    ...(digestFile === undefined ? [] : [{ path: digestFile, textOf: digestOfImage }]),
    // Without an end of line, as Docker writes it.
    ...(idFile === undefined ? [] : [{ path: idFile, textOf: shownId }]),
    ...(metadataFile === undefined ? [] : [{ path: metadataFile, textOf: buildMetadata }]),
  ];
}

/** As the registry has it. */
function digestOfImage({ manifest, index, pushed = [] }: BuildResult): string {
  return (pushed[0] ?? index ?? manifest).digest;
}

/** What Docker gives as the id of what was built: of an image for several platforms, the digest of its index. */
function shownId({ imageId, index }: BuildResult): string {
  return index?.digest ?? imageId;
}

interface Reports {
  readonly report: string | undefined;
  readonly graph: string | undefined;
  readonly paths: readonly string[];
}

function reportFiles(parsed: ParsedArguments): Reports {
  const [report, graph] = [parsed.value('report'), parsed.value('graph')];
  return { report, graph, paths: [report, graph].filter((path) => path !== undefined) };
}

/** Builds, with the files that tell of it. Those who watch are told of details only where these were asked for. */
async function withReports(
  parsed: ParsedArguments,
  host: Host,
  {
    reports,
    progress,
    work,
  }: {
    readonly reports: Reports;
    readonly progress: ProgressSink;
    readonly work: (progress: ProgressSink) => Promise<BuildResult>;
  },
): Promise<BuildResult> {
  if (reports.paths.length === 0) return await work(progress);
  const shown: ProgressSink = (event) => {
    if (parsed.flag('explain') || !DETAILS.has(event.type)) progress(event);
  };
  const { reporting } = await import('../report/write-reports.js');
  const name = parsed.list('tag')[0] ?? parsed.value('file') ?? 'Dockerfile';
  return await reporting(reports, { name, cwd: host.cwd }, (listening) => work(listening(shown)));
}

const DETAILS: ReadonlySet<string> = new Set(['graph', 'step-explained', 'step-layers']);
