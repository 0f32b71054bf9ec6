import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { SecureContext } from 'node:tls';
import { loadSecureContext, type CertificateSources, type HostCertificates } from './certificate-authorities.js';
import { tunnelAgent } from './proxy-connection.js';

interface Connection {
  readonly proxy: URL | undefined;
  readonly insecure: boolean;
  readonly own: HostCertificates | undefined;
}

/** Keeps connections open between requests; one agent for each way of connecting. Close it, or the process lives on. */
export class AgentPool {
  readonly #certificates: CertificateSources;
  readonly #connectMs: number;
  readonly #plain = new HttpAgent({ keepAlive: true });
  readonly #secure = new Map<string, HttpsAgent>();
  readonly #own = new Map<string, Promise<HostCertificates | undefined>>();
  #context: Promise<SecureContext> | undefined;

  constructor(certificates: CertificateSources, connectMs: number) {
    this.#certificates = certificates;
    this.#connectMs = connectMs;
  }

  /** @throws `CONFIG_INVALID` when certificates that the user named cannot be read */
  async agent(url: URL, options: { readonly proxy: URL | undefined; readonly insecure: boolean }): Promise<HttpAgent> {
    if (url.protocol === 'http:') return this.#plain;
    const own = await this.#ownCertificates(url.host);
    // Unchecked connections keep to themselves: one must never serve a request that wants the certificate checked.
    const trust = options.insecure ? 'insecure' : 'checked';
    const key = `${trust} ${own === undefined ? '' : url.host} ${options.proxy?.href ?? ''}`;
    const known = this.#secure.get(key);
    if (known !== undefined) return known;
    const made = await this.#create({ ...options, own });
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

  async #create({ proxy, insecure, own }: Connection): Promise<HttpsAgent> {
    const checked = !insecure || own !== undefined;
    const secureContext = checked ? { secureContext: await this.#secureContext(own) } : {};
    const options = { keepAlive: true, ...secureContext, rejectUnauthorized: !insecure };
    return proxy === undefined
      ? new HttpsAgent(options)
      : tunnelAgent(proxy, { ...options, connectMs: this.#connectMs });
  }

  async #secureContext(own: HostCertificates | undefined): Promise<SecureContext> {
    if (own !== undefined) return await loadSecureContext(this.#certificates, own);
    this.#context ??= loadSecureContext(this.#certificates);
    return await this.#context;
  }

  /** Looked up once a host: an agent is asked for with every request. */
  async #ownCertificates(host: string): Promise<HostCertificates | undefined> {
    const known = this.#own.get(host) ?? this.#certificates.forHost(host);
    this.#own.set(host, known);
    return await known;
  }
}
