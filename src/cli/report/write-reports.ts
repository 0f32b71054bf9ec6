import type { BuildResult } from '../../builder/build-request.js';
import type { ProgressEvent, ProgressSink } from '../../builder/progress.js';
import type { Outcome } from '../progress/renderer.js';
import { drawPicture, formatOfName } from '../picture/picture.js';
import { writeBytes } from '../results/write-bytes.js';
import { BuildLog } from './build-log.js';
import { reportPage } from './report-page.js';
import { stepFates } from './step-fates.js';

/** Files that tell of a build. */
export interface ReportFiles {
  /** A page. */
  readonly report: string | undefined;
  /** A picture: `.svg`, `.png`, or any other name for DOT. */
  readonly graph: string | undefined;
}

export interface ReportedBuild {
  /** What the reports call it. */
  readonly name: string;
  readonly cwd: string;
}

/** Builds, and writes files that tell of it, whether it succeeds or fails. @throws what `build` throws; `OUTPUT_FAILED`, `DISK_FULL` */
export async function reporting(
  files: ReportFiles,
  { name, cwd }: ReportedBuild,
  build: (listening: (sink: ProgressSink) => ProgressSink) => Promise<BuildResult>,
): Promise<BuildResult> {
  const reporter = new Reporter(files);
  const write = (outcome: Outcome): Promise<void> => reporter.write(outcome, { name, cwd });
  let result: BuildResult;
  try {
    result = await build((sink) => reporter.listening(sink));
  } catch (error) {
    await write({ kind: 'failed', error }).catch((more: unknown) => {
      throw new AggregateError([error, more]);
    });
    throw error;
  }
  await write({ kind: 'done', result });
  return result;
}

/** Gathers what they tell while the build goes on, and writes them at its end, however it ends. */
class Reporter {
  readonly #log = new BuildLog();
  readonly #files: ReportFiles;

  constructor(files: ReportFiles) {
    this.#files = files;
  }

  /** Listens, and passes on. */
  listening(sink: ProgressSink): ProgressSink {
    return (event: ProgressEvent) => {
      this.#log.handle(event);
      sink(event);
    };
  }

  /** @throws `OUTPUT_FAILED`, `DISK_FULL` */
  async write(outcome: Outcome, { name, cwd }: ReportedBuild): Promise<void> {
    const { report, graph } = this.#files;
    const facts = this.#log.facts();
    if (report !== undefined) await writeBytes(report, Buffer.from(await reportPage(facts, { name, outcome })), cwd);
    const [drawn] = facts.graphs;
    if (graph === undefined || drawn === undefined) return;
    // Of several platforms, what they have in common once.
    const vertices = facts.graphs.flatMap((each) => each.vertices.map((vertex) => [vertex.step, vertex] as const));
    const merged = { target: drawn.target, vertices: [...new Map(vertices).values()] };
    const picture = await drawPicture(merged, formatOfName(graph), stepFates(facts, { links: false }));
    await writeBytes(graph, picture, cwd);
  }
}
