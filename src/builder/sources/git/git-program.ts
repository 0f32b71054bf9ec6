import type { Readable } from 'node:stream';
import { abortable } from '../../../support/byte-streams.js';
import { CommandError, exitOf, runCommand, spawnProcess } from '../../../support/child-process.js';
import { systemErrorCode, TsbuildError } from '../../../support/errors.js';

export type GitSetting = readonly [name: string, value: string];

/** Where a command runs, and what for. */
export interface GitTask {
  /** `fetch repository "https://host/x.git"`: a verb and its object, without secrets. */
  readonly what: string;
  /** Absent for a command that needs no repository. */
  readonly gitDir?: string;
  /** Beside those of every command; they go by the environment, where no other user sees them. */
  readonly settings?: readonly GitSetting[];
  readonly env?: Readonly<Record<string, string>>;
  /** Shown when the command fails. */
  readonly hint?: string;
  readonly signal: AbortSignal;
}

const MAX_OUTPUT = 64 << 20;
const MAX_STDERR = 64 << 10;

/**
 * Settings of every command, which no repository's own configuration outweighs: no hooks, no programs of the repository's
 * choice, no clean-up behind our back, and the modes that a checkout with umask 022 gives.
 */
const SETTINGS: readonly GitSetting[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.logAllRefUpdates', 'false'],
  ['safe.bareRepository', 'all'],
  ['safe.directory', '*'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['init.defaultBranch', 'master'],
  ['tar.umask', '0022'],
];

/** The git program of this host, with nothing of its user's or the repository's configuration. */
export class GitProgram {
  readonly #env: Readonly<Record<string, string>>;

  /** @param env what `gitEnvironment` makes */
  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
  }

  /** The output of a command that must succeed. @throws `SOURCE_UNAVAILABLE`, `ABORTED` */
  async output(args: readonly string[], task: GitTask): Promise<string> {
    const { exitCode, stdout, stderr } = await this.#run(args, task);
    if (exitCode !== 0) throw gitFailure(task, stderr.toString('utf8'));
    return stdout.toString('utf8');
  }

  /** Whether a command succeeds. @throws `SOURCE_UNAVAILABLE` when there is no git, `ABORTED` */
  async succeeds(args: readonly string[], task: GitTask): Promise<boolean> {
    return (await this.#run(args, task)).exitCode === 0;
  }

  /** The output of a command as it comes. @throws `SOURCE_UNAVAILABLE`, at its end when it failed; `ABORTED` */
  async *stream(args: readonly string[], task: GitTask): AsyncGenerator<Uint8Array, void, undefined> {
    const child = await this.#started(task, () =>
      spawnProcess('git', commandLine(args, task), { env: this.#environment(task), stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    const said = startOf(child.stderr);
    try {
      if (child.stdout !== null) yield* abortable(child.stdout, task.what, task.signal);
      const { exitCode } = await exitOf(child);
      if (exitCode !== 0) throw gitFailure(task, await said);
    } finally {
      child.kill('SIGKILL');
      await said;
    }
  }

  async #run(args: readonly string[], task: GitTask): ReturnType<typeof runCommand> {
    const options = { env: this.#environment(task), maxOutputBytes: MAX_OUTPUT, signal: task.signal };
    return await this.#started(task, () => runCommand('git', commandLine(args, task), options));
  }

  async #started<T>(task: GitTask, start: () => Promise<T>): Promise<T> {
    try {
      return await start();
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') throw missingGit(task, error);
      if (error instanceof CommandError) throw gitFailure(task, error.message);
      throw error;
    }
  }

  #environment({ settings = [], env = {} }: GitTask): Record<string, string> {
    const all = [...SETTINGS, ...settings];
    const numbered = all.flatMap(([name, value], index): [string, string][] => [
      [`GIT_CONFIG_KEY_${index}`, name],
      [`GIT_CONFIG_VALUE_${index}`, value],
    ]);
    return { ...this.#env, ...env, GIT_CONFIG_COUNT: String(all.length), ...Object.fromEntries(numbered) };
  }
}

function commandLine(args: readonly string[], { gitDir }: GitTask): readonly string[] {
  return gitDir === undefined ? args : [`--git-dir=${gitDir}`, ...args];
}

/** Read to its end, so that git never waits for us; kept only as far as a message can show. */
async function startOf(stream: Readable | null): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of (stream ?? []) as AsyncIterable<Buffer>) {
    if (size < MAX_STDERR) chunks.push(chunk);
    size += chunk.length;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function missingGit({ what }: GitTask, cause: unknown): TsbuildError {
  return new TsbuildError('SOURCE_UNAVAILABLE', `cannot ${what}: there is no program "git" on this host`, {
    hint: 'Install the package git, or fetch the files yourself and put them into the build context.',
    cause,
  });
}

function gitFailure({ what, hint }: GitTask, stderr: string): TsbuildError {
  return new TsbuildError('SOURCE_UNAVAILABLE', `cannot ${what}: ${reasonIn(stderr)}`, {
    hint: hint ?? 'Check the address of the repository, the branch or tag, and the network.',
  });
}

/** Git's last words, without what a terminal would obey and without the user of any URL in them. */
function reasonIn(stderr: string): string {
  const lines = stderr
    .replace(/[a-z]+:\/\/[^\s/@]*@/gi, (start) => `${start.slice(0, start.indexOf('//') + 2)}…@`)
    .split(/[\r\n]+/)
    .map((line) => line.replace(/\p{Cc}/gu, ' ').trim())
    // That nobody is asked is our doing; the next line says what for.
    .filter((line) => line !== '' && !line.startsWith('error: unable to read askpass response'));
  const fatal = lines.find((line) => /^(?:fatal|error):/.test(line)) ?? lines.at(-1);
  return fatal === undefined ? 'git failed without a word' : `git says "${fatal.slice(0, 300)}"`;
}
