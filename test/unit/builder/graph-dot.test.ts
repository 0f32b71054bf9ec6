import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderGraph } from '../../../src/builder/graph-dot.js';
import type { BuildGraph, Vertex, VertexId } from '../../../src/builder/graph.js';
import type { Operation } from '../../../src/builder/operation.js';
import { vertexIdOf } from '../../../src/builder/plan/graph-builder.js';
import { planText } from './plan/plan-text.js';

function graphOf(labels: readonly string[]): BuildGraph<Operation> {
  const vertices = new Map<VertexId, Vertex<Operation>>();
  for (const label of labels) {
    const operation: Operation = { kind: 'workdir', path: `/${vertices.size}`, user: '' };
    const id = vertexIdOf(operation, []);
    vertices.set(id, { id, operation, inputs: [], label });
  }
  const target = [...vertices.keys()].at(-1);
  if (target === undefined) throw new Error('no labels');
  return { target, vertices };
}

function labelLine(label: string): string | undefined {
  return renderGraph(graphOf([label]))
    .split('\n')
    .find((line) => line.includes('label = '))
    ?.trim();
}

describe('renderGraph', () => {
  test('draws the plan of a Dockerfile', async () => {
    const plan = await planText(
      [
        'FROM busybox AS builder',
        'WORKDIR /src',
        'COPY . .',
        'RUN make "all" && echo a\\\\nb',
        'FROM scratch',
        'COPY --from=builder /src/out /',
      ].join('\n'),
    );
    expect(renderGraph(plan.graph)).toBe(readFileSync(new URL('graph.golden.dot', import.meta.url), 'utf8'));
    expect(renderGraph(plan.graph)).toBe(renderGraph(plan.graph));
  });

  test.each([
    ['quotes', 'RUN echo "a"', 'label = "RUN echo \\"a\\"";'],
    ['backslashes', 'a\\nb \\', 'label = "a\\\\nb \\\\";'],
    ['a backslash before a quote', '\\"', 'label = "\\\\\\"";'],
    ['line ends', 'a\r\nb\nc\rd\u2028<e>', 'label = "a\\nb\\nc\\nd\\n<e>";'],
    ['a line in angle brackets', 'RUN x\n<y>', 'label = "RUN x\\n<y>";'],
    ['a label in angle brackets', '<b>x</b>', 'label = "&lt;b>x</b>";'],
    ['space before angle brackets', ' <">', 'label = " &lt;\\">";'],
    ['entities', 'a &lt; b && c &#60;', 'label = "a &amp;lt; b && c &amp;#60;";'],
    ['control characters', 'a\0b\u001b[31m\tc', 'label = "a b [31m c";'],
  ])('a label with %s is shown as it is', (_name, label, expected) => {
    expect(labelLine(label)).toBe(expected);
  });

  test('no label escapes from its quotes', () => {
    const text = fc.string({
      unit: fc.constantFrom('"', '\\', '<', '>', '\n', '\r', '\u2028', '&', ';', 'l', 't', ' ', '}'),
    });
    fc.assert(
      fc.property(text, (label) => {
        expect(labelLine(label)).toMatch(/^label = "(?:[^"\\\n\r]|\\.)*";$/);
      }),
    );
  });
});
