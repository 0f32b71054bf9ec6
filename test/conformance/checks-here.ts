import { join } from 'node:path';
import type { Host } from '../../src/cli/host.js';
import type { Toolchain } from '../../src/toolchain/toolchain-types.js';
import { REPOSITORY } from './case-folders.js';
import type { Check } from './outcome.js';
import { flagsOf, type PreparedCase } from './prepared-case.js';
import { rootPath } from './write-case.js';

const DIST = join(REPOSITORY, 'dist');
type Arguments = typeof import('../../src/cli/argv.js');
type CommandTable = typeof import('../../src/cli/tables/command-table.js');
type Commands = typeof import('../../src/cli/command.js');
type Requests = typeof import('../../src/cli/build-request.js');

/** What tsbuild warns of in a case, by BuildKit's rules; it has others of its own. */
export async function checkHere(prepared: PreparedCase, tools: Toolchain, host: Host): Promise<readonly Check[]> {
  const { parseArguments } = (await import(join(DIST, 'cli/argv.js'))) as Arguments;
  const { findCommand } = (await import(join(DIST, 'cli/tables/command-table.js'))) as CommandTable;
  const { argumentsSpec } = (await import(join(DIST, 'cli/command.js'))) as Commands;
  const { readBuildRequest } = (await import(join(DIST, 'cli/build-request.js'))) as Requests;
  const command = findCommand('build');
  if (command === undefined) throw new Error('there is no command "build"');
  const words = [...flagsOf(prepared), rootPath(prepared.folder, 'context')];
  const reading = { toolchain: () => Promise.reject(new Error('the contexts of cases are folders')), activity: {} };
  const request = await readBuildRequest(parseArguments(words, argumentsSpec(command)), host, reading);
  const { warnings } = await tools.check(request);
  return warnings
    .filter(({ rule }) => !rule.startsWith('tsbuild/'))
    .map(({ rule, message, source }) => ({ rule, message, line: source.start.line }));
}
