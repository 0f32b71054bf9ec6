/** What of a file is not the same. `listed`: one of the layers has it and the other has not. */
export type Aspect = 'content' | 'size' | 'mode' | 'owner' | 'time' | 'xattr' | 'type' | 'link' | 'device' | 'listed';

/** Plain data: it crosses process boundaries. */
export interface FileDifference {
  /** From the root of the image, as text; `etc/.wh.motd` for a file that was deleted. */
  readonly path: string;
  readonly aspects: readonly AspectDifference[];
}

export interface AspectDifference {
  readonly aspect: Aspect;
  /** What it was the first and the second time, for people to read; contents are not told. */
  readonly first?: string | undefined;
  readonly second?: string | undefined;
  /** Of contents: the first byte that is not the same. */
  readonly offset?: number | undefined;
}

/** What two layers of one step do not have in common. */
export interface LayerDifference {
  /** In the order of their paths, the first ones only. */
  readonly files: readonly FileDifference[];
  /** How many more there are. */
  readonly omitted: number;
  /** How many files differ in nothing but their time, which are told of only where times are bounded. */
  readonly times: number;
  /** What is known of such differences, and what can be done. */
  readonly advice: readonly string[];
}
