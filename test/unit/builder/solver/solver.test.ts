import { describe, expect, test } from 'vitest';
import type { BuildGraph, CacheKey, Vertex, VertexId } from '../../../../src/builder/graph.js';
import type { ProgressEvent } from '../../../../src/builder/progress.js';
import { dependencyOrder } from '../../../../src/builder/solver/dependency-order.js';
import type { KeyMaterial, OperationHandler, ResultCache } from '../../../../src/builder/solver/operation-handler.js';
import { solve } from '../../../../src/builder/solver/solver.js';
import { digestOf } from '../../../../src/oci/digest.js';
import { TsbuildError } from '../../../../src/support/errors.js';
import { createLimiter } from '../../../../src/support/limiter.js';

interface Work {
  readonly name: string;
  readonly fails?: boolean;
  readonly waits?: boolean;
}

const idOf = (name: string): VertexId => digestOf(name) as VertexId;

/** A graph of `name: inputs`, the last one the target. */
function graphOf(
  table: Readonly<Record<string, readonly string[]>>,
  work: Readonly<Record<string, Partial<Work>>> = {},
) {
  const vertices = new Map<VertexId, Vertex<Work>>();
  for (const [name, inputs] of Object.entries(table)) {
    const operation = { name, ...work[name] };
    vertices.set(idOf(name), { id: idOf(name), operation, inputs: inputs.map(idOf), label: name });
  }
  const target = idOf(Object.keys(table).at(-1) ?? '');
  return { target, vertices } satisfies BuildGraph<Work>;
}

function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

class Bench implements OperationHandler<Work, string>, ResultCache<Work, string> {
  readonly executed: string[] = [];
  readonly records = new Map<CacheKey, string>();
  readonly events: ProgressEvent[] = [];
  running = 0;
  mostAtOnce = 0;

  present = (): Promise<undefined> => Promise.resolve(undefined);

  async *keys({ operation }: Vertex<Work>, inputs: readonly string[]): AsyncGenerator<KeyMaterial> {
    await Promise.resolve();
    for (const kind of ['fast', 'slow']) {
      const parts = [kind, operation.name, ...inputs];
      yield { key: digestOf(JSON.stringify(parts)) as CacheKey, parts };
    }
  }

  async execute(
    { operation }: Vertex<Work>,
    inputs: readonly string[],
    context: { signal: AbortSignal },
  ): Promise<string> {
    this.executed.push(operation.name);
    this.running += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.running);
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (operation.waits === true) {
      // On a busy machine it is over before it begins.
      if (!context.signal.aborted) await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
      throw new TsbuildError('ABORTED', 'cannot finish: cancelled');
    }
    this.running -= 1;
    if (operation.fails === true) throw new TsbuildError('RUN_FAILED', `cannot run "${operation.name}": exit code 1`);
    return `${operation.name}(${inputs.join(',')})`;
  }

  load(_vertex: Vertex<Work>, key: CacheKey): Promise<string | undefined> {
    return Promise.resolve(this.records.get(key));
  }

  save(_vertex: Vertex<Work>, materials: readonly KeyMaterial[], result: string): Promise<void> {
    for (const { key } of materials) this.records.set(key, result);
    return Promise.resolve();
  }

  readonly claimed = new Map<CacheKey, Promise<void>>();

  async claim(key: CacheKey, { onWait }: { readonly onWait: () => void }): Promise<Disposable> {
    const before = this.claimed.get(key);
    const { promise, resolve } = withResolvers();
    this.claimed.set(
      key,
      (before ?? Promise.resolve()).then(() => promise),
    );
    if (before !== undefined) onWait();
    await before;
    return { [Symbol.dispose]: resolve };
  }

  async run(
    graph: BuildGraph<Work>,
    options: { jobs?: number; mayLoad?: boolean; signal?: AbortSignal; hidden?: string } = {},
  ) {
    const { jobs = 4, mayLoad = true, signal = new AbortController().signal } = options;
    const parts = { handler: this, cache: this, limiter: createLimiter(jobs), now: () => 0 };
    const progress = (event: ProgressEvent): void => void this.events.push(event);
    const solution = await solve(graph, parts, {
      progress,
      signal,
      mayLoad: () => mayLoad,
      isStep: ({ label }) => label !== options.hidden,
    });
    return { ...solution, result: solution.results.get(graph.target) };
  }

  typesOf(name: string): readonly string[] {
    return this.events.flatMap((event) => ('step' in event && event.step === idOf(name) ? [event.type] : []));
  }
}

