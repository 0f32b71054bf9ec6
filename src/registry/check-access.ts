import { endpointOf } from './endpoint.js';
import { drain } from './http/http-message.js';
import { failureOfResponse, RegistryFailure, registryError } from './registry-failure.js';
import type { RegistryContext } from './registry-context.js';

/**
 * Asks a registry whether it lets the client's credentials in (distribution-spec, "Determining Support"): no repository is named.
 * @param registry as it stands in references
 * @throws `REGISTRY_UNAUTHORIZED`, `REGISTRY_UNREACHABLE`, `REGISTRY_RESPONSE` for what is no registry
 */
export async function checkAccess(
  { configuration, requester }: RegistryContext,
  registry: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const endpoint = endpointOf(configuration, registry);
  const what = `log in to "${registry}"`;
  try {
    const response = await requester.send(endpoint, { method: 'GET', path: '/v2/', scopes: [], signal });
    if (response.status !== 200) throw refusalOf(await failureOfResponse(endpoint, response), registry);
    await drain(response);
  } catch (error) {
    if (!(error instanceof RegistryFailure)) throw error;
    throw registryError(what, [{ endpoint, failure: refusalOf(error, registry) }]);
  }
}

/** Whoever is logging in need not be told to log in. */
function refusalOf(failure: RegistryFailure, registry: string): RegistryFailure {
  const { kind, message, hint, details } = failure;
  if (kind === 'missing') {
    return new RegistryFailure('response', message, {
      hint: `Check the name: "${registry}" does not answer as a registry does.`,
      details,
    });
  }
  const help =
    kind === 'denied'
      ? 'Check the user name and the password; where there is a second factor, an access token stands for the password.'
      : hint;
  return new RegistryFailure(kind, message, { hint: help, details, cause: failure });
}
