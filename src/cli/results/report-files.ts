import type { BuildResult } from '../../builder/build-request.js';
import type { ProgressSink } from '../../builder/progress.js';
import type { ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';

/** Files that tell of a build. */
export interface Reports {
  readonly report: string | undefined;
  readonly graph: string | undefined;
  readonly paths: readonly string[];
}

export function reportFiles(parsed: ParsedArguments): Reports {
  const [report, graph] = [parsed.value('report'), parsed.value('graph')];
  return { report, graph, paths: [report, graph].filter((path) => path !== undefined) };
}

interface ReportedWork {
  readonly reports: Reports;
  readonly progress: ProgressSink;
  readonly work: (progress: ProgressSink) => Promise<BuildResult>;
}

/** Builds, with the files that tell of it. Those who watch are told of details only where these were asked for. */
export async function withReports(
  parsed: ParsedArguments,
  host: Host,
  { reports, progress, work }: ReportedWork,
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
