import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { SecureContext } from 'node:tls';
import { loadSecureContext, type CertificateSources } from './certificate-authorities.js';
import { tunnelAgent } from './proxy-connection.js';

/** Keeps connections open between requests; one agent for each way of connecting. Close it, or the process lives on. */
export class AgentPool {
  readonly #certificates: CertificateSources;
  readonly #connectMs: number;
  readonly #plain = new HttpAgent({ keepAlive: true });
  readonly #secure = new Map<string, HttpsAgent>();
  #context: Promise<SecureContext> | undefined;

  constructor(certificates: CertificateSources, connectMs: number) {
    this.#certificates = certificates;
    this.#connectMs = connectMs;
  }

  /** @throws `CONFIG_INVALID` when certificates that the user named cannot be read */
  async agent(url: URL, options: { readonly proxy: URL | undefined; readonly insecure: boolean }): Promise<HttpAgent> {
    if (url.protocol === 'http:') return this.#plain;
    // Unchecked connections keep to themselves: one must never serve a request that wants the certificate checked.
    const key = `${options.insecure ? 'insecure' : 'checked'} ${options.proxy?.href ?? ''}`;
    const known = this.#secure.get(key);
    if (known !== undefined) return known;
    const made = await this.#create(options);
    const raced = this.#secure.get(key);
    if (raced !== undefined) {
      made.destroy();
      return raced;
    }
    this.#secure.set(key, made);
    return made;
  }

  close(): void {
    this.#plain.destroy();
    for (const agent of this.#secure.values()) agent.destroy();
    this.#secure.clear();
  }

  async #create({
    proxy,
    insecure,
  }: {
    readonly proxy: URL | undefined;
    readonly insecure: boolean;
  }): Promise<HttpsAgent> {
    const trust = insecure ? { rejectUnauthorized: false } : { secureContext: await this.#secureContext() };
    const options = { keepAlive: true, ...trust };
    return proxy === undefined
      ? new HttpsAgent(options)
      : tunnelAgent(proxy, { ...options, connectMs: this.#connectMs });
  }

  async #secureContext(): Promise<SecureContext> {
    this.#context ??= loadSecureContext(this.#certificates);
    return await this.#context;
  }
}
