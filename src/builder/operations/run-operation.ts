import { Writable } from 'node:stream';
import { resolveInTree } from '../../layers/resolve-in-tree.js';
import type { Tree } from '../../layers/tree.js';
import { cannotRun, emulationFor, type Emulation } from '../../sandbox/emulation/emulation.js';
import type { RunResult, Sandbox } from '../../sandbox/sandbox.js';
import type { RunSpec } from '../../sandbox/run-spec.js';
import { bytesOfText } from '../../support/byte-string.js';
import { TsbuildError } from '../../support/errors.js';
import { visibleLine, withoutSequences } from '../../support/visible-line.js';
import { chainIdOf } from '../../oci/layer.js';
import type { Vertex } from '../graph.js';
import type { Operation, RunOperation } from '../operation.js';
import type { ExecutionContext, OperationContext } from '../solver/operation-handler.js';
import { endInWords } from './advice/exit-status.js';
import { recordLayer } from './layer-recorder.js';
import type { OperationParts } from './operation-parts.js';
import { withLayer, type FileSystemResult } from './result.js';
import { located } from './run/mount-source.js';
import type { RunStep } from './run/run-step.js';
import { openStepResources, type StepResources } from './run/step-resources.js';
import { unpack } from './root-tree.js';
import { lookUpUser } from './user-lookup.js';

/** BuildKit's, so that a step that looks at it sees the same. */
const HOSTNAME = 'buildkitsandbox';
/** The lines of output that an error keeps. */
const TAIL_LINES = 20;
const TAIL_BYTES = 16 << 10;

/**
 * Runs a command in a sandbox over the root file system and makes a layer of what it changed.
 * @throws `RUN_FAILED` with the exit code and the last lines of output in `details`
 */
export async function executeRun(
  parts: OperationParts,
  step: RunStep,
  context: ExecutionContext,
): Promise<FileSystemResult> {
  const { vertex, operation, root } = step;
  const { snapshotter, sandbox } = await parts.workshop();
  // Before anything is unpacked for nothing.
  const emulation = await located(vertex.source, () => Promise.resolve(emulationOf(operation, sandbox)));
  const parent = await unpack(parts, root, { step: vertex.id, context });
  await using active = await snapshotter.prepare(parent);
  const spec = { ...runSpec(parts, operation, active.parentTree), rootfs: active.root };
  const plain: RunSpec = emulation.kind === 'own' ? { ...spec, emulated: true } : spec;
  if (emulation.kind === 'registered') requireInterpreter(active.parentTree, operation, emulation);
  const output = new StepOutput(parts, vertex, context);
  const io = { stdout: output.stream('stdout'), stderr: output.stream('stderr'), signal: context.signal };
  const result = await located(vertex.source, async () => {
    await using resources = await openStepResources(parts, step, context);
    const whole = withResources(plain, resources);
    const ended = await sandbox.run(whole, io);
    if (failed(ended) && parts.openVisit !== undefined) {
      const { visitFailedRun } = await import('./run/visit-failed-run.js');
      const seen = { label: vertex.label, ...outcomeOf(operation, ended), output: output.lastLines() };
      await visitFailedRun(parts.openVisit, { seen, spec: whole, operation, sandbox }, context);
    }
    return ended;
  });
  if (failed(result))
    throw await runFailed(parts, { vertex, operation, result, output, spec, tree: active.parentTree });
  const layer = await recordLayer(parts, active.changes(), context.signal);
  const next = withLayer(root, layer);
  const chain = chainIdOf(next.layers.map(({ diffId }) => diffId));
  if (chain !== null) await active.commit(chain);
  return next;
}

function failed(result: RunResult): boolean {
  return result.outcome !== 'exited' || result.exitCode !== 0;
}

function withResources(spec: RunSpec, { mounts, env, groups }: StepResources): RunSpec {
  const user = { ...spec.user, groups: [...new Set([...spec.user.groups, ...groups])] };
  return { ...spec, user, mounts, env: { ...spec.env, ...env } };
}

function runSpec(parts: OperationParts, operation: RunOperation, tree: Tree): Omit<RunSpec, 'rootfs'> {
  const user = lookUpUser(tree, operation.user);
  requireDirectory(tree, operation.cwd);
  return {
    argv: operation.argv,
    env: { HOME: user.home, ...parts.proxyEnv, ...Object.fromEntries(operation.env.map(splitVariable)) },
    cwd: operation.cwd,
    user: { uid: user.uid, gid: user.gid, groups: user.groups, keepsGroups: parts.given.keepsGroups },
    mounts: [],
    network: operation.network,
    hostname: operation.hostname ?? HOSTNAME,
    hosts: operation.hosts ?? [],
    limits: operation.limits ?? [],
    nameResolution: parts.given.nameResolution,
    allowance: parts.given.allowance,
    privileged: operation.security === 'insecure',
  };
}

