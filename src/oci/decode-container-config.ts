import {
  arrayOf,
  boolean,
  count,
  duration,
  objectOf,
  optional,
  pick,
  recordOf,
  setOf,
  string,
  type Decode,
} from './decode-value.js';
import type { ContainerConfig, Healthcheck, HistoryEntry } from './image.js';

const strings: Decode<readonly string[]> = arrayOf(string);

/** The `config` member of an image config. `null` members, as Go writes them, are left out. */
export function decodeContainerConfig(value: unknown, path: string): ContainerConfig {
  return pick<Required<ContainerConfig>>(objectOf(value, path), {
    User: string,
    ExposedPorts: setOf,
    Env: strings,
    Entrypoint: strings,
    Cmd: strings,
    Volumes: setOf,
    WorkingDir: string,
    Labels: recordOf(string),
    StopSignal: string,
    ArgsEscaped: boolean,
    Healthcheck: decodeHealthcheck,
    OnBuild: strings,
    Shell: strings,
  });
}

export function decodeHistoryEntry(value: unknown, path: string): HistoryEntry {
  return pick<Required<HistoryEntry>>(objectOf(value, path), {
    created: string,
    created_by: string,
    author: string,
    comment: string,
    empty_layer: boolean,
  });
}

function decodeHealthcheck(value: unknown, path: string): Healthcheck {
  const object = objectOf(value, path);
  const retries = optional(object, 'Retries', count);
  return {
    ...pick<Required<Omit<Healthcheck, 'Retries'>>>(object, {
      Test: strings,
      Interval: duration,
      Timeout: duration,
      StartPeriod: duration,
      StartInterval: duration,
    }),
    ...(retries === undefined ? {} : { Retries: retries }),
  };
}
