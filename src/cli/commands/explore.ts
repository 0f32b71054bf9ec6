import { parsePlatform } from '../../oci/platform.js';
import type { ParsedArguments } from '../argv.js';
import { exploreImage, type ExploredImage } from '../explore/explored-image.js';
import { exploreJson, exploreText } from '../explore/explore-report.js';
import { checkWaste, readMaxWasted, readMinEfficiency, type WasteLimits } from '../explore/waste-limits.js';
import type { Host } from '../host.js';
import { isTerminal, print } from '../output-stream.js';
import { colorOf, palette } from '../text/color.js';
import { choose } from './choose.js';
import { imageFilesOf, PULL_POLICIES } from './image-source.js';
import { openToolchain } from './open-toolchain.js';
import { runTransfer } from './transfer-activity.js';

const FORMATS = { text: 'text', json: 'json' } as const;

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const format = parsed.flag('json') ? 'json' : choose(parsed.value('format'), FORMATS, '--format');
  const limits = readLimits(parsed);
  const image = await read(parsed, host);
  const { stdout, env } = host;
  const isAsked = format !== undefined || limits !== undefined;
  if (!isAsked && isTerminal(stdout) && host.stdin.isTTY === true && (env['TERM'] ?? 'dumb') !== 'dumb') {
    const { walkImage } = await import('../explore/walk-image.js');
    await walkImage(image, host, stdout);
    return;
  }
  await print(stdout, format === 'json' ? exploreJson(image) : exploreText(image, palette(colorOf(stdout, env))));
  if (limits !== undefined) checkWaste(image.name, image.waste, limits);
}

function readLimits(parsed: ParsedArguments): WasteLimits | undefined {
  const [wasted, efficiency] = [parsed.value('max-wasted'), parsed.value('min-efficiency')];
  if (wasted === undefined && efficiency === undefined) return undefined;
  return {
    maxWasted: wasted === undefined ? undefined : readMaxWasted(wasted),
    minEfficiency: efficiency === undefined ? undefined : readMinEfficiency(efficiency),
  };
}

async function read(parsed: ParsedArguments, host: Host): Promise<ExploredImage> {
  const [name = ''] = parsed.positionals;
  const platform = parsed.value('platform');
  if (platform !== undefined) parsePlatform(platform);
  const pull = choose(parsed.value('pull'), PULL_POLICIES, '--pull') ?? 'missing';
  const view = { title: 'Reading', quiet: parsed.flag('quiet') };
  return await runTransfer(host, view, async (progress) => {
    await using toolchain = await openToolchain(parsed, host, [name]);
    const asking = { cwd: host.cwd, progress, signal: host.signal };
    await using files = await imageFilesOf(toolchain, { name, platform, pull }, asking);
    return await exploreImage(name, files);
  });
}