function emulationOf({ platform }: RunOperation, { emulates = false }: Sandbox): Emulation {
  return emulationFor(platform, { emulates });
}

/** binfmt_misc finds an interpreter that was not opened in advance in the root file system of the step. */
function requireInterpreter(
  tree: Tree,
  { platform }: RunOperation,
  { interpreter }: Extract<Emulation, { kind: 'registered' }>,
): void {
  if (interpreter === undefined) return;
  const resolved = resolveInTree(tree, bytesOfText(interpreter.slice(1)), { followLast: true });
  if (resolved !== undefined && tree.lstat(resolved) !== undefined) return;
  throw cannotRun(
    platform,
    `its emulator is registered as "${interpreter}", which the image does not have`,
    'Install the package "qemu-user-static", or register the emulator with the flag F, as "docker run --privileged --rm tonistiigi/binfmt --install all" does.',
  );
}

function splitVariable(text: string): [name: string, value: string] {
  const equals = text.indexOf('=');
  return equals === -1 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
}

function requireDirectory(tree: Tree, cwd: string): void {
  const resolved = resolveInTree(tree, bytesOfText(cwd.slice(1)), { followLast: true });
  if (resolved === '' || (resolved !== undefined && tree.lstat(resolved)?.type === 'directory')) return;
  throw new TsbuildError(
    'DOCKERFILE_SEMANTICS',
    `cannot run in working directory "${cwd}": no such directory in the image`,
    {
      hint: `Add "WORKDIR ${cwd}" before the RUN to make it.`,
    },
  );
}

/** What a step prints: passed on as events, its end kept for an error. */
class StepOutput {
  readonly #parts: OperationParts;
  readonly #vertex: Vertex<Operation>;
  readonly #context: OperationContext;
  #tail: Buffer = Buffer.alloc(0);

  constructor(parts: OperationParts, vertex: Vertex<Operation>, context: OperationContext) {
    this.#parts = parts;
    this.#vertex = vertex;
    this.#context = context;
  }

  stream(stream: 'stdout' | 'stderr'): Writable {
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        const [step, at] = [this.#vertex.id, this.#parts.now()];
        this.#tail = Buffer.concat([this.#tail, chunk]).subarray(-TAIL_BYTES);
        this.#context.progress({ type: 'step-log', step, at, stream, chunk });
        this.#parts.drain().then(() => {
          done();
        }, done);
      },
    });
  }

  /** As it was printed. */
  tail(): string {
    return this.#lines().join('\n');
  }

  /** As it looks in a terminal, and does nothing to it. */
  lastLines(): string {
    return this.#lines().map(visibleLine).join('\n');
  }

  #lines(): readonly string[] {
    return this.#tail.toString('utf8').trimEnd().split('\n').slice(-TAIL_LINES);
  }
}

function outcomeOf({ argv }: RunOperation, result: RunResult): { readonly command: string; readonly state: string } {
  const end = endInWords(result);
  return {
    command: argv.length === 3 && argv[1] === '-c' ? (argv[2] ?? '') : argv.join(' '),
    state: result.outOfMemory === true ? `${end}, out of memory` : end,
  };
}

async function runFailed(
  { given, proxyEnv }: OperationParts,
  failure: {
    readonly vertex: Vertex<Operation>;
    readonly operation: RunOperation;
    readonly result: RunResult;
    readonly output: StepOutput;
    readonly spec: RunSpec;
    readonly tree: Tree;
  },
): Promise<TsbuildError> {
  const { vertex, operation, result, output, spec, tree } = failure;
  const [{ failedRunAdvice }, { imageFacts }] = await Promise.all([
    import('./advice/failed-run-advice.js'),
    import('./advice/image-facts.js'),
  ]);
  const { command, state } = outcomeOf(operation, result);
  const image = imageFacts(tree, { ...operation, searchPath: spec.env['PATH'] ?? '' });
  const tail = withoutSequences(output.tail());
  const allowance = given.allowance;
  return new TsbuildError('RUN_FAILED', `cannot run "${command}": ${state}`, {
    hint: failedRunAdvice({ ...operation, result, tail, image, proxies: proxyEnv, allowance }),
    source: vertex.source,
    details: {
      command,
      ...(result.outcome === 'exited' ? { exitCode: result.exitCode } : { signal: result.signal }),
      ...(result.outOfMemory === true ? { outOfMemory: true } : {}),
      output: output.lastLines(),
    },
  });
}
