import { describe, expect, test } from 'vitest';
import { buildRequest, type BuildRequest } from '../../../../src/builder/build-request.js';
import type { Operation } from '../../../../src/builder/operation.js';
import { buildScope } from '../../../../src/builder/joint/build-scope.js';
import { joinGraphs, type JointGraph } from '../../../../src/builder/joint/join-graphs.js';
import { dependencyOrder } from '../../../../src/builder/solver/dependency-order.js';
import { planText } from '../plan/plan-text.js';

async function joined(builds: readonly (Partial<BuildRequest> & { readonly text: string })[]): Promise<JointGraph> {
  const members = builds.map(async ({ text, ...given }) => ({
    graph: (await planText(text, given)).graph,
    scopeOf: buildScope(buildRequest({ dockerfile: { name: 'Dockerfile', text }, ...given })),
  }));
  return joinGraphs(await Promise.all(members));
}

function count({ graph }: JointGraph, kind: Operation['kind']): number {
  return [...graph.vertices.values()].filter(({ operation }) => operation.kind === kind).length;
}

const RUN = 'FROM busybox\nRUN make\n';

describe('joinGraphs', () => {
  test('equal builds are one', async () => {
    const joint = await joined([{ text: RUN }, { text: RUN }]);
    const alone = await planText(RUN);
    expect([...joint.graph.vertices.keys()].sort()).toEqual([...alone.graph.vertices.keys()].sort());
    expect(joint.graph.target).toBe(alone.graph.target);
    expect(joint.graph.moreTargets).toEqual([alone.graph.target]);
    expect(joint.membersOf.get(alone.graph.target)).toEqual([0, 1]);
  });

  test('what builds begin with in common is there once', async () => {
    const joint = await joined([{ text: `${RUN}RUN one\n` }, { text: `${RUN}RUN two\n` }]);
    expect(count(joint, 'image')).toBe(1);
    expect(count(joint, 'run')).toBe(3);
    expect(dependencyOrder(joint.graph)).toHaveLength(4);
  });

  test('contexts of two folders are two, and so is what is copied of them', async () => {
    const text = 'FROM scratch\nCOPY a /\n';
    const joint = await joined([
      { text, contextDirectory: '/one' },
      { text, contextDirectory: '/two' },
      { text, contextDirectory: '/one' },
    ]);
    expect(count(joint, 'context')).toBe(2);
    expect(count(joint, 'copy')).toBe(2);
    expect(joint.graph.moreTargets?.[1]).toBe(joint.graph.target);
    expect(joint.graph.moreTargets?.[0]).not.toBe(joint.graph.target);
  });

  test('a named context counts by what it stands for, not by its name', async () => {
    const text = 'FROM scratch\nCOPY --from=files a /\n';
    const of = (directory: string): Partial<BuildRequest> => ({
      namedContexts: [{ name: 'files', source: { kind: 'directory', directory, ignore: null } }],
    });
    expect(
      count(
        await joined([
          { text, ...of('/one') },
          { text, ...of('/two') },
        ]),
        'copy',
      ),
    ).toBe(2);
    expect(
      count(
        await joined([
          { text, ...of('/one') },
          { text, ...of('/one') },
        ]),
        'copy',
      ),
    ).toBe(1);
  });

  test.each<{ name: string; other: Partial<BuildRequest>; runs: number }>([
    { name: 'a secret that a step takes', other: { secrets: { token: Buffer.from('b') } }, runs: 2 },
    { name: 'a secret that none takes', other: { secrets: { token: Buffer.from('a'), more: Buffer.of(1) } }, runs: 1 },
    { name: 'the time that files have', other: { sourceDateEpoch: 1 }, runs: 2 },
    { name: 'a proxy', other: { buildArgs: { http_proxy: 'http://proxy.example' } }, runs: 2 },
    { name: 'an argument that no step sees', other: { buildArgs: { WORD: 'x' } }, runs: 1 },
  ])('steps of builds that differ in $name: $runs', async ({ other, runs }) => {
    const text = 'FROM busybox\nRUN --mount=type=secret,id=token make\n';
    const secrets = { token: Buffer.from('a') };
    expect(
      count(
        await joined([
          { text, secrets },
          { text, secrets, ...other },
        ]),
        'run',
      ),
    ).toBe(runs);
  });

  test('no id tells of a secret', async () => {
    const text = 'FROM busybox\nRUN --mount=type=secret,id=token make\n';
    const idsWith = async (first: string, second: string): Promise<readonly string[]> => {
      const builds = [first, second].map((value) => ({ text, secrets: { token: Buffer.from(value) } }));
      return [...(await joined(builds)).graph.vertices.keys()];
    };
    expect(await idsWith('a', 'b')).toEqual(await idsWith('c', 'd'));
  });

  test('a step that one of the builds wants anew is done anew', async () => {
    const text = 'FROM busybox AS one\nRUN make\n';
    const joint = await joined([{ text }, { text, noCacheFilter: ['one'] }]);
    expect([...joint.graph.vertices.values()].find(({ operation }) => operation.kind === 'run')?.fresh).toBe(true);
  });
});
