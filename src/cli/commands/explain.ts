import type { BuildExplanation, ExplainedStep } from '../../builder/explain/build-explanation.js';
import type { ParsedArguments } from '../argv.js';
import { readCaches } from '../options/build-cache.js';
import { readBuildRequest } from '../build-request.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { changeLines } from '../progress/change-text.js';
import { plainLine } from '../text/terminal-text.js';
import { lazyToolchain } from './open-toolchain.js';
import { runTransfer } from './transfer-activity.js';

/** Of the form of what `--json` prints. Members may be added to a version; none is taken away or changes its meaning. */
const FORMAT_VERSION = 1;

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const explanation = await runTransfer(host, { title: 'Looking', quiet: false }, async (progress) => {
    await using lazy = lazyToolchain(parsed, host);
    const activity = { progress, signal: host.signal };
    const request = await readBuildRequest(parsed, host, { toolchain: () => lazy.get(), activity });
    const { from } = readCaches(parsed, host, request);
    return await (await lazy.get()).explain({ ...request, cacheFrom: from }, activity);
  });
  const { steps } = explanation;
  if (parsed.flag('json')) await print(host.stdout, `${JSON.stringify({ version: FORMAT_VERSION, steps }, null, 2)}\n`);
  else await print(host.stdout, explanationText(explanation, { all: parsed.flag('all') }));
}

function explanationText({ steps }: BuildExplanation, { all }: { readonly all: boolean }): string {
  const count = (state: ExplainedStep['state']): number => steps.filter((step) => step.state === state).length;
  const [changed, follows] = [count('changed'), count('follows')];
  const perhaps = follows === 0 ? '' : `, ${follows} that ${follows === 1 ? 'follows' : 'follow'} from them`;
  const summary = `${steps.length} ${steps.length === 1 ? 'step' : 'steps'}: ${count('cached')} cached, ${changed} to be done${perhaps}`;
  const shown = steps.filter(({ state }) => all || state !== 'cached');
  return [summary, ...shown.flatMap(stepLines)].map((line) => `${line}\n`).join('');
}

function stepLines({ label, state, changes }: ExplainedStep): readonly string[] {
  const line = plainLine(label);
  if (state === 'cached') return [`CACHED ${line}`];
  return [line, ...changeLines(changes).map((change) => `    ${change}`)];
}
