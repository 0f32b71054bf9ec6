export type Requirement =
  | 'sandbox'
  | 'overlay'
  | 'docker-registry'
  | 'docker'
  | 'podman'
  | 'skopeo'
  | 'umoci'
  | 'zstd'
  | 'root'
  | 'tar'
  | 'bzip2'
  | 'unprivileged-user'
  | 'debootstrap'
  | 'ssh'
  | 'git'
  | 'strace'
  | 'setcap'
  | 'bash'
  | 'fish'
  | 'zsh'
  | 'loop-devices'
  | 'amd64'
  | 'private-network'
  | 'cgroups'
  | 'qemu'
  | 'chromium'
  | 'erofs'
  | 'tmux';

/**
 * Whether tests that need something of the machine run: where it is missing they are skipped with the reason, unless
 * TSBUILD_REQUIRE (a comma list, or `all`) names it; then they run and fail.
 */
export function requirement(
  name: Requirement,
  available: boolean,
  reason: string,
): { readonly skip: boolean; readonly reason: string } {
  const required = (process.env['TSBUILD_REQUIRE'] ?? '').split(',');
  const demanded = required.includes('all') || required.includes(name);
  return { skip: !available && !demanded, reason: `${name}: ${reason}` };
}
