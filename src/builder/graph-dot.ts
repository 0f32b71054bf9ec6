import { fromModel, stringify } from '@ts-graphviz/ast';
import { Digraph, Edge, Node } from '@ts-graphviz/core';
import { invariant } from '../support/invariant.js';
import type { BuildGraph, VertexId } from './graph.js';
import type { Operation } from './operation.js';

/** How the nodes of each kind look: what comes from elsewhere stands apart from what is done. */
const SHAPE = {
  image: 'cylinder',
  scratch: 'cylinder',
  context: 'folder',
  http: 'folder',
  git: 'folder',
  run: 'box',
  copy: 'note',
  workdir: 'tab',
  squash: 'note',
} as const satisfies Record<Operation['kind'], string>;

/**
 * The graph in Graphviz's DOT language, with arrows from what is used to what uses it: a step stands on the file system that it
 * changes (solid) and reads files from another (dashed); the result has a double border. Equal graphs give equal text.
 */
export function renderGraph(graph: BuildGraph<Operation>): string {
  const drawing = new Digraph('build', { rankdir: 'TB' });
  const nodes = new Map<VertexId, Node>();
  for (const vertex of graph.vertices.values()) {
    const node = new Node(`step${nodes.size + 1}`, {
      label: dotLabel(vertex.label),
      shape: SHAPE[vertex.operation.kind],
      ...(vertex.id === graph.target ? { peripheries: 2 } : {}),
    });
    nodes.set(vertex.id, node);
    drawing.addNode(node);
  }
  for (const { id, inputs } of graph.vertices.values()) {
    for (const [index, input] of inputs.entries()) {
      const ends = [nodes.get(input), nodes.get(id)] as const;
      invariant(ends[0] !== undefined && ends[1] !== undefined, `vertex ${id} has an input that is not in its graph`);
      drawing.addEdge(new Edge([ends[0], ends[1]], index === 0 ? {} : { style: 'dashed' }));
    }
  }
  return `${stringify(fromModel(drawing))}\n`;
}

/**
 * Text that Graphviz shows as it is. The library leaves a quote that follows a backslash, which can end the text, and all other
 * backslashes, which are read as escapes; it takes any line in angle brackets for HTML, and Graphviz takes `&lt;` for `<`.
 */
function dotLabel(text: string): string {
  const escaped = text
    .replace(/[\\"]/g, '\\$&')
    .replace(/&(?=#?\w+;)/g, '&amp;')
    .replace(/\r\n?|[\n\u2028\u2029]/g, '\\n')
    .replace(/\p{Cc}/gu, ' ');
  return escaped.replace(/^(\s*)</, '$1&lt;');
}
