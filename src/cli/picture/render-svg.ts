import { instance } from '@viz-js/viz';
import { TsbuildError } from '../../support/errors.js';
import { FONT_FAMILIES } from './font-families.js';

/** Laying out takes more than linearly long: of more, a picture would show nothing to people anyhow. */
const MAX_DOT = 2 << 20;

/**
 * A drawing in the DOT language as SVG, by a Graphviz of our own. Equal drawings give equal text.
 * @throws `OUTPUT_FAILED` when it is too large
 */
export async function renderSvg(dot: string): Promise<string> {
  if (dot.length > MAX_DOT) {
    throw new TsbuildError('OUTPUT_FAILED', 'cannot draw the graph: it has too many steps for a picture', {
      hint: 'Write it as text with --format dot, or choose a smaller part with --target.',
    });
  }
  const graphviz = await instance();
  const svg = graphviz.renderString(dot, { format: 'svg', engine: 'dot' });
  return svg
    .replaceAll(/<!--[\s\S]*?-->\n?/g, '')
    .replaceAll(/<title>[^<]*<\/title>\n?/g, '')
    .replaceAll(/font-family="Courier[^"]*"/g, `font-family="${FONT_FAMILIES}"`);
}
