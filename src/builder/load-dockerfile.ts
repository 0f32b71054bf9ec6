import { digestOf } from '../oci/digest.js';
import type { Dockerfile } from '../parser/instruction.js';
import type { RecordStore } from '../store/record-store.js';
import type { BuildRequest } from './build-request.js';

/** Goes up whenever the parser reads the same text differently. */
const PARSER_VERSION = 4;

/** The parsed Dockerfile: remembered by its text, so that a build that is all cache loads no parser. */
export async function loadDockerfile(
  { name, text }: BuildRequest['dockerfile'],
  records: RecordStore,
): Promise<Dockerfile> {
  const key = digestOf(JSON.stringify([PARSER_VERSION, name, text]));
  const known = await records.load('dockerfile', key);
  if (isDockerfile(known)) return known;
  const { parseDockerfile } = await import('../parser/parse-dockerfile.js');
  const parsed = parseDockerfile(text, { file: name });
  await records.save('dockerfile', key, parsed);
  return parsed;
}

/** Records are our own; this only tells one from a damaged file. */
function isDockerfile(record: unknown): record is Dockerfile {
  const { stages, globalArgs, warnings, check } = (record ?? {}) as Partial<Record<keyof Dockerfile, unknown>>;
  const isChecked = Array.isArray(warnings) && typeof check === 'object' && check !== null;
  return isChecked && Array.isArray(stages) && stages.length > 0 && Array.isArray(globalArgs);
}
