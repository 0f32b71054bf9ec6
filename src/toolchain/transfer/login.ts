import { DOCKER_HUB, DOCKER_HUB_HOST, parseReference } from '../../oci/reference.js';
import type { Credential } from '../../registry/auth/credentials.js';
import type { RegistryConfiguration } from '../../registry/config/registry-configuration.js';
import type { RegistrySettings } from '../../registry/config/registry-settings.js';
import type { CredentialKeeper } from '../../registry/config/credential-writer.js';
import { TsbuildError } from '../../support/errors.js';
import { invariant } from '../../support/invariant.js';
import { VERSION } from '../../version.js';

export interface LoginRequest {
  /** `docker.io`, `localhost:5000`; also as a URL, as older Dockers have it. */
  readonly registry: string;
  readonly username: string;
  readonly password: string;
}

export interface AccessOptions {
  /** The caller's environment: says where credentials are kept and how registries are reached. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What counts before all that files say, but for credentials. */
  readonly registries?: RegistrySettings | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks a registry whether it knows the user, and keeps the credentials where Docker or podman would look for them. Nothing is
 * kept when the registry refuses.
 * @returns where they are kept
 * @throws `REGISTRY_UNAUTHORIZED`, `REGISTRY_UNREACHABLE`, `REGISTRY_RESPONSE`, `CONFIG_INVALID`, `REFERENCE_INVALID`
 */
export async function login(
  request: LoginRequest,
  { env, registries, signal }: AccessOptions,
): Promise<CredentialKeeper> {
  const registry = registryOf(request.registry);
  const { username, password } = request;
  const { loadRegistryConfiguration } = await import('../../registry/config/load-registry-configuration.js');
  const home = homeOf(env);
  const { withSettings } = await import('../../registry/config/registry-settings.js');
  const configuration = withSettings(await loadRegistryConfiguration({ env, home }), registries);
  await checkLogin(registry, { configuration, credential: { kind: 'password', username, password }, signal });
  const { keepCredential } = await import('../../registry/config/credential-writer.js');
  return await keepCredential(configuration.credentials.place, { registry, username, password }, env);
}

/** Forgets a registry's credentials. @returns whether there were any @throws `CONFIG_INVALID`, `REFERENCE_INVALID` */
export async function logout(registry: string, { env }: AccessOptions): Promise<boolean> {
  const { credentialPlace } = await import('../../registry/config/registry-credentials.js');
  const { forgetCredential } = await import('../../registry/config/credential-writer.js');
  return await forgetCredential(credentialPlace(env, homeOf(env)), registryOf(registry), env);
}

async function checkLogin(
  registry: string,
  options: {
    readonly configuration: RegistryConfiguration;
    readonly credential: Credential;
    readonly signal: AbortSignal | undefined;
  },
): Promise<void> {
  const { configuration, credential, signal } = options;
  const { createRegistryClient } = await import('../../registry/create-registry-client.js');
  // For this registry alone: what a token service or a redirect leads to gets none of it.
  const find = (asked: string): Promise<Credential | null> => Promise.resolve(asked === registry ? credential : null);
  const client = createRegistryClient({
    configuration: { ...configuration, credentials: { ...configuration.credentials, find } },
    userAgent: `tsbuild/${VERSION}`,
  });
  try {
    await client.checkAccess(registry, { signal });
  } finally {
    await client.close();
  }
}

function homeOf(env: Readonly<Record<string, string | undefined>>): string {
  const home = env['HOME'] ?? '/';
  invariant(home.startsWith('/'), 'HOME is an absolute path');
  return home;
}

/** The registry that references would name. @throws `REFERENCE_INVALID` */
export function registryOf(text: string): string {
  const host = text.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '');
  if (host.includes('/') || host === '') {
    throw new TsbuildError('REFERENCE_INVALID', `cannot read registry "${text}": it is no host`, {
      hint: 'Give the host, with :port if it needs one, as in "registry.example.com:5000"; nothing is Docker Hub.',
    });
  }
  const known = host === DOCKER_HUB_HOST ? DOCKER_HUB : host;
  const { registry } = parseReference(`${known}/x`);
  if (registry === known || (registry === DOCKER_HUB && known === 'index.docker.io')) return registry;
  throw new TsbuildError(
    'REFERENCE_INVALID',
    `cannot read registry "${text}": it is no host that image names could have`,
    {
      hint: 'A registry is "localhost", or has a dot or a port: write "registry.example.com" or "myhost:5000".',
    },
  );
}
