import type { OptionSpec } from '../argv.js';

const list = (name: string, placeholder: string, about: string): OptionSpec => ({
  name,
  kind: 'list',
  placeholder,
  about,
});
const value = (name: string, placeholder: string, about: string): OptionSpec => ({
  ...list(name, placeholder, about),
  kind: 'value',
});

/** Of every command that has to do with registries. */
export const AUTH_FILE: OptionSpec = value(
  'authfile',
  'path',
  'Credentials of registries (default: REGISTRY_AUTH_FILE, else those of Docker and podman)',
);

/** How registries are connected to, beside what the files of the machine say; `registry-options.ts` reads them. */
export const CONNECTION_OPTIONS: readonly OptionSpec[] = [
  value(
    'cert-dir',
    'directory',
    'Folder of *.crt, *.cert and *.key for all registries, instead of their certs.d folders',
  ),
  list(
    'insecure-registry',
    'registry',
    'Registry, host or address range that needs no TLS, nor a certificate that is known',
  ),
  list('registry-certificate', 'list', 'Authority for the certificate of a registry: REGISTRY=FILE'),
  list('registry-client-cert', 'list', 'Certificate to show to a registry: REGISTRY=FILE,KEY'),
  list('skip-tls-verify-registry', 'registry', 'The same as --insecure-registry'),
  { name: 'tls-verify', kind: 'flag', about: 'With =false, no registry needs TLS or a certificate that is known' },
];

/** Of every command that moves images. */
export const REGISTRY_OPTIONS: readonly OptionSpec[] = [
  AUTH_FILE,
  ...CONNECTION_OPTIONS,
  list('creds', 'list', 'Credentials for the registry of the image, or of another: [REGISTRY=]USER:PASSWORD'),
  value('image-download-retry', 'number', 'As --retry, for what is downloaded'),
  value('push-retry', 'number', 'As --retry, for what is uploaded'),
  list('registry-map', 'list', 'Ask other registries first: REGISTRY=HOST[/PATH], several with ; between'),
  list('registry-mirror', 'list', 'Ask a mirror of Docker Hub first: HOST[:PORT][/PATH]'),
  value('retry', 'number', 'How often more a request to a registry is sent that failed (default 5)'),
  value('retry-delay', 'duration', 'Time between two attempts, as 2s (default: a growing one from half a second on)'),
  {
    name: 'skip-default-registry-fallback',
    kind: 'flag',
    about: 'Never ask a registry for which there is a --registry-mirror or a --registry-map',
  },
];
