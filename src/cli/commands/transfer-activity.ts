import type { ProgressEvent, ProgressSink } from '../../builder/progress.js';
import { isDigest, shortDigest } from '../../oci/digest.js';
import type { Host } from '../host.js';
import type { ProgressRenderer } from '../progress/renderer.js';
import { noticeLine, warningLine } from '../progress/report.js';
import { isLiveTerminal, openRenderer, progressMode, type ProgressMode } from '../progress/select-renderer.js';
import { withRenderer } from '../progress/with-renderer.js';
import { takesUtf8, toAscii } from '../text/charset.js';

export interface TransferView {
  /** Heads the live view: `Pulling`. */
  readonly title: string;
  readonly quiet: boolean;
  /** The option that says how progress is shown; without it, on a terminal only. */
  readonly progress?: string | undefined;
  /** What is said of a layer, in a line of its own on standard output, that has arrived or was there already. */
  readonly layerLines?: LayerLines;
}

interface LayerLines {
  /** When its first bytes come. */
  readonly started?: string;
  /** When bytes of it are here from a transfer that broke off. */
  readonly resumed?: string;
  readonly moved: string;
  readonly existed: string;
}

/**
 * Moves images while standard error, if it is a terminal, shows how far they are. Layers that have arrived are listed on
 * standard output: at once, or after the live view that would be torn by them.
 */
export async function runTransfer<T>(
  host: Host,
  view: TransferView,
  work: (sink: ProgressSink) => Promise<T>,
): Promise<T> {
  const live = transferMode(host, view) === 'tty';
  const renderer = await openTransferRenderer(host, view);
  const held: string[] = [];
  const started = new Set<string>();
  const value = await withRenderer(renderer, (sink) =>
    work((event) => {
      sink(event);
      if (view.quiet) return;
      const line = layerLine(event, view) ?? (live ? undefined : startLine(event, view, started));
      if (line === undefined) return;
      if (live) held.push(line);
      else host.stdout.write(line);
    }),
  );
  for (const line of held) host.stdout.write(line);
  return value;
}

export async function openTransferRenderer(host: Host, view: TransferView): Promise<ProgressRenderer> {
  const mode = transferMode(host, view);
  if (mode === 'quiet') return messageRenderer(host);
  return await openRenderer(mode, host, { title: view.title, keepSteps: false });
}

function transferMode(host: Host, { quiet, progress }: TransferView): ProgressMode {
  const asked = progress === undefined || progress === 'auto' ? undefined : progressMode(progress, host);
  if (quiet) return 'quiet';
  return asked ?? (isLiveTerminal(host) && (host.env['CI'] ?? '') === '' ? 'tty' : 'quiet');
}

function layerLine(event: ProgressEvent, { layerLines }: TransferView): string | undefined {
  if (event.type !== 'transfer' || event.done !== true || !isMoving(event)) return undefined;
  if (layerLines === undefined || !isDigest(event.item)) return undefined;
  return `${shortDigest(event.item)}: ${event.existed === true ? layerLines.existed : layerLines.moved}\n`;
}

function isMoving({ direction }: Extract<ProgressEvent, { readonly type: 'transfer' }>): boolean {
  return direction === 'pull' || direction === 'push';
}

/** The live view shows what is on its way; without it, a line says that a layer has begun to come. */
function startLine(event: ProgressEvent, { layerLines }: TransferView, started: Set<string>): string | undefined {
  if (event.type !== 'transfer' || event.done === true || !isMoving(event) || !isDigest(event.item)) return undefined;
  if (started.has(event.item)) return undefined;
  started.add(event.item);
  const text = event.current > 0 ? (layerLines?.resumed ?? layerLines?.started) : layerLines?.started;
  return text === undefined ? undefined : `${shortDigest(event.item)}: ${text}\n`;
}

/** Only what a user has to know. */
function messageRenderer({ stderr, env }: Host): ProgressRenderer {
  const utf8 = takesUtf8(stderr, env);
  const say = (line: string): void => {
    stderr.write(`${utf8 ? line : toAscii(line)}\n`);
  };
  return {
    sink: (event) => {
      if (event.type === 'warning') say(warningLine(event));
      else if (event.type === 'notice') say(noticeLine(event.message));
    },
    finish: () => Promise.resolve(),
    reportsErrors: false,
  };
}
