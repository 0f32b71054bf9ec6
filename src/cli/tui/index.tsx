import { Writable } from 'node:stream';
import { render } from 'ink';
import type { ReactElement } from 'react';
import type { ViewSource } from '../progress/view-source.js';
import type { Explorer } from '../explore/explorer.js';
import { BuildView } from './build-view.js';
import { ExploreView } from './explore-view.js';
import { Screen } from './screen.js';

export interface ViewOptions {
  readonly stream: NodeJS.WriteStream;
  readonly color: boolean;
  /** Whether the terminal is to be given more than ASCII. */
  readonly utf8: boolean;
  /** Whether the terminal breaks lines that have become too long for it. */
  readonly rewraps: boolean;
  readonly source: ViewSource;
}

/**
 * Shows a running build on a terminal until the function that it returns is called; nothing of the view stays then.
 * Keys are not read: the terminal stays in its usual mode, and Ctrl-C is a signal as ever.
 */
export function openView({ stream, color, utf8, rewraps, source }: ViewOptions): () => void {
  const screen = new Screen(stream, { rewraps });
  let last = '';
  let isOpen = true;
  const draw = (frame: string): void => {
    if (!isOpen || frame === '') return;
    last = frame;
    const { columns, rows } = stream;
    refreshSize(stream as { readonly _refreshSize?: () => void });
    // A frame of another size is about to be made: that has been told of.
    if (stream.columns === columns && stream.rows === rows) screen.draw(frame);
  };
  const view = (): ReactElement => <BuildView source={source} screen={screen} color={color} utf8={utf8} />;
  // In its mode for tests, Ink hands over each frame as text and leaves the terminal alone. Its own way to draw counts the lines
  // that it wrote, and a terminal that has become narrower has more.
  const ink = render(view(), {
    stdout: frameStream(draw, screen),
    stderr: stream,
    debug: true,
    patchConsole: false,
    exitOnCtrlC: false,
  });
  // Not at once: it may be told of while a frame is being made.
  const redraw = (): void => {
    setImmediate(() => {
      if (!isOpen) return;
      ink.rerender(view());
      draw(last);
    });
  };
  stream.on('resize', redraw);
  return () => {
    stream.off('resize', redraw);
    isOpen = false;
    ink.unmount();
    ink.cleanup();
    screen.clear();
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

/**
 * The size that Node knows is that of the last signal that it has handled; a frame drawn for it on a terminal that has broken its
 * lines anew would leave some behind. Asked like this, Node asks the terminal, and tells of a change by the event "resize".
 */
function refreshSize(stream: { readonly _refreshSize?: () => void }): void {
  stream._refreshSize?.();
}

/** What Ink takes for its terminal: each thing written is a frame. Ink asks a terminal for no more than this has. */
function frameStream(draw: (frame: string) => void, screen: Screen): NodeJS.WriteStream {
  const stream = new Writable({
    decodeStrings: false,
    write: (frame: string, _encoding, done) => {
      draw(frame);
      done();
    },
  });
  const sized = Object.defineProperties(stream, {
    columns: { get: () => screen.columns },
    rows: { get: () => screen.rows },
  });
  return sized as unknown as NodeJS.WriteStream;
}
