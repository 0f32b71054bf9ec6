import { render } from 'ink';
import type { ViewSource } from '../progress/view-source.js';
import { BuildView } from './build-view.js';

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
  // A terminal may not know its size: it is 0 then.
  const size = (): { rows: number; columns: number } => ({
    rows: stream.rows > 0 ? stream.rows : 24,
    columns: stream.columns > 0 ? stream.columns : 80,
  });
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
