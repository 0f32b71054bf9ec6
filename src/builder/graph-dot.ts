import { fromModel, stringify } from '@ts-graphviz/ast';
import { Digraph, Edge, Node, Subgraph } from '@ts-graphviz/core';
import { invariant } from '../support/invariant.js';
import type { Operation } from './operation.js';
import type { DrawnGraph, DrawnVertex, StepId } from './progress.js';

/** What became of a step in a build. */
export interface StepFate {
  readonly status: 'cached' | 'done' | 'failed' | 'skipped';
  /** How long it took, how much it made: a line of its own. */
  readonly note?: string | undefined;
  /** Where a click leads. */
  readonly link?: string | undefined;
}

/** How the nodes of each kind look: what comes from elsewhere stands apart from what is done. */
const SHAPE = {
  image: 'cylinder',
  scratch: 'cylinder',
  context: 'folder',
  linked: 'cylinder',
  http: 'folder',
  git: 'folder',
  run: 'box',
  copy: 'note',
  workdir: 'tab',
  squash: 'note',
} as const satisfies Record<Operation['kind'], string>;

/** Readable in gray, too: what was done is darker than what was found, and what failed has a bold border. */
const LOOK = {
  cached: { fillcolor: '#e3f1e3', color: '#5f8f5f' },
  done: { fillcolor: '#cfe0fb', color: '#3465a4' },
  failed: { fillcolor: '#f9cfcf', color: '#b00020', penwidth: 2.5 },
  skipped: { fillcolor: '#f4f4f4', color: '#999999', fontcolor: '#666666' },
} as const satisfies Record<StepFate['status'], object>;

/** Characters of a line in a node, and lines of its text. */
const COLUMNS = 38;
const ROWS = 4;
/** Characters that Graphviz knows the width of without fonts, and all the same: what shows the picture has one like it. */
const FONT = { fontname: 'Courier', fontsize: 11 } as const;

/**
 * The graph in Graphviz's DOT language, a cluster for each stage, with arrows from what is used to what uses it: a step stands on the
 * file system that it changes (solid) and reads files from another (dashed); the result has a double border. Equal graphs give
 * equal text.
 * @param fates of a build: they give the color
 */
export function renderGraph(graph: DrawnGraph, fates: ReadonlyMap<StepId, StepFate> = new Map()): string {
  const drawing = new Digraph('build', { rankdir: 'TB', ...FONT });
  drawing.attributes.node.apply(FONT);
  const nodes = new Map<StepId, Node>();
  const clusters = new Map<string, Subgraph>();
  for (const vertex of graph.vertices) {
    const look = { ...lookOf(fates.get(vertex.step)), ...(vertex.step === graph.target ? { peripheries: 2 } : {}) };
    const node = new Node(`step${nodes.size + 1}`, { shape: SHAPE[vertex.kind], ...look });
    node.attributes.set('label', dotLabel([...wrapped(vertex.label), ...notesOf(fates.get(vertex.step))]));
    nodes.set(vertex.step, node);
    clusterOf(vertex, drawing, clusters).addNode(node);
  }
  for (const { step, inputs } of graph.vertices) {
    for (const [index, input] of inputs.entries()) {
      const ends = [nodes.get(input), nodes.get(step)] as const;
      invariant(ends[0] !== undefined && ends[1] !== undefined, `step ${step} has an input that is not in its graph`);
      drawing.addEdge(new Edge([ends[0], ends[1]], index === 0 ? {} : { style: 'dashed' }));
    }
  }
  return `${stringify(fromModel(drawing))}\n`;
}

/** Of the vertex's stage, made at its first one; what belongs to none is in the drawing itself. */
function clusterOf({ stage }: DrawnVertex, drawing: Digraph, clusters: Map<string, Subgraph>): Digraph | Subgraph {
  if (stage === undefined) return drawing;
  const known = clusters.get(stage);
  if (known !== undefined) return known;
  const look = { label: dotLabel([stage]), style: 'rounded', color: '#999999', labeljust: 'l' } as const;
  const cluster = new Subgraph(`cluster_${clusters.size + 1}`, look);
  clusters.set(stage, cluster);
  drawing.addSubgraph(cluster);
  return cluster;
}

function lookOf(fate: StepFate | undefined): object {
  if (fate === undefined) return {};
  const link = fate.link === undefined ? {} : { URL: fate.link, target: '_self' };
  return { style: 'filled', class: fate.status, ...LOOK[fate.status], ...link };
}

function notesOf(fate: StepFate | undefined): readonly string[] {
  return fate?.note === undefined || fate.note === '' ? [] : [fate.note];
}

/** A label in lines that are not too long, nor too many. */
function wrapped(label: string): readonly string[] {
  const text = label.replace(/\s+/g, ' ').trim();
  const lines: string[] = [];
  let rest = text;
  while (rest !== '' && lines.length < ROWS) {
    const space = rest.length <= COLUMNS ? rest.length : rest.lastIndexOf(' ', COLUMNS);
    const end = space > COLUMNS / 3 ? space : COLUMNS;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return rest === '' ? lines : [...lines.slice(0, -1), `${(lines.at(-1) ?? '').slice(0, COLUMNS - 1)}…`];
}

/**
 * Text that Graphviz shows as it is. The library leaves a quote that follows a backslash, which can end the text, and all other
 * backslashes, which are read as escapes; it takes any line in angle brackets for HTML, and Graphviz takes `&lt;` for `<`. What no
 * XML document may hold is left out, as is what turns the direction of text.
 */
function dotLabel(lines: readonly string[]): string {
  const escaped = lines.map((line) =>
    line
      .replace(/[\\"]/g, '\\$&')
      .replace(/&(?=#?\w+;)/g, '&amp;')
      .replace(/[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029\ufffe\uffff]/gu, ' '),
  );
  const text = escaped.length === 1 ? (escaped[0] ?? '') : escaped.map((line) => `${line}\\l`).join('');
  return text.replace(/^(\s*)</, '$1&lt;');
}
