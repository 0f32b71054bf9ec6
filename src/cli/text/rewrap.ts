/** Terminals of an X server or of the kernel, which cut lines off when they become narrower. */
const CUTTING = /^(linux|rxvt|st|screen|vt\d)/;

/**
 * Whether a terminal that becomes narrower breaks long lines into several, as nearly all do; the others cut them off. There is no
 * way to ask. GNU screen and xterm say who they are by a variable of their own, which outlasts a tmux within them.
 */
export function wrapsAgain({
  TMUX = '',
  STY = '',
  XTERM_VERSION = '',
  TERM = '',
}: Readonly<Record<string, string | undefined>>): boolean {
  return TMUX !== '' || (STY === '' && XTERM_VERSION === '' && !CUTTING.test(TERM));
}
