import type { BuildTask } from '../toolchain/toolchain-types.js';
import type { ParsedArguments } from './argv.js';
import { readCaches } from './options/build-cache.js';
import type { ReadOutputs } from './options/build-outputs.js';
import { readBuildRequest } from './build-request.js';
import type { SourceReading } from './sources/build-sources.js';
import type { Host } from './host.js';
import { withOutputTimes } from './options/time-options.js';

export interface TaskReading extends Omit<SourceReading, 'host'> {
  /** What `readOutputs` has found. */
  readonly wanted: ReadOutputs;
}

/** A build, and where its result and its steps go, as a command line asks for it. @throws as `readBuildRequest` and `readCaches` */
export async function readBuildTask(
  parsed: ParsedArguments,
  host: Host,
  { wanted, ...reading }: TaskReading,
): Promise<BuildTask> {
  const given = await readBuildRequest(parsed, host, reading);
  const annotations = { ...given.annotations, ...wanted.annotations.annotations };
  const placed = [...(given.placedAnnotations ?? []), ...wanted.annotations.placed];
  const caches = readCaches(parsed, host, given);
  const cached = {
    ...(caches.from.length === 0 ? {} : { cacheFrom: caches.from }),
    ...(caches.inline ? { inlineCache: true } : {}),
  };
  const { times, warning } = withOutputTimes(given, wanted.rewrites);
  if (warning !== undefined) reading.activity.progress?.({ type: 'warning', message: warning });
  const request = {
    ...{ ...given, ...cached, ...times, annotations },
    tags: [...given.tags, ...wanted.names],
    ...(placed.length === 0 ? {} : { placedAnnotations: placed }),
  };
  return { request, outputs: wanted.outputs, cacheTo: caches.to };
}
