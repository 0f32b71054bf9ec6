import type { CheckResult } from '../../builder/check/check-dockerfile.js';
import type { ParsedArguments } from '../argv.js';
import { readBuildRequest } from '../build-request.js';
import { forOnePlatform } from '../options/platforms.js';
import { lazyToolchain } from '../commands/open-toolchain.js';
import { runTransfer } from '../commands/transfer-activity.js';
import { EndWithStatus } from '../errors/end-with-status.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { noticeLine } from '../progress/report.js';
import type { Call } from './call.js';
import { checkJson } from './check-json.js';
import { checkText } from './check-text.js';
import { describeText, METHODS } from './describe.js';
import { outlineJson, outlineText } from './outline.js';
import { targetsJson, targetsText } from './targets.js';

/** Answers a call on standard output. */
export async function runCall(call: Call, parsed: ParsedArguments, host: Host): Promise<void> {
  switch (call.name) {
    case 'check':
      await check(call, parsed, host);
      break;
    case 'outline':
      await outline(call, parsed, host);
      break;
    case 'targets':
      await targets(call, parsed, host);
      break;
    case 'subrequests.describe':
      await print(host.stdout, call.format === 'json' ? `${JSON.stringify(METHODS, undefined, 2)}\n` : describeText());
  }
}

async function check(call: Call, parsed: ParsedArguments, host: Host): Promise<void> {
  const { request, result } = await runTransfer(host, { title: 'Checking', quiet: false }, async (progress) => {
    await using lazy = lazyToolchain(parsed, host);
    const activity = { progress, signal: host.signal };
    const given = forOnePlatform(await readBuildRequest(parsed, host, { toolchain: () => lazy.get(), activity }));
    return { request: given, result: await (await lazy.get()).check(given, activity) };
  });
  const { dockerfile } = request;
  await print(host.stdout, call.format === 'json' ? checkJson(result, dockerfile) : checkText(result, dockerfile.text));
  for (const note of notes(result)) await print(host.stderr, `${noticeLine(note)}\n`);
  if (result.error !== undefined) throw result.error;
  if (result.failed && !call.ignoreStatus) throw new EndWithStatus(1);
}

function notes({ unknownBases }: CheckResult): readonly string[] {
  return unknownBases.map(({ message, source }) => {
    const place = source === undefined ? '' : `line ${source.start.line}: `;
    return `${place}${message}; what depends on this image has not been checked`;
  });
}

async function outline({ format }: Call, parsed: ParsedArguments, host: Host): Promise<void> {
  const { text, found } = await runTransfer(host, { title: 'Outlining', quiet: false }, async (progress) => {
    await using lazy = lazyToolchain(parsed, host);
    const activity = { progress, signal: host.signal };
    const request = forOnePlatform(await readBuildRequest(parsed, host, { toolchain: () => lazy.get(), activity }));
    return { text: request.dockerfile.text, found: await (await lazy.get()).outline(request, activity) };
  });
  await print(host.stdout, format === 'json' ? outlineJson(found, text) : outlineText(found));
}

async function targets({ format }: Call, parsed: ParsedArguments, host: Host): Promise<void> {
  await using lazy = lazyToolchain(parsed, host);
  const activity = { signal: host.signal };
  const { dockerfile } = await readBuildRequest(parsed, host, { toolchain: () => lazy.get(), activity });
  const { parseDockerfile } = await import('../../parser/parse-dockerfile.js');
  const { stages } = parseDockerfile(dockerfile.text, { file: dockerfile.name });
  await print(host.stdout, format === 'json' ? targetsJson(stages, dockerfile.text) : targetsText(stages));
}
