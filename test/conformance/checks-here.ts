import { join } from 'node:path';
import type { BuildRequest } from '../../src/builder/build-request.js';
import type { Host } from '../../src/cli/host.js';
import { REPOSITORY } from './case-folders.js';
import type { Check } from './outcome.js';
import { flagsOf, type PreparedCase } from './prepared-case.js';
import { rootPath } from './write-case.js';

const DIST = join(REPOSITORY, 'dist');
type Library = { readonly checkDockerfile?: (request: BuildRequest) => Promise<readonly Check[]> };
type Arguments = typeof import('../../src/cli/argv.js');
type CommandTable = typeof import('../../src/cli/command-table.js');
type Commands = typeof import('../../src/cli/command.js');
type Requests = typeof import('../../src/cli/build-request.js');

/** Whether the library offers checks: until it does, there is nothing to compare with BuildKit's. */
export async function hasChecks(): Promise<boolean> {
  return ((await import(join(DIST, 'index.js'))) as Library).checkDockerfile !== undefined;
}

/** What tsbuild warns of in a case. */
export async function checkHere(prepared: PreparedCase, host: Host): Promise<readonly Check[]> {
  const { checkDockerfile } = (await import(join(DIST, 'index.js'))) as Library;
  if (checkDockerfile === undefined) throw new Error('the library offers no checks');
  const { parseArguments } = (await import(join(DIST, 'cli/argv.js'))) as Arguments;
  const { findCommand } = (await import(join(DIST, 'cli/command-table.js'))) as CommandTable;
  const { argumentsSpec } = (await import(join(DIST, 'cli/command.js'))) as Commands;
  const { readBuildRequest } = (await import(join(DIST, 'cli/build-request.js'))) as Requests;
  const command = findCommand('build');
  if (command === undefined) throw new Error('there is no command "build"');
  const words = [...flagsOf(prepared), rootPath(prepared.folder, 'context')];
  return checkDockerfile(await readBuildRequest(parseArguments(words, argumentsSpec(command)), host));
}
