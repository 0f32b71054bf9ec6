import { isTsbuildError } from '../support/errors.js';
import { createSandbox, ISOLATIONS } from './create-sandbox.js';
import type { IsolationName } from './sandbox.js';

/** What came of trying one rung of the ladder. */
export type IsolationTrial =
  | {
      readonly name: IsolationName;
      readonly works: true;
      /** Whether overlays can be mounted in it; else root file systems are copies. */
      readonly overlay: boolean;
      /** Whether layers of an overlay can be mounted from their tars. */
      readonly images: boolean;
      /** What it does not do, in a sentence, if there is anything. */
      readonly notice: string | null;
    }
  | { readonly name: IsolationName; readonly works: false; readonly reason: string; readonly remedy: string | null };

/**
 * Makes each kind of sandbox once, on the file system of `temporaryDirectory`. The caller is root, of the host or of a user
 * namespace.
 */
export async function tryIsolations(temporaryDirectory: string): Promise<readonly IsolationTrial[]> {
  const trials: IsolationTrial[] = [];
  // One after another: they are not to disturb each other.
  for (const name of ISOLATIONS) trials.push(await tryIsolation(name, temporaryDirectory));
  return trials;
}

async function tryIsolation(name: IsolationName, temporaryDirectory: string): Promise<IsolationTrial> {
  try {
    await using sandbox = await createSandbox({ temporaryDirectory, isolation: name, upcoming: () => 0 });
    const { overlay, images = false, notice } = sandbox;
    return { name, works: true, overlay, images, notice };
  } catch (error) {
    // A report says what is wrong with the machine, and does not fail for it.
    const { message } = error instanceof Error ? error : new Error(String(error));
    return { name, works: false, reason: message, remedy: isTsbuildError(error) ? (error.hint ?? null) : null };
  }
}
