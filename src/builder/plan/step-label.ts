import { formatPlatform, parsePlatform, type Platform } from '../../oci/platform.js';

const LONGEST = 400;

/**
 * `[builder 2/5] RUN make`: numbers are padded to the width of the total; the stage is left out where there is only one, and so is
 * the platform.
 */
export function stepLabel(options: {
  readonly platform?: string | undefined;
  readonly stage: string | undefined;
  readonly number: number;
  readonly total: number;
  readonly text: string;
}): string {
  const total = String(options.total);
  const number = String(options.number).padStart(total.length);
  const stage = options.stage === undefined ? '' : `${options.stage} `;
  const platform = options.platform === undefined ? '' : `${options.platform} `;
  return `[${platform}${stage}${number}/${total}] ${shortened(options.text)}`;
}

/**
 * A step's platform as BuildKit shows it: `linux/amd64`, or `linux/amd64->arm64` where what it does depends on what the image is
 * for, since the stage asks for that by ARG.
 */
export function shownPlatform(platform: Platform, variables: ReadonlyMap<string, string>): string {
  const whole = variables.get('TARGETPLATFORM') ?? '';
  const architecture = variables.get('TARGETARCH') ?? '';
  const target = whole === '' ? architecture : parsePlatform(whole).architecture;
  const arrow = target === '' || target === platform.architecture ? '' : `->${target}`;
  return `${formatPlatform(platform)}${arrow}`;
}

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
