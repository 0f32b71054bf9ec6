/** What a user gave to be let in to a registry. */
export type Credential =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** Exchanged for access tokens; Docker calls it the identity token. */
  | { readonly kind: 'refresh-token'; readonly token: string };

/** Where credentials are kept. */
export interface CredentialStore {
  /**
   * @param registry a registry as it stands in references: `docker.io`, `localhost:5000`
   * @param repository in it: some are kept for a namespace only
   * @returns `null` for none: the registry is asked anonymously
   * @throws `CONFIG_INVALID`
   */
  find(registry: string, repository?: string): Promise<Credential | null>;
  /** For hints: where a user would put credentials. */
  readonly place: string;
}

/** The key under which Docker has kept Docker Hub's credentials since its first registry. */
export const DOCKER_HUB_KEY = 'https://index.docker.io/v1/';

export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
