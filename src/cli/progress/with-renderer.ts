import type { BuildResult } from '../../builder/build-request.js';
import type { ProgressSink } from '../../builder/progress.js';
import { ReportedError } from '../errors/reported-error.js';
import type { ProgressRenderer } from './renderer.js';

/** Does the work while the renderer shows it, and ends the show with how it ended. */
export async function withRenderer<T>(
  renderer: ProgressRenderer,
  work: (sink: ProgressSink) => Promise<T>,
  resultOf: (value: T) => BuildResult | undefined = () => undefined,
): Promise<T> {
  let value: T;
  try {
    value = await work(renderer.sink);
  } catch (error) {
    await renderer.finish({ kind: 'failed', error });
    throw renderer.reportsErrors ? new ReportedError('already reported', { cause: error }) : error;
  }
  await renderer.finish({ kind: 'done', result: resultOf(value) });
  return value;
}
