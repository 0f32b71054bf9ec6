import { render } from 'ink';
import type { ReactElement } from 'react';
import type { ViewSource } from '../progress/view-source.js';
import type { Explorer } from '../explore/explorer.js';
import { BuildView } from './build-view.js';
import { ExploreView } from './explore-view.js';

export interface ViewOptions {
  readonly stream: NodeJS.WriteStream;
  readonly color: boolean;
  readonly source: ViewSource;
}

/**
 * Shows a running build on a terminal until the function that it returns is called; nothing of the view stays then.
 * Keys are not read: the terminal stays in its usual mode, and Ctrl-C is a signal as ever.
 */
export function openView({ stream, color, source }: ViewOptions): () => void {
  const size = (): TerminalSize => sizeOf(stream);
  const view = render(<BuildView source={source} size={size} color={color} />, {
    stdout: stream,
    stderr: stream,
    patchConsole: false,
    exitOnCtrlC: false,
    maxFps: 12,
  });
  return () => {
    // Ink leaves the last frame where it is, and ends it with a line feed: an empty one, and back up (ECMA-48 8.3.22, CUU).
    view.rerender(null);
    view.unmount();
    view.cleanup();
    stream.write('\x1b[1A');
  };
}

interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** A terminal may not know its size: it is 0 then. */
function sizeOf({ rows, columns }: NodeJS.WriteStream): TerminalSize {
  return { rows: rows > 0 ? rows : 24, columns: columns > 0 ? columns : 80 };
}

export interface ExploreOptions {
  readonly stream: NodeJS.WriteStream;
  readonly color: boolean;
  readonly utf8: boolean;
  readonly explorer: Explorer;
}

export interface OpenExplore extends Disposable {
  readonly draw: () => void;
  /** Rejects when the view cannot be drawn; resolves when it has been disposed of. */
  readonly ended: Promise<void>;
}

/** ECMA-48 with what xterm added to it: another screen, which leaves the first one and what has scrolled away as it is. */
const OTHER_SCREEN = '\x1b[?1049h\x1b[H';
const FIRST_SCREEN = '\x1b[?1049l';

/** Shows an image on a screen of its own until it is disposed of. Keys are for the caller to read. */
export function openExplore({ stream, color, utf8, explorer }: ExploreOptions): OpenExplore {
  const element = (): ReactElement => <ExploreView explorer={explorer} {...sizeOf(stream)} color={color} utf8={utf8} />;
  stream.write(OTHER_SCREEN);
  const view = render(element(), { stdout: stream, stderr: stream, patchConsole: false, exitOnCtrlC: false });
  const draw = (): void => {
    view.rerender(element());
  };
  stream.on('resize', draw);
  return {
    draw,
    ended: view.waitUntilExit().then(() => undefined),
    [Symbol.dispose]: () => {
      stream.off('resize', draw);
      view.unmount();
      view.cleanup();
      stream.write(FIRST_SCREEN);
    },
  };
}
