import type { ParsedArguments } from '../argv.js';
import { choose } from '../commands/choose.js';
import type { Host } from '../host.js';
import { progressMode, type ProgressMode } from '../progress/select-renderer.js';

/** No file is drawn anew. */
export function logMode(parsed: ParsedArguments, host: Host): ProgressMode {
  const mode = parsed.flag('quiet') ? 'quiet' : progressMode(wantedMode(parsed), host);
  return mode === 'tty' && parsed.value('logfile') !== undefined ? 'plain' : mode;
}

/** Docker's option, else what kaniko says in two. */
function wantedMode(parsed: ParsedArguments): string | undefined {
  const given = parsed.value('progress');
  if (given !== undefined) return given;
  const format = choose(parsed.value('log-format'), { text: 'plain', color: 'auto', json: 'json' }, '--log-format');
  const much = { info: undefined, debug: 'plain', trace: 'plain' };
  const little = { panic: 'quiet', fatal: 'quiet', error: 'quiet', warn: 'quiet' };
  const level = choose(parsed.value('verbosity'), { ...much, ...little }, '--verbosity');
  return level === 'quiet' ? level : (format ?? level);
}

/** Where progress goes: standard error, or the file that is named. */
export async function openLog(
  parsed: ParsedArguments,
  host: Host,
): Promise<{ readonly stderr: Host['stderr']; readonly close: () => Promise<void> }> {
  const path = parsed.value('logfile');
  if (path === undefined) return { stderr: host.stderr, close: () => Promise.resolve() };
  const { openLogFile } = await import('./log-file.js');
  return await openLogFile(path, host);
}
