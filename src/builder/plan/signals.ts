import { suggest } from '../../support/suggest.js';

/** Linux's signals, with the second names that some have (signal(7)). */
const NAMES: ReadonlySet<string> = new Set(
  (
    'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP ' +
    'TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX'
  ).split(' '),
);
const RTMIN_LAST = 15;
const RTMAX_LAST = 14;

/** Whether Docker takes this for a signal: a name, with or without SIG, in any case, RTMIN+1, or a number but 0. */
export function isSignal(text: string): boolean {
  if (/^\d{1,9}$/.test(text)) return Number(text) > 0;
  const name = text.toUpperCase().replace(/^SIG/, '');
  const realTime = /^RT(MIN\+|MAX-)([1-9]\d?)$/.exec(name);
  if (realTime === null) return NAMES.has(name);
  return Number(realTime[2]) <= (realTime[1] === 'MIN+' ? RTMIN_LAST : RTMAX_LAST);
}

/** The name that was meant, spelled with or without SIG as it was written. */
export function nearestSignal(text: string): string | undefined {
  const [, prefix = '', name = ''] = /^(sig)?(.*)$/is.exec(text) ?? [];
  const near = suggest(name, NAMES);
  return near === undefined ? undefined : `${prefix.toUpperCase()}${near}`;
}
