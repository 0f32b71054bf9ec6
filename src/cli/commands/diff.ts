import { parsePlatform } from '../../oci/platform.js';
import type { ParsedArguments } from '../argv.js';
import { differenceJson, differenceDocument, changesOf } from '../diff/difference-document.js';
import { differenceText } from '../diff/difference-text.js';
import { differs, imageDifference, SECTIONS, type ImageDifference, type Section } from '../diff/image-difference.js';
import { EndWithStatus } from '../errors/end-with-status.js';
import type { Host } from '../host.js';
import { pour } from '../output-stream.js';
import { parseTemplate } from '../template/parse-template.js';
import { renderTemplate } from '../template/render-template.js';
import { templateError } from '../template/template-error.js';
import { colorOf, palette } from '../text/color.js';
import { choose } from './choose.js';
import { imageFilesOf, PULL_POLICIES } from './image-source.js';
import { openToolchain } from './open-toolchain.js';
import { runTransfer } from './transfer-activity.js';

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const [one = '', other = ''] = parsed.positionals;
  const times = parsed.flag('times');
  const show = formatter(parsed, host);
  const asked = SECTIONS.filter((section) => parsed.flag(section));
  const sections: ReadonlySet<Section> = new Set(asked.length === 0 ? SECTIONS : asked);
  const pull = choose(parsed.value('pull'), PULL_POLICIES, '--pull') ?? 'missing';
  const [platform, second = platform] = parsed.list('platform');
  for (const text of parsed.list('platform')) parsePlatform(text);
  const view = { title: 'Reading', quiet: parsed.flag('quiet') };
  const difference = await runTransfer(host, view, async (progress) => {
    await using toolchain = await openToolchain(parsed, host, [one, other]);
    const asking = { cwd: host.cwd, progress, signal: host.signal };
    await using before = await imageFilesOf(toolchain, { name: one, platform, pull }, asking);
    await using after = await imageFilesOf(toolchain, { name: other, platform: second, pull }, asking);
    return await imageDifference({ name: one, files: before }, { name: other, files: after }, { sections, times });
  });
  await pour(inPieces(show(difference)), host.stdout, { what: 'the difference', signal: host.signal });
  if (parsed.flag('exit-code') && differs(difference)) throw new EndWithStatus(1);
}

type Show = (difference: ImageDifference) => Iterable<string>;

function formatter(parsed: ParsedArguments, { stdout, env }: Host): Show {
  const format = parsed.flag('json') ? 'json' : (parsed.value('format') ?? 'text');
  const times = parsed.flag('times');
  if (format === 'json') return (difference) => differenceJson(difference, times);
  if (format === 'text') {
    const colors = palette(colorOf(stdout, env));
    return (difference) => differenceText(difference, { colors, times });
  }
  if (!format.includes('{{')) throw templateError(format, 'no such format', 'Use text, json or a template.');
  const template = parseTemplate(format.replaceAll('\\t', '\t').replaceAll('\\n', '\n'));
  return (difference) => {
    const files = [...changesOf(difference, times)];
    return [`${renderTemplate(template, { ...differenceDocument(difference), files })}\n`];
  };
}

/** Characters that are written at once. */
const PIECE = 1 << 16;

// eslint-disable-next-line @typescript-eslint/require-await
async function* inPieces(lines: Iterable<string>): AsyncGenerator<Uint8Array, void, undefined> {
  let text = '';
  for (const line of lines) {
    text += line;
    if (text.length < PIECE) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}
