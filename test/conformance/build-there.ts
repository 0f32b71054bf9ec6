import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BaseImages } from './base-images.js';
import { factsOf } from './facts.js';
import type { Check, Outcome } from './outcome.js';
import { flagsOf, namesOf, type PreparedCase } from './prepared-case.js';
import { readArchive } from './read-image.js';
import { rootPath } from './write-case.js';

const run = promisify(execFile);

/** How BuildKit is reached; README.md has the variables that say it. */
export interface DockerSettings {
  /** The program and its first arguments. */
  readonly command: readonly string[];
  /** A folder here and the same folder as the docker program sees it. */
  readonly mapping: { readonly here: string; readonly there: string } | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** BuildKit behind a docker program, with the base images loaded. */
export class BuildKit {
  readonly #settings: DockerSettings;
  readonly #bases: BaseImages;
  /** The containerd image store exports layers as BuildKit wrote them; without it they come through `docker save`. */
  readonly #exportsOci: boolean;
  readonly version: string;

  private constructor(
    settings: DockerSettings,
    { bases, exportsOci, version }: { bases: BaseImages; exportsOci: boolean; version: string },
  ) {
    this.#settings = settings;
    this.#bases = bases;
    this.#exportsOci = exportsOci;
    this.version = version;
  }

  /** @throws Error when there is no daemon, or no buildx */
  static async open(settings: DockerSettings, bases: BaseImages): Promise<BuildKit> {
    const docker = (...args: string[]) => runDocker(settings, args, {});
    await docker('buildx', 'version');
    const version = (await docker('version', '--format', '{{.Server.Version}}')).stdout.trim();
    const driver = (await docker('info', '--format', '{{json .DriverStatus}}')).stdout;
    const loading = docker('load', '--quiet');
    loading.child.stdin?.end(bases.archive);
    await loading;
    return new BuildKit(settings, { bases, exportsOci: driver.includes('containerd.snapshotter'), version });
  }

  async build(prepared: PreparedCase): Promise<Outcome> {
    const archive = join(prepared.folder, 'image.tar');
    try {
      await this.#buildTo(prepared, archive);
    } catch (error) {
      return { kind: 'failure', error: errorOf(error) };
    }
    const image = await readArchive(readFileSync(archive));
    rmSync(archive);
    const options = { baseLayers: this.#bases.diffIds, names: namesOf(prepared) };
    return { kind: 'image', image: await factsOf(image, options) };
  }

  async #buildTo(prepared: PreparedCase, archive: string): Promise<void> {
    const tag = `tsbuild-conformance/${prepared.case.name}`;
    const output = this.#exportsOci
      ? ['--output', `type=oci,dest=${this.#there(archive)},compression=uncompressed`]
      : ['--load', '-t', tag];
    await this.#buildx(prepared, ['--provenance=false', ...output]);
    if (this.#exportsOci) return;
    await runDocker(this.#settings, ['save', '-o', this.#there(archive), tag], {});
    await runDocker(this.#settings, ['rmi', '--no-prune', tag], {});
  }

  /** What `docker build --check` warns of; no warning is `[]`. */
  async check(prepared: PreparedCase): Promise<readonly Check[]> {
    const { stdout } = await this.#buildx(prepared, ['--call=check,format=json']).catch((error: unknown) => ({
      stdout: outputOf(error),
    }));
    const start = stdout.indexOf('{');
    if (start < 0) return [];
    const { warnings } = JSON.parse(stdout.slice(start)) as { readonly warnings: readonly Warning[] | null };
    return (warnings ?? []).map(({ ruleName, detail, description, location }) => ({
      rule: ruleName,
      line: location?.ranges?.[0]?.start.line ?? 0,
      message: detail ?? description,
    }));
  }

  #buildx(prepared: PreparedCase, args: readonly string[]): Promise<{ readonly stdout: string }> {
    const flags = flagsOf(prepared, (path) => this.#there(path));
    // The daemon's cache may remember what a secret of another value made, as secrets are no part of a key.
    const common = ['--no-cache', '--network', 'host', '--platform', 'linux/amd64', '--progress', 'plain'];
    const words = ['buildx', 'build', ...common, ...args, ...flags, this.#there(rootPath(prepared.folder, 'context'))];
    return runDocker(this.#settings, words, prepared.case.env);
  }

  #there(path: string): string {
    const { mapping } = this.#settings;
    return mapping !== undefined && path.startsWith(mapping.here)
      ? mapping.there + path.slice(mapping.here.length)
      : path;
  }
}

interface Warning {
  readonly ruleName: string;
  readonly description: string;
  readonly detail?: string;
  readonly location?: { readonly ranges?: readonly { readonly start: { readonly line: number } }[] };
}

function runDocker({ command, env }: DockerSettings, args: readonly string[], more: Readonly<Record<string, string>>) {
  const [program = 'docker', ...before] = command;
  return run(program, [...before, ...args], { env: { ...env, ...more }, maxBuffer: 1 << 26 });
}

const outputOf = (error: unknown): string => (error as { readonly stdout?: string }).stdout ?? '';

/** The last `ERROR:` line is the one that says why. */
function errorOf(error: unknown): string {
  const { stderr = '' } = error as { readonly stderr?: string };
  const line = stderr
    .split('\n')
    .findLast((text) => text.startsWith('ERROR:'))
    ?.replace(/^ERROR: (?:failed to build: )?(?:failed to solve: )?/, '');
  return line ?? String(error);
}
