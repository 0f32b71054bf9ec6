import { renderGraph, type StepFate } from '../../builder/graph-dot.js';
import type { DrawnGraph, StepId } from '../../builder/progress.js';

export type PictureFormat = 'dot' | 'svg' | 'png';

export const PICTURE_FORMATS: Readonly<Record<PictureFormat, PictureFormat>> = { dot: 'dot', svg: 'svg', png: 'png' };

/** What the end of a file's name stands for; `dot` for any that is no picture's. */
export function formatOfName(path: string): PictureFormat {
  const formats = ['svg', 'png'] as const;
  return formats.find((format) => path.toLowerCase().endsWith(`.${format}`)) ?? 'dot';
}

/** A graph as the bytes of a file. What draws is loaded for the pictures alone. @throws `OUTPUT_FAILED` */
export async function drawPicture(
  graph: DrawnGraph,
  format: PictureFormat,
  fates?: ReadonlyMap<StepId, StepFate>,
): Promise<Uint8Array> {
  const dot = renderGraph(graph, fates);
  if (format === 'dot') return Buffer.from(dot);
  const { renderSvg } = await import('./render-svg.js');
  const svg = await renderSvg(dot);
  if (format === 'svg') return Buffer.from(svg);
  const { renderPng } = await import('./render-png.js');
  return await renderPng(svg);
}
