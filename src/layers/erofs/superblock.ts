import { digestHex, type Digest } from '../../oci/digest.js';
import { crc32c } from '../../support/crc32c.js';
import { BLOCK, BLOCK_BITS, COMPATIBLE, DEVICE_SLOT, INCOMPATIBLE, PLACE, SLOT, SUPERBLOCK } from './erofs-format.js';

export interface Superblock {
  /** The image's UUID is made of it. */
  readonly id: Digest;
  readonly diffId: Digest;
  /** Bytes of the layer's tar. */
  readonly tarSize: number;
  /** Bytes of the image. */
  readonly size: number;
  readonly inodes: number;
  /** Where the root's inode is. */
  readonly root: number;
  /** Time of compact inodes, in seconds. */
  readonly epoch: number;
}

/** All that is before the first inode. */
export function encodeSuperblock(superblock: Superblock): Buffer {
  const bytes = Buffer.alloc(PLACE.inodes);
  const { at } = SUPERBLOCK;
  const own = bytes.subarray(PLACE.superblock);
  own.writeUInt32LE(SUPERBLOCK.magic, at.magic);
  own.writeUInt32LE(COMPATIBLE, at.compatible);
  own.writeUInt8(BLOCK_BITS, at.blockBits);
  own.writeUInt16LE(superblock.root / SLOT, at.root);
  own.writeBigUInt64LE(BigInt(superblock.inodes), at.inodes);
  own.writeBigInt64LE(BigInt(superblock.epoch), at.epoch);
  own.writeUInt32LE(superblock.size / BLOCK, at.blocks);
  own.set(Buffer.from(digestHex(superblock.id), 'hex').subarray(0, SUPERBLOCK.uuidLength), at.uuid);
  own.writeUInt32LE(INCOMPATIBLE, at.incompatible);
  own.writeUInt16LE(1, at.extraDevices);
  own.writeUInt16LE(PLACE.devices / DEVICE_SLOT.length, at.deviceSlot);
  encodeDevice(bytes.subarray(PLACE.devices), superblock);
  own.writeUInt32LE(crc32c(own.subarray(0, SUPERBLOCK.length)), at.checksum);
  return bytes;
}

function encodeDevice(slot: Buffer, { diffId, tarSize }: Superblock): void {
  slot.write(digestHex(diffId).slice(0, DEVICE_SLOT.tagLength), DEVICE_SLOT.at.tag, 'latin1');
  slot.writeUInt32LE(Math.ceil(tarSize / BLOCK), DEVICE_SLOT.at.blocks);
}
