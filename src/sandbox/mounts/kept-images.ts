import { statSync } from 'node:fs';
import { systemErrorCode } from '../../support/errors.js';
import { closeDescriptor, MOUNT_ATTRIBUTE } from '../../support/syscalls.js';
import type { MountWithOptions } from '../calls/kernel-calls.js';
import type { LayerImage, Rootfs, RunSpec } from '../run-spec.js';
import { mountDetached } from './detached-mount.js';
import { pathForOthers } from './rooted.js';

/** Each is a descriptor, and memory for what has been read through it, as long as the kernel has no other use for that. */
const MOST_KEPT = 128;

/** How a layer is mounted from its tar. What overlay is upon it decides about device nodes. */
export function imageMount({ metadata, tar }: LayerImage): Omit<MountWithOptions, 'target'> {
  return {
    type: 'erofs',
    options: [
      ['source', metadata],
      ['device', tar],
      ['ro', true],
    ],
    attributes: MOUNT_ATTRIBUTE.rdonly | MOUNT_ATTRIBUTE.nodev,
  };
}

interface KeptImagesOptions {
  readonly most?: number;
  /** Gives a descriptor. */
  readonly mount?: (image: LayerImage) => number;
}

const mountImage = (image: LayerImage): number => mountDetached(imageMount(image));

/**
 * Mounts of layers that the steps of a sandbox share: what one step has had the kernel read of a layer, inodes and contents, the
 * next finds in memory. They are attached nowhere (`mountDetached`), so that nothing is to be undone, however this process ends.
 * Files that were made again are mounted again; of those that were removed, the space is free when their mount is closed.
 */
export class KeptImages implements Disposable {
  readonly #most: number;
  readonly #mount: (image: LayerImage) => number;
  /** By the paths of their files; those used last are last. */
  readonly #mounts = new Map<string, KeptMount>();

  constructor({ most = MOST_KEPT, mount = mountImage }: KeptImagesOptions = {}) {
    this.#most = most;
    this.#mount = mount;
  }

  /** To be disposed of when an overlay has taken hold of what was lent. */
  lend(): ImageLoan {
    return new ImageLoan((image) => this.#take(image));
  }

  #take(image: LayerImage): KeptMount {
    const name = `${image.metadata}\0${image.tar}`;
    // First: a file that takes the place of another before it is mounted is mounted once more, and never taken for that one.
    const files = `${stateOf(image.metadata)} ${stateOf(image.tar)}`;
    const known = this.#mounts.get(name);
    this.#mounts.delete(name);
    if (known?.files !== files) known?.release();
    const mount = known?.files === files ? known : new KeptMount(this.#mount(image), files);
    this.#mounts.set(name, mount);
    mount.hold();
    this.#releaseBeyond(this.#most);
    return mount;
  }

  #releaseBeyond(most: number): void {
    for (const [name, mount] of this.#mounts) {
      if (this.#mounts.size <= most) return;
      this.#mounts.delete(name);
      mount.release();
    }
  }

  [Symbol.dispose](): void {
    this.#releaseBeyond(0);
  }
}

/** One that nobody holds any more is closed. */
class KeptMount {
  readonly descriptor: number;
  /** Which files it was made of, and as they were when. */
  readonly files: string;
  #holders = 1;

  constructor(descriptor: number, files: string) {
    this.descriptor = descriptor;
    this.files = files;
  }

  hold(): void {
    this.#holders += 1;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) closeDescriptor(this.descriptor);
  }
}

/** Mounts that stay until it is disposed of, whatever becomes of the place that they are kept in. */
export class ImageLoan implements Disposable {
  readonly #take: (image: LayerImage) => KeptMount;
  readonly #taken: KeptMount[] = [];

  constructor(take: (image: LayerImage) => KeptMount) {
    this.#take = take;
  }

  /** With mounts in place of images, by paths for others. Where one cannot be mounted all stay: who mounts them hears why not. */
  inPlaceOf({ rootfs, mounts }: Pick<RunSpec, 'rootfs' | 'mounts'>): Pick<RunSpec, 'rootfs' | 'mounts'> {
    return {
      rootfs: this.#mountedIfPossible(rootfs),
      mounts: mounts.map((each) =>
        each.type === 'bind' ? { ...each, source: this.#mountedIfPossible(each.source) } : each,
      ),
    };
  }

  /** @throws a system error */
  mounted(rootfs: Rootfs): Rootfs {
    if (rootfs.kind === 'directory') return rootfs;
    return {
      ...rootfs,
      lowers: rootfs.lowers.map((lower) => (typeof lower === 'string' ? lower : this.#pathOf(lower))),
    };
  }

  #mountedIfPossible(rootfs: Rootfs): Rootfs {
    try {
      return this.mounted(rootfs);
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      return rootfs;
    }
  }

  #pathOf(image: LayerImage): string {
    const mount = this.#take(image);
    this.#taken.push(mount);
    return pathForOthers(mount.descriptor);
  }

  [Symbol.dispose](): void {
    for (const mount of this.#taken.splice(0)) mount.release();
  }
}

/** Changes with whatever is done to the file, and tells it from any other. */
function stateOf(path: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}
