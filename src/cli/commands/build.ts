import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { BuildResult } from '../../builder/build-request.js';
import type { ProgressSink } from '../../builder/progress.js';
import type { ParsedArguments } from '../argv.js';
import { refuseAttestations } from '../attestations.js';
import { buildMetadata } from '../build-metadata.js';
import { readOutputs } from '../build-outputs.js';
import { callOf } from '../calls/call.js';
import { readBuildTask } from '../build-task.js';
import type { Host } from '../host.js';
import { writeLock } from '../lock-file.js';
import { print } from '../output-stream.js';
import { openRenderer, progressMode } from '../progress/select-renderer.js';
import { withRenderer } from '../progress/with-renderer.js';
import { failedStepVisits, wantsShell } from '../visit/failed-step-visits.js';
import { writeBytes } from '../write-bytes.js';
import { lazyToolchain } from './open-toolchain.js';

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const call = callOf(parsed);
  if (call !== undefined) {
    const { runCall } = await import('../calls/run-call.js');
    await runCall(call, parsed, host);
    return;
  }
  const mode = parsed.flag('quiet') ? 'quiet' : progressMode(parsed.value('progress'), host);
  refuseAttestations(parsed);
  const wanted = readOutputs(parsed, host);
  const files = resultFiles(parsed);
  const shell = wantsShell(parsed, mode, host);
  const kill = new AbortController();
  const signal = AbortSignal.any([host.signal, kill.signal]);
  const renderer = await openRenderer(mode, host);
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
      for (const path of [...files.map((file) => file.path), ...reports.paths]) {
        await rm(resolve(host.cwd, path), { force: true });
      }
      const built = await withReports(parsed, host, { reports, progress, work });
      for (const { path, textOf } of files) await writeBytes(path, Buffer.from(textOf(built)), host.cwd);
      return built;
    },
    (built) => built,
  );
  if (mode === 'quiet' && !wanted.usesStandardOutput) await print(host.stdout, `${shownId(result)}\n`);
}

interface ResultFile {
  readonly path: string;
  readonly textOf: (built: BuildResult) => string;
}

function resultFiles(parsed: ParsedArguments): readonly ResultFile[] {
  const idFile = parsed.value('iidfile');
  const metadataFile = parsed.value('metadata-file');
  return [
    // Without an end of line, as Docker writes it.
    ...(idFile === undefined ? [] : [{ path: idFile, textOf: shownId }]),
    ...(metadataFile === undefined ? [] : [{ path: metadataFile, textOf: buildMetadata }]),
  ];
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
