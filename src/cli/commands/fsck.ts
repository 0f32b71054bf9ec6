import type { StoreFinding } from '../../toolchain/care/store-care-types.js';
import { TsbuildError } from '../../support/errors.js';
import type { ParsedArguments } from '../argv.js';
import { EndWithStatus } from '../errors/end-with-status.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { escapeControls } from '../text/terminal-text.js';
import { openToolchain } from './open-toolchain.js';

const DAMAGE_REMAINS = 1;

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const format = parsed.value('format') ?? 'text';
  if (format !== 'text' && format !== 'json') {
    throw new TsbuildError('USAGE', `cannot use --format "${format}": no such format`, { hint: 'Use text or json.' });
  }
  const repair = parsed.flag('repair');
  await using toolchain = await openToolchain(parsed, host);
  const findings = await toolchain.checkStore({ repair, quick: parsed.flag('quick'), signal: host.signal });
  const remaining = findings.filter(({ repaired }) => !repaired).length;
  const text =
    format === 'json' ? `${JSON.stringify({ findings, remaining })}\n` : report(findings, { remaining, repair });
  await print(host.stdout, text);
  if (remaining > 0) throw new EndWithStatus(DAMAGE_REMAINS);
}

function report(
  findings: readonly StoreFinding[],
  { remaining, repair }: { readonly remaining: number; readonly repair: boolean },
): string {
  const lines = findings.map(({ invariant, path, state, remedy, repaired }) => {
    const what =
      remedy === undefined ? 'no repair: look at it yourself' : `repair ${repaired ? 'done' : 'possible'}: ${remedy}`;
    return `${invariant.padEnd(3)} ${escapeControls(path)}: ${escapeControls(state)} (${what})\n`;
  });
  return `${lines.join('')}${verdict(findings.length, { remaining, repair })}\n`;
}

function verdict(
  found: number,
  { remaining, repair }: { readonly remaining: number; readonly repair: boolean },
): string {
  if (found === 0) return 'The store is as it should be.';
  const count = found === 1 ? '1 finding' : `${found} findings`;
  if (remaining === 0) return `${count}, all repaired.`;
  if (repair) return `${count}, ${remaining} of them not repaired.`;
  return `${count}. "tsbuild fsck --repair" removes what is damaged, or puts it aside.`;
}
