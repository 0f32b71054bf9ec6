import { TsbuildError } from '../../support/errors.js';
import type { Host } from '../host.js';
import { isTerminal } from '../output-stream.js';
import { takesUtf8, toAscii } from '../text/charset.js';
import { colorOf } from '../text/color.js';
import type { ProgressRenderer } from './renderer.js';

export type ProgressMode = 'plain' | 'tty' | 'json' | 'quiet';

const MODES = ['auto', 'plain', 'tty', 'json', 'quiet'] as const;

/** BuildKit's names for two of ours. */
const ALIASES: Readonly<Record<string, string>> = { rawjson: 'json', none: 'quiet' };

/**
 * How progress is shown: as the option says, else TSBUILD_PROGRESS or BUILDKIT_PROGRESS, else a live view on a terminal and
 * lines elsewhere.
 * @throws `USAGE` for a word that is no mode, and for `tty` as an option where there is no terminal
 */
export function progressMode(option: string | undefined, host: Pick<Host, 'env' | 'stderr'>): ProgressMode {
  const terminal = isLiveTerminal(host);
  // The log of a CI job is read afterwards, also where the job has a terminal.
  const usual = terminal && (host.env['CI'] ?? '') === '' ? 'tty' : 'plain';
  if (option !== undefined) {
    const mode = parseMode(option, '--progress');
    if (mode === 'tty' && !terminal) {
      throw new TsbuildError('USAGE', 'cannot use --progress "tty": standard error is no terminal', {
        hint: 'Use --progress=auto, which shows lines where there is no terminal.',
      });
    }
    return mode === 'auto' ? usual : mode;
  }
  const name = ['TSBUILD_PROGRESS', 'BUILDKIT_PROGRESS'].find((each) => (host.env[each] ?? '') !== '');
  const mode = name === undefined ? 'auto' : parseMode(host.env[name] ?? '', name);
  // Set for all shells of a user, the variable also meets pipes.
  return mode === 'auto' || mode === 'tty' ? usual : mode;
}

/** Whether standard error is a terminal on which lines can be drawn anew. */
export function isLiveTerminal({ stderr, env }: Pick<Host, 'env' | 'stderr'>): boolean {
  return isTerminal(stderr) && (env['TERM'] ?? 'dumb') !== 'dumb';
}

function parseMode(text: string, where: string): (typeof MODES)[number] {
  const wanted = ALIASES[text] ?? text;
  const mode = MODES.find((each) => each === wanted);
  if (mode !== undefined) return mode;
  throw new TsbuildError('USAGE', `cannot use ${where} "${text}": no such way to show progress`, {
    hint: `Use one of ${MODES.join(', ')}.`,
  });
}

/** Loads the one renderer that is wanted. `view` is for a terminal. */
export async function openRenderer(
  mode: ProgressMode,
  host: Pick<Host, 'env' | 'stderr' | 'now'>,
  view: { readonly title: string; readonly keepSteps: boolean } = { title: 'Building', keepSteps: true },
): Promise<ProgressRenderer> {
  const { stderr, env, now } = host;
  const utf8 = takesUtf8(stderr, env);
  const options = {
    write: (text: string) => {
      stderr.write(utf8 ? text : toAscii(text));
    },
    color: colorOf(stderr, env),
    now,
  };
  switch (mode) {
    case 'plain':
      return new (await import('./plain.js')).PlainRenderer(options);
    case 'json':
      return (await import('./json.js')).createJsonRenderer(options);
    case 'quiet':
      return (await import('./quiet.js')).createQuietRenderer(options);
    case 'tty':
      return new (await import('./terminal.js')).TerminalRenderer({ ...options, ...view, stream: stderr, utf8, env });
  }
}
