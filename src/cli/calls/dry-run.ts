import type { BuildExplanation, ExplainedImage, ExplainedStep } from '../../builder/explain/build-explanation.js';
import type { ParsedArguments } from '../argv.js';
import { readBuildTask } from '../build-task.js';
import { lazyToolchain } from '../commands/open-toolchain.js';
import { runTransfer } from '../commands/transfer-activity.js';
import type { Host } from '../host.js';
import { readOutputs } from '../options/build-outputs.js';
import { print } from '../output-stream.js';
import { changeLines } from '../progress/change-text.js';
import { noticeLine } from '../progress/report.js';
import { formatSize } from '../text/size.js';
import { plainLine } from '../text/terminal-text.js';

/** Of the form of the JSON. Members may be added to a version; none is taken away or changes its meaning. */
const FORMAT_VERSION = 1;
/** Files of a step that are named one by one. */
const FILES = 20;

/**
 * Tells what `build` would do. All options are read as a build reads them, so that it is refused what a build would be refused.
 */
export async function runDryRun(
  parsed: ParsedArguments,
  host: Host,
  { notes }: { readonly notes: readonly string[] },
): Promise<void> {
  const wanted = readOutputs(parsed, host);
  const explanation = await runTransfer(host, { title: 'Looking', quiet: false }, async (progress) => {
    await using lazy = lazyToolchain(parsed, host);
    const activity = { progress, signal: host.signal };
    const { request } = await readBuildTask(parsed, host, { wanted, toolchain: () => lazy.get(), activity });
    return await (await lazy.get()).explain(request, activity);
  });
  for (const note of notes) await print(host.stderr, `${noticeLine(note)}\n`);
  await printDryRun(explanation, parsed, host);
}

/** On standard output: as text, or with `--progress=json` as one JSON document. */
export async function printDryRun(explanation: BuildExplanation, parsed: ParsedArguments, host: Host): Promise<void> {
  const asJson = /^(?:raw)?json$/.test(parsed.value('progress') ?? '');
  const text = asJson
    ? `${JSON.stringify({ version: FORMAT_VERSION, ...explanation }, null, 2)}\n`
    : dryRunText(explanation);
  await print(host.stdout, text);
}

export function dryRunText({ images, steps }: BuildExplanation): string {
  const count = (state: ExplainedStep['state']): number => steps.filter((step) => step.state === state).length;
  const [changed, follows] = [count('changed'), count('follows')];
  const perhaps = follows === 0 ? '' : `, ${follows} that ${follows === 1 ? 'follows' : 'follow'} from them`;
  const summary = `${steps.length} ${steps.length === 1 ? 'step' : 'steps'}: ${count('cached')} cached, ${changed} to be done${perhaps}; nothing was run, built or pushed`;
  return [...images.map(imageLine), ...steps.flatMap(stepLines), summary].map((line) => `${line}\n`).join('');
}

function imageLine({ name, platform, digest, layers, missing }: ExplainedImage): string {
  const where =
    missing.layers === 0
      ? 'in the store'
      : `${missing.layers} of ${layers} layers would be pulled when a step needs them, ${formatSize(missing.bytes)}`;
  return plainLine(`image ${name} for ${platform}, ${digest}: ${where}`);
}

function stepLines({ label, state, changes, files }: ExplainedStep): readonly string[] {
  const word = { cached: 'CACHED', changed: 'TO DO ', follows: 'TO DO?' }[state];
  return [
    `${word} ${plainLine(label)}`,
    ...(state === 'cached' ? [] : changeLines(changes).map((change) => `    why: ${change}`)),
    ...(files === undefined ? [] : fileLines(files)),
  ];
}

function fileLines(files: readonly string[]): readonly string[] {
  const more = files.length - FILES;
  return [
    ...files.slice(0, FILES).map((path) => `    reads ${plainLine(path)}`),
    ...(more > 0 ? [`    reads ${more} more (--progress=json has all)`] : []),
  ];
}
