import { expect, test } from 'vitest';
import type { BuildGraph, Vertex, VertexId } from '../../../src/builder/graph.js';
import type { Operation } from '../../../src/builder/operation.js';
import type { ProgressEvent } from '../../../src/builder/progress.js';
import { UpcomingRuns } from '../../../src/builder/upcoming-runs.js';
import { digestOf } from '../../../src/oci/digest.js';

const idOf = (name: string): VertexId => digestOf(name) as VertexId;
const vertex = (name: string, operation: Operation): [VertexId, Vertex<Operation>] => [
  idOf(name),
  { id: idOf(name), operation, inputs: [], label: name },
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
