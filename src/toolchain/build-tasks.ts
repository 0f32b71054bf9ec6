import { performOutputs, wantedBy, type OutputContext } from './outputs/build-outputs.js';
import type { BuildRequest, BuildResult } from '../builder/build-request.js';
import type { ExportMountsOptions } from './outputs/export-cache-mounts.js';
import { invariant } from '../support/invariant.js';
import type { BuildTask } from './toolchain-types.js';

/** What has to be built for all that a task has its result go to. @throws `USAGE`, before anything is built */
export function requestOf({ request, outputs = [], cacheTo = [] }: BuildTask): BuildRequest {
  const wantsMounts = cacheTo.some(({ mounts }) => mounts !== undefined);
  const asked = cacheTo.length === 0 ? request : { ...request, wantsSteps: true, wantsMounts };
  return outputs.length === 0 ? asked : { ...asked, wanted: wantedBy(outputs, request) };
}

/** Hands the results of builds to where they go, and their steps to caches: a task after the other. @returns them, with what was pushed */
export async function performTasks(
  tasks: readonly BuildTask[],
  results: readonly BuildResult[],
  context: Omit<OutputContext, 'tags' | 'firstNumber'> & { readonly toolchain: ExportMountsOptions['cacheMounts'] },
): Promise<readonly BuildResult[]> {
  const performed: BuildResult[] = [];
  let outputsBefore = 0;
  let cachesBefore = 0;
  for (const [number, { request, outputs = [], cacheTo = [] }] of tasks.entries()) {
    const result = results[number];
    invariant(result !== undefined, 'a task has a result');
    const pushed = await performOutputs(outputs, result, {
      ...context,
      tags: request.tags,
      firstNumber: outputsBefore,
    });
    performed.push(pushed.length === 0 ? result : { ...result, pushed });
    outputsBefore += outputs.length;
    if (cacheTo.length === 0) continue;
    const { exportCaches } = await import('./outputs/export-cache.js');
    await exportCaches(cacheTo, result, { ...context, cacheMounts: context.toolchain, firstNumber: cachesBefore });
    cachesBefore += cacheTo.length;
  }
  return performed;
}
