import { EndWithStatus } from '../errors/end-with-status.js';
import type { Host } from '../host.js';
import { loadViews } from '../load-views.js';
import { isUtf8 } from '../text/charset.js';
import { colorOf } from '../text/color.js';
import type { ExploredImage } from './explored-image.js';
import { pageOf } from './explore-layout.js';
import { Explorer } from './explorer.js';
import { INTERRUPT, terminalKeys } from './terminal-keys.js';

/** 128 and the signal's number, as shells report it. */
const STATUS_OF: Readonly<Record<string, number>> = { SIGHUP: 129, SIGINT: 130, SIGQUIT: 131, SIGTERM: 143 };

/** Lets the user walk through an image until he quits. However that ends, the terminal is left as it was. */
export async function walkImage(image: ExploredImage, host: Host, stdout: NodeJS.WriteStream): Promise<void> {
  const { stdin, env } = host;
  const { openExplore } = await loadViews();
  const explorer = new Explorer(image);
  let stop: (status: number) => void = () => undefined;
  const stopped = new Promise<number>((resolve) => {
    stop = resolve;
  });
  using _signals = host.takeSignals((name) => {
    const status = STATUS_OF[name];
    if (status !== undefined) stop(status);
  });
  using _keys = rawKeys(stdin);
  using view = openExplore({ stream: stdout, color: colorOf(stdout, env), utf8: isUtf8(env), explorer });
  const walked = walk(explorer, { stdin, draw: view.draw, page: () => pageOf(stdout.rows > 0 ? stdout.rows : 24) });
  const status = await Promise.race([stopped, walked, view.ended.then(() => 0)]);
  if (status !== 0) throw new EndWithStatus(status);
}

function rawKeys(stdin: Host['stdin']): Disposable {
  stdin.setRawMode?.(true);
  return {
    [Symbol.dispose]: () => {
      stdin.setRawMode?.(false);
      stdin.pause();
    },
  };
}

interface Walk {
  readonly stdin: Host['stdin'];
  readonly draw: () => void;
  /** Lines of a list that are shown. */
  readonly page: () => number;
}

/** @returns the exit status, when the last key has been pressed or nobody is there any more */
async function walk(explorer: Explorer, { stdin, draw, page }: Walk): Promise<number> {
  const decoder = new TextDecoder();
  for await (const chunk of stdin as AsyncIterable<Uint8Array>) {
    for (const key of terminalKeys(decoder.decode(chunk, { stream: true }))) {
      if (key === INTERRUPT) return STATUS_OF['SIGINT'] ?? 1;
      if (explorer.press(key, page())) return 0;
    }
    draw();
  }
  return 0;
}
