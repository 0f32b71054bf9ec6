import type { openExplore, openView } from './tui/index.js';

interface Views {
  readonly openExplore: typeof openExplore;
  readonly openView: typeof openView;
}

/** What is drawn with Ink. The build makes this `./tui.mjs`, a bundle of its own (scripts/build.mjs); nobody else imports it. */
export async function loadViews(): Promise<Views> {
  return await import('./tui/index.js');
}
