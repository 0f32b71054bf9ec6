import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { initWasm, Resvg } from '@resvg/resvg-wasm';

/** Pixels for each of the drawing's: for screens that have two. */
const ZOOM = 2;
/** Pixels of width and height: more would take hundreds of megabytes to draw. */
const MAX_SIDE = 8192;

const require = createRequire(import.meta.url);
let ready: Promise<void> | undefined;

/** A drawing as PNG, with a font of our own: the same on every machine. Characters that the font lacks are empty boxes. */
export async function renderPng(svg: string): Promise<Uint8Array> {
  ready ??= initWasm(readFile(require.resolve('@resvg/resvg-wasm/index_bg.wasm')));
  await ready;
  const font = await readFile(require.resolve('@fontsource/dejavu-mono/files/dejavu-mono-latin-400-normal.woff2'));
  const options = {
    background: '#ffffff',
    font: { fontBuffers: [font], defaultFontFamily: 'DejaVu Sans Mono', monospaceFamily: 'DejaVu Sans Mono' },
  } as const;
  const drawing = new Resvg(svg, options);
  const zoom = Math.min(ZOOM, MAX_SIDE / Math.max(drawing.width, drawing.height));
  drawing.free();
  const zoomed = new Resvg(svg, { ...options, fitTo: { mode: 'zoom', value: zoom } });
  const image = zoomed.render();
  try {
    return image.asPng();
  } finally {
    image.free();
    zoomed.free();
  }
}
