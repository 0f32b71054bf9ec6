import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { BuildResult } from '../../builder/build-request.js';
import type { ProgressSink } from '../../builder/progress.js';
import type { ParsedArguments } from '../argv.js';
import { refuseAttestations } from '../options/attestations.js';
import { logMode, openLog } from '../results/build-log.js';
import { readOutputs, type ReadOutputs } from '../options/build-outputs.js';
import { readBuildTask } from '../build-task.js';
import { familiarName, parseReference } from '../../oci/reference.js';
import { callOf } from '../calls/call.js';
import { IGNORED_OPTIONS } from '../tables/foreign-options.js';
import type { Host } from '../host.js';
import { writeLock } from '../results/lock-file.js';
import { print } from '../output-stream.js';
import { listLine } from '../results/list-line.js';
import { openRenderer } from '../progress/select-renderer.js';
import { withRenderer } from '../progress/with-renderer.js';
import { reportFiles, withReports } from '../results/report-files.js';
import { resultFiles, shownId, type ResultFile } from '../results/result-files.js';
import { failedStepVisits, wantsShell } from '../visit/failed-step-visits.js';
import { writeBytes } from '../results/write-bytes.js';
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
  if (parsed.flag('dry-run') || parsed.flag('dryrun')) {
    const { runDryRun } = await import('../calls/dry-run.js');
    await runDryRun(parsed, host, extras);
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
      [...extras.notes, ...notesOn(parsed, wanted)].forEach((message) => {
        progress({ type: 'notice', message });
      });
      // Whoever reads such a file after a failed build must not find the image of the build before.
      for (const path of [...files.map((file) => file.path), ...reports.paths]) {
        await rm(resolve(host.cwd, path), { force: true });
      }
      const built = await withReports(parsed, host, { reports, progress, work });
      for (const { path, textOf } of files) await writeBytes(path, Buffer.from(textOf(built)), host.cwd);
      if (built.manifestList !== undefined) progress({ type: 'notice', message: listLine(built.manifestList) });
      for (const stage of built.stages ?? []) progress({ type: 'notice', message: stageLine(stage) });
      return built;
    },
    (built) => built,
  ).finally(close);
  const silent = parsed.value('verbosity') !== undefined && !parsed.flag('quiet');
  if (mode === 'quiet' && !silent && !wanted.usesStandardOutput) await print(host.stdout, `${shownId(result)}\n`);
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
