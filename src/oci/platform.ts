import { endianness } from 'node:os';
import { TsbuildError } from '../support/errors.js';

/** As image-spec image-index.md has it: Go's GOOS and GOARCH, with the CPU's variant. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

const PART = /^[A-Za-z0-9_.-]+$/;
const SYSTEMS: ReadonlySet<string> = new Set(['linux', 'windows', 'darwin', 'macos', 'freebsd', 'wasi']);

const GO_ARCHITECTURE: ReadonlyMap<string, string> = new Map([
  ['x64', 'amd64'],
  ['ia32', '386'],
  ['mipsel', 'mipsle'],
]);

/**
 * Reads `linux/arm64/v8`, `linux/amd64`, `arm64` (an architecture, on Linux), `linux` (on this machine's architecture) or
 * `local` (this machine). The result is normalized.
 * @throws `USAGE`
 */
export function parsePlatform(text: string): Platform {
  if (text === 'local') return hostPlatform();
  const parts = text.split('/');
  if (parts.length > 3 || !parts.every((part) => PART.test(part))) throw malformed(text);
  const [first = '', architecture, variant] = parts;
  if (architecture !== undefined) return normalizePlatform(platformOf(first, architecture, variant));
  if (SYSTEMS.has(first.toLowerCase())) return normalizePlatform({ ...hostPlatform(), os: first });
  return normalizePlatform(platformOf('linux', first));
}

/** `os/architecture[/variant]`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return variant === undefined || variant === '' ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** What runs on this machine without emulation. Containers are Linux whatever runs this program. */
export function hostPlatform(): Platform {
  return normalizePlatform(platformOf('linux', goArchitecture(process.arch)));
}

/** Folds the aliases into the names that Go uses, and drops a variant that is the architecture's baseline. */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase();
  const { architecture, variant } = normalizeArchitecture(
    platform.architecture.toLowerCase(),
    platform.variant?.toLowerCase() ?? '',
  );
  return platformOf(os === 'macos' ? 'darwin' : os, architecture, variant);
}

/** Whether an image of `actual` runs where `wanted` is asked for: the same, or an older variant of it. */
export function platformSatisfies(actual: Platform, wanted: Platform): boolean {
  const have = formatPlatform(normalizePlatform(actual));
  return runnablePlatforms(normalizePlatform(wanted)).includes(have);
}

function platformOf(os: string, architecture: string, variant = ''): Platform {
  return variant === '' ? { os, architecture } : { os, architecture, variant };
}

function malformed(text: string): TsbuildError {
  return new TsbuildError('USAGE', `cannot read platform "${text.slice(0, 200)}": not of the form os/architecture`, {
    hint: 'Give a platform such as linux/amd64 or linux/arm/v7.',
  });
}

interface Cpu {
  readonly architecture: string;
  readonly variant: string;
}

/** The rules of github.com/containerd/platforms, which Docker and BuildKit compare by. */
function normalizeArchitecture(architecture: string, variant: string): Cpu {
  switch (architecture) {
    case 'i386':
      return { architecture: '386', variant: '' };
    case 'x86_64':
    case 'x86-64':
    case 'amd64':
      return { architecture: 'amd64', variant: variant === 'v1' ? '' : variant };
    case 'aarch64':
    case 'arm64':
      return { architecture: 'arm64', variant: normalizeArm64Variant(variant) };
    case 'armhf':
      return { architecture: 'arm', variant: 'v7' };
    case 'armel':
      return { architecture: 'arm', variant: 'v6' };
    case 'arm':
      return { architecture: 'arm', variant: normalizeArmVariant(variant) };
    default:
      return { architecture, variant };
  }
}

function normalizeArm64Variant(variant: string): string {
  if (['8', 'v8', 'v8.0'].includes(variant)) return '';
  return ['9', '9.0', 'v9.0'].includes(variant) ? 'v9' : variant;
}

function normalizeArmVariant(variant: string): string {
  if (variant === '') return 'v7';
  return /^[5-8]$/.test(variant) ? `v${variant}` : variant;
}

/** What can run where `wanted` is asked for, as formatted platforms, best first: newer CPUs run the code of older ones. */
export function runnablePlatforms(wanted: Platform): readonly string[] {
  return acceptableCpus(wanted).map(({ architecture, variant }) =>
    formatPlatform(normalizePlatform(platformOf(wanted.os, architecture, variant))),
  );
}

function acceptableCpus({ architecture, variant = '' }: Platform): readonly Cpu[] {
  const exact = { architecture, variant };
  switch (architecture) {
    case 'amd64':
      return [exact, ...olderVariants('amd64', variant, 1), { architecture: '386', variant: '' }];
    case 'arm':
      return [exact, ...olderVariants('arm', variant, 5)];
    case 'arm64':
      return [exact, ...olderArm64Variants(variant), ...olderVariants('arm', 'v9', 5)];
    default:
      return [exact];
  }
}

function olderVariants(architecture: string, variant: string, oldest: number): readonly Cpu[] {
  const older: Cpu[] = [];
  for (let version = variantNumber(variant) - 1; version >= oldest; version -= 1) {
    older.push({ architecture, variant: `v${version}` });
  }
  return older;
}

/** Armv9.x includes Armv8.(x+5) (Arm Architecture Reference Manual, A2.1). */
function olderArm64Variants(variant: string): readonly Cpu[] {
  const match = /^v([89])(?:\.(\d{1,2}))?$/.exec(variant);
  if (match === null) return [{ architecture: 'arm64', variant: '' }];
  const minor = Number(match[2] ?? 0);
  const names =
    match[1] === '9' ? [...minorsBelow('v9', minor), ...minorsBelow('v8', minor + 6)] : minorsBelow('v8', minor);
  return names.map((name) => ({ architecture: 'arm64', variant: name }));
}

function minorsBelow(major: string, minor: number): readonly string[] {
  return Array.from({ length: minor }, (_, index) => `${major}.${minor - 1 - index}`);
}

function variantNumber(variant: string): number {
  const match = /^v(\d{1,2})$/.exec(variant);
  return match === null ? 0 : Number(match[1]);
}

function goArchitecture(nodeArchitecture: NodeJS.Architecture): string {
  if (nodeArchitecture === 'ppc64' && endianness() === 'LE') return 'ppc64le';
  return GO_ARCHITECTURE.get(nodeArchitecture) ?? nodeArchitecture;
}