describe('solve()', () => {
  test('gives inputs in order and executes a shared vertex once', async () => {
    const bench = new Bench();
    const { result, total, cached } = await bench.run(
      graphOf({ base: [], left: ['base'], right: ['base'], top: ['right', 'left'] }),
    );
    expect(result).toBe('top(right(base()),left(base()))');
    expect(bench.executed.filter((name) => name === 'base')).toHaveLength(1);
    expect({ total, cached }).toEqual({ total: 4, cached: 0 });
  });

  test('what another run is doing is waited for and found, not done again', async () => {
    const bench = new Bench();
    const graph = graphOf({ base: [], top: ['base'] });
    const [first, second] = await Promise.all([bench.run(graph), bench.run(graph)]);
    expect(bench.executed).toEqual(['base', 'top']);
    expect([first.result, second.result]).toEqual(['top(base())', 'top(base())']);
    expect([first.cached, second.cached].sort()).toEqual([0, 2]);
    expect(bench.events).toContainEqual({
      type: 'step-waiting',
      step: idOf('base'),
      at: expect.any(Number) as number,
      reason: 'another-build',
    });
  });

  test('what may not be found is done by both', async () => {
    const bench = new Bench();
    const graph = graphOf({ base: [] });
    await Promise.all([bench.run(graph, { mayLoad: false }), bench.run(graph, { mayLoad: false })]);
    expect(bench.executed).toEqual(['base', 'base']);
  });

  test('a run that fails lets the next one try', async () => {
    const bench = new Bench();
    const graph = graphOf({ base: [] }, { base: { fails: true } });
    const runs = await Promise.allSettled([bench.run(graph), bench.run(graph)]);
    expect(runs.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(bench.executed).toEqual(['base', 'base']);
  });

  test('a second run executes nothing and reports every step as cached', async () => {
    const bench = new Bench();
    const graph = graphOf({ base: [], top: ['base'] });
    await bench.run(graph);
    bench.executed.length = 0;
    bench.events.length = 0;
    expect((await bench.run(graph)).cached).toBe(2);
    expect(bench.executed).toEqual([]);
    expect(bench.typesOf('top')).toEqual(['step-planned', 'step-cached']);
  });

  test('a hit by a later key is remembered under the earlier ones', async () => {
    const bench = new Bench();
    const graph = graphOf({ base: [] });
    const slow = digestOf(JSON.stringify(['slow', 'base'])) as CacheKey;
    const fast = digestOf(JSON.stringify(['fast', 'base'])) as CacheKey;
    bench.records.set(slow, 'found');
    expect((await bench.run(graph)).result).toBe('found');
    expect(bench.records.get(fast)).toBe('found');
  });

  test('mayLoad false executes again and still remembers', async () => {
    const bench = new Bench();
    const graph = graphOf({ base: [] });
    await bench.run(graph);
    await bench.run(graph, { mayLoad: false });
    expect(bench.executed).toEqual(['base', 'base']);
  });

  test('vertices that the target does not need are never touched', async () => {
    const bench = new Bench();
    await bench.run(graphOf({ unused: [], used: [] }));
    expect(bench.executed).toEqual(['used']);
  });

  test('independent vertices run side by side, up to the limit', async () => {
    const wide = Object.fromEntries([...Array(8).keys()].map((index) => [`leaf${index}`, []]));
    const graph = graphOf({ ...wide, top: Object.keys(wide) });
    const bench = new Bench();
    await bench.run(graph, { jobs: 3 });
    expect(bench.mostAtOnce).toBe(3);
  });

  test('the first failure is thrown, stops what waits and leaves no record', async () => {
    const bench = new Bench();
    const graph = graphOf(
      { slow: [], bad: [], after: ['bad'], top: ['slow', 'after'] },
      { slow: { waits: true }, bad: { fails: true } },
    );
    await expect(bench.run(graph)).rejects.toThrow('cannot run "bad": exit code 1');
    expect(bench.executed).not.toContain('after');
    expect(bench.records.size).toBe(0);
    expect(bench.typesOf('bad').at(-1)).toBe('step-failed');
    expect(bench.typesOf('slow')).not.toContain('step-failed');
  });

  test('an abort from outside rejects with ABORTED', async () => {
    const bench = new Bench();
    const abort = new AbortController();
    const running = bench.run(graphOf({ slow: [] }, { slow: { waits: true } }), { signal: abort.signal });
    setTimeout(() => abort.abort(), 10);
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
  });

  test('a vertex that is no step is done, not told of and not counted', async () => {
    const bench = new Bench();
    const { total } = await bench.run(graphOf({ helper: [], top: ['helper'] }), { hidden: 'helper' });
    expect(bench.executed).toEqual(['helper', 'top']);
    expect(total).toBe(1);
    expect(bench.typesOf('helper')).toEqual([]);
  });

  test('a chain of 10,000 steps does not exhaust the stack', () => {
    const table: Record<string, string[]> = {};
    for (let index = 0; index < 10_000; index++) table[`s${index}`] = index === 0 ? [] : [`s${index - 1}`];
    expect(dependencyOrder(graphOf(table))).toHaveLength(10_000);
  });
});

test('one that has failed can have the others stopped before it says so', async () => {
  const graph = graphOf({ other: [], failing: [], target: ['other', 'failing'] });
  const order: string[] = [];
  const otherBegan = withResolvers();
  const bench = new Bench();
  const handler: OperationHandler<Work, string> = {
    present: bench.present,
    keys: bench.keys.bind(bench),
    execute: async ({ operation }, _inputs, { signal, stopOthers }) => {
      if (operation.name === 'other') {
        otherBegan.resolve();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        order.push('other stopped');
        throw new TsbuildError('ABORTED', 'cannot finish: cancelled');
      }
      await otherBegan.promise;
      await stopOthers();
      expect(signal.aborted).toBe(false);
      order.push('alone');
      throw new TsbuildError('RUN_FAILED', 'cannot run "failing": exit code 1');
    },
  };
  const events: ProgressEvent[] = [];
  const parts = { handler, cache: bench, limiter: createLimiter(2), now: () => 0 };
  const options = {
    progress: (event: ProgressEvent) => void events.push(event),
    signal: new AbortController().signal,
    mayLoad: () => true,
    isStep: () => true,
  };
  await expect(solve(graph, parts, options)).rejects.toMatchObject({ code: 'RUN_FAILED' });
  expect(order).toEqual(['other stopped', 'alone']);
  expect(events.filter(({ type }) => type === 'step-failed')).toHaveLength(1);
});
