import { TsbuildError } from '../../support/errors.js';
import { installedEmulators, isNative, type InstalledEmulator } from './installed-emulators.js';
import { PROCESSOR_KINDS } from './machines.js';
import { registeredEmulators, runsProgramsFor, type RegisteredEmulator } from './registered-emulators.js';

/** How steps of another platform come to run. */
export type Emulation =
  | { readonly kind: 'native' }
  /** The machine has an emulator registered. `interpreter`: that the root file system itself has to have. */
  | { readonly kind: 'registered'; readonly interpreter?: string | undefined }
  /** It has one installed, which the sandbox registers in a user namespace of its own. */
  | { readonly kind: 'own' };

export interface EmulatorsHere {
  readonly registered: readonly RegisteredEmulator[];
  readonly installed: readonly InstalledEmulator[];
}

export function emulatorsHere(): EmulatorsHere {
  return { registered: registeredEmulators(), installed: installedEmulators() };
}

/**
 * @param platform `os/architecture[/variant]`
 * @param emulates whether the sandbox can register emulators for its steps
 * @throws `SANDBOX_UNAVAILABLE` when nothing here runs programs for it
 */
export function emulationFor(
  platform: string,
  { emulates, here = emulatorsHere }: { readonly emulates: boolean; readonly here?: () => EmulatorsHere },
): Emulation {
  const [os = '', architecture = ''] = platform.split('/');
  if (os !== 'linux')
    throw cannotRun(platform, 'this machine runs Linux programs', 'Build its steps on such a machine.');
  if (isNative(architecture)) return { kind: 'native' };
  const { registered, installed } = here();
  const kind = PROCESSOR_KINDS.find((one) => one.architecture === architecture);
  const found = registered.filter((one) => kind !== undefined && runsProgramsFor(one, kind));
  if (found.some(({ isOpen }) => isOpen)) return { kind: 'registered' };
  const isInstalled = installed.some((one) => one.kind === kind);
  if (isInstalled && emulates) return { kind: 'own' };
  return lastResort(platform, { found, architecture, isInstalled });
}

function lastResort(
  platform: string,
  options: {
    readonly found: readonly RegisteredEmulator[];
    readonly architecture: string;
    readonly isInstalled: boolean;
  },
): Emulation {
  const { found, architecture } = options;
  const [first] = found;
  if (first !== undefined) return { kind: 'registered', interpreter: first.interpreter };
  // Processors of 64 bits may run programs of 32.
  if (architecture === 'arm' && process.arch === 'arm64') return { kind: 'native' };
  throw missingEmulator(platform, options);
}

function missingEmulator(
  platform: string,
  { architecture, isInstalled }: { readonly architecture: string; readonly isInstalled: boolean },
): TsbuildError {
  const register = `"docker run --privileged --rm tonistiigi/binfmt --install ${architecture}" registers one for the whole machine.`;
  if (isInstalled) {
    const state = 'the emulator is installed, and not registered, which this kind of isolation needs';
    return cannotRun(platform, state, `Build with --isolation namespaces, or register it; ${register}`);
  }
  const own = 'Install the package "qemu-user-static", which need not be registered';
  return cannotRun(platform, 'this machine has no emulator for it', `${own}; or ${register}`);
}

/** Why no step of this platform can be run. */
export function cannotRun(platform: string, state: string, hint: string): TsbuildError {
  return new TsbuildError('SANDBOX_UNAVAILABLE', `cannot run steps for "${platform}": ${state}`, { hint });
}

/** The architectures, beside this machine's own, that steps can be run for. */
export function emulatedArchitectures({ registered, installed }: EmulatorsHere): readonly string[] {
  return PROCESSOR_KINDS.filter(
    (kind) =>
      !isNative(kind.architecture) &&
      (installed.some((one) => one.kind === kind) ||
        registered.some((one) => one.isOpen && runsProgramsFor(one, kind))),
  ).map(({ architecture }) => architecture);
}
