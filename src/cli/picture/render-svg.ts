import { instance } from '@viz-js/viz';
import { FONT_FAMILIES } from './font-families.js';

/** A drawing in the DOT language as SVG, by a Graphviz of our own. Equal drawings give equal text. */
export async function renderSvg(dot: string): Promise<string> {
  const graphviz = await instance();
  const svg = graphviz.renderString(dot, { format: 'svg', engine: 'dot' });
  return svg
    .replaceAll(/<!--[\s\S]*?-->\n?/g, '')
    .replaceAll(/<title>[^<]*<\/title>\n?/g, '')
    .replaceAll(/font-family="Courier[^"]*"/g, `font-family="${FONT_FAMILIES}"`);
}
