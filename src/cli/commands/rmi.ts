import { familiarName, parseReference } from '../../oci/reference.js';
import { isTsbuildError } from '../../support/errors.js';
import type { Toolchain } from '../../toolchain/toolchain-types.js';
import type { Removal } from '../../toolchain/care/store-care-types.js';
import type { ParsedArguments } from '../argv.js';
import type { Host } from '../host.js';
import { print } from '../output-stream.js';
import { noticeLine } from '../progress/report.js';
import { forEachName } from './each-name.js';
import { openToolchain } from './open-toolchain.js';

export async function run(parsed: ParsedArguments, host: Host): Promise<void> {
  const force = parsed.flag('force');
  await using toolchain = await openToolchain(parsed, host);
  await forEachName(parsed.positionals, async (name) => {
    const removals = await remove(toolchain, name, force);
    if (removals === undefined) await print(host.stderr, `${noticeLine(`no such image: ${name}`)}\n`);
    else await print(host.stdout, removals.map(removalLine).join(''));
  });
}

/** @returns `undefined` when there was nothing to remove and that is no error, as with `docker rmi -f` */
async function remove(toolchain: Toolchain, name: string, force: boolean): Promise<readonly Removal[] | undefined> {
  try {
    return await toolchain.remove(name, { force });
  } catch (error) {
    if (force && isTsbuildError(error, 'IMAGE_NOT_FOUND')) return undefined;
    throw error;
  }
}

function removalLine(removal: Removal): string {
  return removal.kind === 'deleted'
    ? `Deleted: ${removal.digest}\n`
    : `Untagged: ${familiarName(parseReference(removal.name))}\n`;
}
