import type { Digest } from '../../oci/digest.js';
import type { KeyChange } from './key-change.js';

/** What a build would do, and why. Plain data. */
export interface BuildExplanation {
  /** In the order of the Dockerfile; without what is no step to its user. */
  readonly steps: readonly ExplainedStep[];
  /** The images that steps begin with or take files from, as they were looked up. */
  readonly images: readonly ExplainedImage[];
}

export interface ExplainedImage {
  /** Normalised, as `docker.io/library/debian:latest`. */
  readonly name: string;
  /** `os/architecture[/variant]` */
  readonly platform: string;
  /** Of the manifest. */
  readonly digest: Digest;
  readonly layers: number;
  /** Layers that the store lacks: a step that needs files of the image would fetch them. Bytes, as they are sent. */
  readonly missing: { readonly layers: number; readonly bytes: number };
}

export interface ExplainedStep {
  /** As in the events of a build. */
  readonly step: string;
  readonly label: string;
  /**
   * `cached`: it would be found. `changed`: it would be done. `follows`: it would be done unless the steps that it builds on turn
   * out to give what they gave before, which only doing them tells.
   */
  readonly state: 'cached' | 'changed' | 'follows';
  readonly changes: readonly KeyChange[];
  /** Of a step that takes files of a build context: which, sorted, folders with a slash behind them. */
  readonly files?: readonly string[] | undefined;
}
