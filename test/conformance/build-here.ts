import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import type { Host } from '../../src/cli/host.js';
import type { Toolchain, ToolchainOptions } from '../../src/toolchain/toolchain-types.js';
import type { BaseImages } from './base-images.js';
import { makeBaseImages } from './base-images.js';
import { REPOSITORY } from './case-folders.js';
import { factsOf } from './facts.js';
import { checkHere } from './checks-here.js';
import type { Check, Outcome } from './outcome.js';
import { flagsOf, namesOf, type PreparedCase } from './prepared-case.js';
import { document, type ImageDocument } from './read-image.js';
import { rootPath } from './write-case.js';

// As it is shipped: workers cannot load what is not compiled.
const DIST = join(REPOSITORY, 'dist');
type Library = typeof import('../../src/index.js');
type Stores = typeof import('../../src/store/open-store.js');
type Namespaces = typeof import('../../src/toolchain/workshop/build-in-namespace.js');
type CommandLine = typeof import('../../src/cli/run-cli.js');

/** tsbuild in this process, with a store of its own and the base images in it. */
export interface LocalBuilder extends AsyncDisposable {
  readonly tools: Toolchain;
  readonly bases: BaseImages;
  build(prepared: PreparedCase): Promise<Outcome>;
  /** What tsbuild warns of. */
  check(prepared: PreparedCase): Promise<readonly Check[]>;
}

export async function openLocalBuilder(storeRoot: string): Promise<LocalBuilder> {
  const library = (await import(join(DIST, 'index.js'))) as Library;
  const { runCli } = (await import(join(DIST, 'cli/run-cli.js'))) as CommandLine;
  const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/' };
  const open = (options: ToolchainOptions): Promise<Toolchain> => library.createToolchain(options);
  const tools = await open({ storeRoot, env });
  const bases = await makeBaseImages(tools);
  const build = async (prepared: PreparedCase): Promise<Outcome> => {
    const context = rootPath(prepared.folder, 'context');
    const tag = `case/${prepared.case.name}`;
    const stderr = new Collector();
    const words = ['--store', storeRoot, 'build', '--progress', 'plain', '--platform', 'linux/amd64', '-t', tag];
    const status = await runCli([...words, ...flagsOf(prepared), context], {
      ...host({ ...env, ...prepared.case.env }, stderr),
      openToolchain: open,
    });
    if (status !== 0) return { kind: 'failure', error: stderr.text() };
    const { manifest, config } = await tools.image(tag);
    const layers = manifest.value.layers.map(({ digest }) =>
      readFileSync(join(storeRoot, 'blobs', digest.replace(':', '/'))),
    );
    const image = { config: document(config.bytes) as ImageDocument, layers };
    const options = { baseLayers: bases.diffIds, names: namesOf(prepared) };
    return { kind: 'image', image: await factsOf(image, options) };
  };
  const check = (prepared: PreparedCase): Promise<readonly Check[]> =>
    checkHere(prepared, tools, {
      ...host({ ...env, ...prepared.case.env }, new Collector()),
      openToolchain: open,
    });
  const close = async (): Promise<void> => {
    await tools[Symbol.asyncDispose]();
    await removeSnapshots(storeRoot, env);
  };
  return { tools, bases, build, check, [Symbol.asyncDispose]: close };
}

/** Of an ordinary user: their files may belong to ids that only a user namespace may touch, so that `rm` could not remove them. */
async function removeSnapshots(storeRoot: string, env: Readonly<Record<string, string>>): Promise<void> {
  if (process.getuid?.() === 0) return;
  const { openStore } = (await import(join(DIST, 'store/open-store.js'))) as Stores;
  const { collectSnapshotsAsOrdinaryUser } = (await import(
    join(DIST, 'toolchain/workshop/build-in-namespace.js')
  )) as Namespaces;
  using store = await openStore(storeRoot);
  await collectSnapshotsAsOrdinaryUser(new Set(), { store, env, dryRun: false });
}

function host(env: Host['env'], stderr: Writable): Omit<Host, 'openToolchain'> {
  return {
    env,
    cwd: '/',
    home: env['HOME'] ?? '/',
    uid: process.getuid?.() ?? 0,
    stdin: Readable.from([]),
    stdout: new Collector(),
    stderr,
    signal: new AbortController().signal,
    takeSignals: () => ({ [Symbol.dispose]: () => undefined }),
    now: Date.now,
    sources: new Map(),
  };
}

class Collector extends Writable {
  readonly #chunks: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}
