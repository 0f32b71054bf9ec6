import type { ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { parseTemplate } from '../template/parse-template.js';
import { renderTemplate } from '../template/render-template.js';
import { forEachName } from './each-name.js';
import { inspection, type Inspection } from './inspection.js';
import { openToolchain } from './open-toolchain.js';

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const format = parsed.value('format');
  const show = format === undefined ? undefined : formatter(format);
  await using toolchain = await openToolchain(parsed, host);
  const found: Inspection[] = [];
  try {
    await forEachName(parsed.positionals, async (name) => {
      found.push(inspection(await toolchain.image(name)));
    });
  } finally {
    // What was found is shown even when something else was not, as docker inspect does.
    const text = show === undefined ? `${JSON.stringify(found, null, 4)}\n` : found.map(show).join('');
    await print(host.stdout, text);
  }
}

function formatter(format: string): (value: Inspection) => string {
  if (format === 'json') return (value) => `${JSON.stringify(value)}\n`;
  const template = parseTemplate(format);
  return (value) => `${renderTemplate(template, value)}\n`;
}
