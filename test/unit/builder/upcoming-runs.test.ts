import { describe, expect, test } from 'vitest';
import type { BuildGraph, Vertex, VertexId } from '../../../src/builder/graph.js';
import type { Operation } from '../../../src/builder/operation.js';
import type { ProgressEvent } from '../../../src/builder/progress.js';
import { UpcomingRuns } from '../../../src/builder/upcoming-runs.js';
import { digestOf } from '../../../src/oci/digest.js';

const idOf = (name: string): VertexId => digestOf(name) as VertexId;
const vertex = (name: string, operation: Operation, ...inputs: string[]): [VertexId, Vertex<Operation>] => [
  idOf(name),
  { id: idOf(name), operation, inputs: inputs.map(idOf), label: name },
];
const run: Operation = {
  kind: 'run',
  platform: 'linux/amd64',
  argv: ['true'],
  env: [],
  cwd: '/',
  user: '',
  network: 'host',
  security: 'sandbox',
  mounts: [],
  devices: [],
};

test('counts the RUN steps that have neither begun nor been found, and passes every event on', () => {
  const graph: BuildGraph<Operation> = {
    target: idOf('c'),
    vertices: new Map([vertex('s', { kind: 'scratch' }), vertex('a', run), vertex('b', run), vertex('c', run)]),
  };
  const passed: ProgressEvent[] = [];
  const upcoming = new UpcomingRuns(graph, (event) => passed.push(event));
  expect(upcoming.count).toBe(3);
  upcoming.progress({ type: 'step-cached', step: idOf('a'), at: 0 });
  upcoming.progress({ type: 'step-started', step: idOf('b'), at: 0 });
  upcoming.progress({ type: 'step-done', step: idOf('b'), at: 0 });
  upcoming.progress({ type: 'step-started', step: idOf('s'), at: 0 });
  expect(upcoming.count).toBe(1);
  expect(passed).toHaveLength(4);
});

describe('isRunUpon()', () => {
  const workdir: Operation = { kind: 'workdir', path: '/w', user: '' };
  const copy: Operation = {
    kind: 'copy',
    keyword: 'COPY',
    fromContext: false,
    sources: [{ kind: 'path', input: 1, pattern: 'a' }],
    destination: '/a',
  };
  const graph: BuildGraph<Operation> = {
    target: idOf('last'),
    vertices: new Map([
      vertex('base', { kind: 'scratch' }),
      vertex('below', workdir, 'base'),
      vertex('run', run, 'below', 'mounted'),
      vertex('above', workdir, 'run'),
      vertex('mounted', workdir, 'elsewhere'),
      vertex('elsewhere', { kind: 'scratch' }),
      vertex('from', { kind: 'scratch' }),
      vertex('last', copy, 'above', 'from'),
    ]),
  };

  test('tells what a RUN needs unpacked: what it runs upon, and what it mounts', () => {
    const upcoming = new UpcomingRuns(graph, () => undefined);
    const upon = [...graph.vertices.keys()].filter((id) => upcoming.isRunUpon(id));
    expect(upon).toEqual(['base', 'below', 'mounted', 'elsewhere'].map(idOf));
  });

  test.each(['step-done', 'step-cached'] as const)('no longer counts a RUN after %s', (type) => {
    const upcoming = new UpcomingRuns(graph, () => undefined);
    upcoming.progress({ type: 'step-started', step: idOf('run'), at: 0 });
    expect(upcoming.isRunUpon(idOf('base'))).toBe(true);
    upcoming.progress({ type, step: idOf('run'), at: 0 });
    expect(upcoming.isRunUpon(idOf('base'))).toBe(false);
  });
});
