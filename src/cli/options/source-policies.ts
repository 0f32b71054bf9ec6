import type { BuildRequest } from '../../builder/build-request.js';
import type { ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { readOptionFile } from '../sources/context-files.js';

/** By which docker buildx takes the name of a policy. */
const VARIABLE = 'EXPERIMENTAL_BUILDKIT_SOURCE_POLICY';

/**
 * The source policy that `--source-policy-file` names, else the one of buildx's variable.
 * @throws `USAGE` for a file that cannot be read, `CONFIG_INVALID`
 */
export async function readSourcePolicies(
  parsed: ParsedArguments,
  host: Host,
): Promise<Pick<BuildRequest, 'sourcePolicies'>> {
  const path = parsed.value('source-policy-file') ?? host.env[VARIABLE] ?? '';
  if (path === '') return {};
  const { name, text } = await readOptionFile(path, host.cwd, 'source policy');
  const { decodePolicy } = await import('../../builder/policy/decode-policy.js');
  return { sourcePolicies: [decodePolicy(text, name)] };
}
