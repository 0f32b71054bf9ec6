import { TsbuildError } from '../../support/errors.js';
import { renderGraph, type StepFate } from '../../builder/graph-dot.js';
import type { DrawnGraph, StepId } from '../../builder/progress.js';

export type PictureFormat = 'dot' | 'svg' | 'png';

export const PICTURE_FORMATS: Readonly<Record<PictureFormat, PictureFormat>> = { dot: 'dot', svg: 'svg', png: 'png' };

/** What the end of a file's name stands for; `dot` for any that is no picture's. */
export function formatOfName(path: string): PictureFormat {
  const formats = ['svg', 'png'] as const;
  return formats.find((format) => path.toLowerCase().endsWith(`.${format}`)) ?? 'dot';
}

/**
 * Of graphs with more steps no picture is made: where many of them take files of one, laying out takes half a second for 100 of
 * them, and minutes for 400.
 */
export const MAX_VERTICES = 150;

/** A graph as the bytes of a file. What draws is loaded for the pictures alone. @throws `OUTPUT_FAILED` */
export async function drawPicture(
  graph: DrawnGraph,
  format: PictureFormat,
  fates?: ReadonlyMap<StepId, StepFate>,
): Promise<Uint8Array> {
  const dot = renderGraph(graph, fates);
  if (format === 'dot') return Buffer.from(dot);
  const count = graph.vertices.length;
  if (count > MAX_VERTICES) {
    throw new TsbuildError(
      'OUTPUT_FAILED',
      `cannot draw the graph: it has ${count} steps, and a picture at most ${MAX_VERTICES}`,
      {
        hint: 'Write it in the DOT language with "tsbuild graph --format dot", or draw a part of it with --target.',
      },
    );
  }
  const { renderSvg } = await import('./render-svg.js');
  const svg = await renderSvg(dot);
  if (format === 'svg') return Buffer.from(svg);
  const { renderPng } = await import('./render-png.js');
  return await renderPng(svg);
}
