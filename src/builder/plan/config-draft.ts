import type { ContainerConfig, Healthcheck } from '../../oci/image.js';

/** A container config that is being put together. Maps and sets, because names in it come from users and images. */
export interface ConfigDraft {
  user: string;
  readonly exposedPorts: Set<string>;
  /** By name, `NAME=value` as it will stand in the config. */
  readonly env: Map<string, string>;
  entrypoint: readonly string[];
  command: readonly string[];
  readonly volumes: Set<string>;
  /** As the image or WORKDIR wrote it; empty for none. */
  workingDir: string;
  readonly labels: Map<string, string>;
  stopSignal: string | undefined;
  argsEscaped: boolean;
  healthcheck: Healthcheck | undefined;
  readonly onBuild: string[];
  shell: readonly string[];
}

/** A draft of its own of what a base image, or another draft, says. Triggers have fired by then: they are not taken over. */
export function draftConfig(config: ContainerConfig): ConfigDraft {
  return {
    user: config.User ?? '',
    exposedPorts: new Set(Object.keys(config.ExposedPorts ?? {})),
    env: new Map((config.Env ?? []).map((entry) => [splitVariable(entry)[0], entry])),
    entrypoint: config.Entrypoint ?? [],
    command: config.Cmd ?? [],
    volumes: new Set(Object.keys(config.Volumes ?? {})),
    workingDir: config.WorkingDir ?? '',
    labels: new Map(Object.entries(config.Labels ?? {})),
    stopSignal: config.StopSignal,
    argsEscaped: config.ArgsEscaped ?? false,
    healthcheck: config.Healthcheck,
    onBuild: [],
    shell: config.Shell ?? [],
  };
}

export function copyConfigDraft(draft: ConfigDraft): ConfigDraft {
  return {
    ...draft,
    exposedPorts: new Set(draft.exposedPorts),
    env: new Map(draft.env),
    volumes: new Set(draft.volumes),
    labels: new Map(draft.labels),
    onBuild: [],
  };
}

/** The finished config, in the members' usual order; what is empty is left out, as BuildKit does. Sets and maps are sorted by name. */
export function finishConfig(draft: ConfigDraft): ContainerConfig {
  return {
    ...(draft.user === '' ? {} : { User: draft.user }),
    ...(draft.exposedPorts.size === 0 ? {} : { ExposedPorts: membership(draft.exposedPorts) }),
    ...listed('Env', [...draft.env.values()]),
    ...listed('Entrypoint', draft.entrypoint),
    ...listed('Cmd', draft.command),
    ...(draft.volumes.size === 0 ? {} : { Volumes: membership(draft.volumes) }),
    ...(draft.workingDir === '' ? {} : { WorkingDir: draft.workingDir }),
    ...(draft.labels.size === 0 ? {} : { Labels: Object.fromEntries([...draft.labels].sort(byName)) }),
    ...(draft.stopSignal === undefined || draft.stopSignal === '' ? {} : { StopSignal: draft.stopSignal }),
    ...(draft.argsEscaped ? { ArgsEscaped: true } : {}),
    ...(draft.healthcheck === undefined ? {} : { Healthcheck: draft.healthcheck }),
    ...listed('OnBuild', draft.onBuild),
    ...listed('Shell', draft.shell),
  };
}

/** `NAME=value` in two; an entry without `=`, which some images have, has an empty value. */
export function splitVariable(entry: string): readonly [name: string, value: string] {
  const equals = entry.indexOf('=');
  return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
}

function listed<K extends 'Env' | 'Entrypoint' | 'Cmd' | 'OnBuild' | 'Shell'>(
  name: K,
  values: readonly string[],
): Partial<Record<K, readonly string[]>> {
  return values.length === 0 ? {} : ({ [name]: values } as Record<K, readonly string[]>);
}

function membership(names: ReadonlySet<string>): Record<string, object> {
  return Object.fromEntries([...names].sort().map((name) => [name, {}]));
}

function byName([left]: readonly [string, string], [right]: readonly [string, string]): number {
  return left < right ? -1 : 1;
}
