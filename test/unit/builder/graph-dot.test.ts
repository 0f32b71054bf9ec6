import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderGraph } from '../../../src/builder/graph-dot.js';
import { drawnGraph } from '../../../src/builder/drawn-graph.js';
import type { DrawnGraph } from '../../../src/builder/progress.js';
import { planText } from './plan/plan-text.js';

function graphOf(labels: readonly string[]): DrawnGraph {
  const vertices = labels.map((label, number) => ({
    step: String(number),
    label,
    kind: 'workdir' as const,
    inputs: [],
  }));
  return { target: String(labels.length - 1), vertices };
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
    expect(renderGraph(drawnGraph(plan.graph))).toBe(
      readFileSync(new URL('graph.golden.dot', import.meta.url), 'utf8'),
    );
    expect(renderGraph(drawnGraph(plan.graph))).toBe(renderGraph(drawnGraph(plan.graph)));
  });

  test.each([
    ['quotes', 'RUN echo "a"', 'label = "RUN echo \\"a\\"";'],
    ['backslashes', 'a\\nb \\', 'label = "a\\\\nb \\\\";'],
    ['a backslash before a quote', '\\"', 'label = "\\\\\\"";'],
    ['line ends', 'a\r\nb\nc\rd\u2028<e>', 'label = "a b c d <e>";'],
    ['a line in angle brackets', 'RUN x\n<y>', 'label = "RUN x <y>";'],
    ['a label in angle brackets', '<b>x</b>', 'label = "&lt;b>x</b>";'],
    ['space before angle brackets', ' <">', 'label = "&lt;\\">";'],
    ['entities', 'a &lt; b && c &#60;', 'label = "a &amp;lt; b && c &amp;#60;";'],
    ['text that turns around', 'a\u202eb\ud800c', 'label = "a b c";'],
    ['two lines', `RUN ${'x'.repeat(20)} ${'y'.repeat(20)}`, `label = "RUN ${'x'.repeat(20)}\\l${'y'.repeat(20)}\\l";`],
    ['much text', 'z'.repeat(500), `label = "${`${'z'.repeat(38)}\\l`.repeat(3)}${'z'.repeat(37)}…\\l";`],
    ['control characters', 'a\0b\u001b[31m\tc', 'label = "a b [31m c";'],
  ])('a label with %s is shown as it is', (_name, label, expected) => {
    expect(labelLine(label)).toBe(expected);
  });

  test('what became of a step gives its color, a line of its own, and a link', () => {
    const fates = new Map([['0', { status: 'failed' as const, note: '1.0 s', link: '#step-1' }]]);
    const text = renderGraph(graphOf(['RUN make']), fates);
    for (const part of [
      'label = "RUN make\\l1.0 s\\l"',
      'class = "failed"',
      'fillcolor = "#f9cfcf"',
      'URL = "#step-1"',
    ]) {
      expect(text).toContain(part);
    }
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
