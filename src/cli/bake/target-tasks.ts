import type { Target } from '../../bake/target/field.js';
import type { ProgressSink } from '../../builder/progress.js';
import { platformRequests } from '../../builder/joint/platform-requests.js';
import { platformOf } from '../../builder/joint/platform-of.js';
import { isTsbuildError, TsbuildError } from '../../support/errors.js';
import type { BuildTask, Toolchain } from '../../toolchain/toolchain-types.js';
import { usageError } from '../argv.js';
import { refuseAttestations } from '../options/attestations.js';
import { readOutputs, type ReadOutputs } from '../options/build-outputs.js';
import { readBuildTask } from '../build-task.js';
import type { Host } from '../host.js';
import type { TargetCommand } from './target-command.js';

const BAKE = { command: 'tsbuild bake' };

export interface TaskTarget extends TargetCommand {
  readonly outputs: ReadOutputs;
}

/** @throws `USAGE` for what no build, or no two builds together, can do */
export function readTargets(commands: readonly TargetCommand[], host: Host): readonly TaskTarget[] {
  const read = commands.map((command) => {
    refuseAttestations(command.parsed);
    return { ...command, outputs: readOutputs(command.parsed, host) };
  });
  if (read.filter(({ outputs }) => outputs.usesStandardOutput).length <= 1) return read;
  throw usageError(BAKE, 'cannot build: the results of two targets go to standard output', 'Give one of them a file.');
}

export interface TaskReading {
  readonly host: Host;
  readonly toolchain: () => Promise<Toolchain>;
  readonly progress: ProgressSink;
}

/** The builds of targets, in their order. @throws what reading them finds wrong, with the name of the target */
export async function readTasks(
  targets: readonly TaskTarget[],
  { host, toolchain, progress }: TaskReading,
): Promise<readonly BuildTask[]> {
  const tasks: BuildTask[] = [];
  for (const { target, parsed, outputs } of targets) {
    const reading = { wanted: outputs, toolchain, activity: { progress, signal: host.signal } };
    tasks.push(await ofTarget(target, () => readBuildTask(parsed, host, reading)));
  }
  refuseSamePlatform(targets, tasks);
  return tasks;
}

/** In a list of manifests the later one would silently take the place of the first. */
function refuseSamePlatform(targets: readonly TaskTarget[], tasks: readonly BuildTask[]): void {
  const listed = new Map<string, string>();
  for (const { of, request } of platformRequests(tasks.map((task) => task.request))) {
    const name = targets[of]?.target.name ?? '';
    if (request.manifestList === undefined) continue;
    const platform = platformOf(request);
    const other = listed.get(platform);
    if (other !== undefined) {
      const state = `targets "${other}" and "${name}" are both for ${platform}`;
      throw usageError(
        BAKE,
        `cannot make manifest list "${request.manifestList}": ${state}`,
        'A list has one image for each platform: name the targets that belong together.',
      );
    }
    listed.set(platform, name);
  }
}

/** Says which target a mistake is in. */
export async function ofTarget<T>({ name }: Target, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isTsbuildError(error) || error.code === 'ABORTED') throw error;
    const { code, message, source, details, cause } = error;
    const hint = error.hint?.replace(/ ?See 'tsbuild build --help'\.$/, '');
    const told = message.startsWith(`cannot build target "${name}"`)
      ? message
      : `cannot build target "${name}": ${message}`;
    throw new TsbuildError(code, told, { hint: hint === '' ? undefined : hint, source, details, cause });
  }
}
