import { tabulated } from './tabulated.js';

/** The methods of `--call`, as BuildKit lists its own. */
export const METHODS: readonly { readonly name: string; readonly version: string; readonly description: string }[] = [
  { name: 'check', version: '1.0.0', description: 'Check a Dockerfile' },
  { name: 'outline', version: '1.0.0', description: 'List all parameters current build target supports' },
  { name: 'targets', version: '1.0.0', description: 'List all targets current build supports' },
  { name: 'subrequests.describe', version: '1.0.0', description: 'List available subrequest types' },
];

export function describeText(): string {
  const rows = METHODS.map(({ name, version, description }) => [name, version, description]);
  return tabulated([['NAME', 'VERSION', 'DESCRIPTION'], ...rows], 1);
}
