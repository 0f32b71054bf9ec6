// A decoder of raw DEFLATE data (RFC 1951) that can stop wherever its input ends or its output is full.
import {
  endStream,
  readCodeLengths,
  readCodeSizes,
  readPrecodeLengths,
  readStoredLength,
  startBlock,
  endBlock,
} from './block-header';
import { decodeCarefully } from './decode-carefully';
import { decodeQuickly, QUICK_INPUT } from './decode-quickly';
import { prepareTemplates } from './entry';
import { HISTORY, INPUT, INPUT_END, MEMORY_END, OUTPUT, OUTPUT_LIMIT } from './layout';
import { FULL, GOES_ON, NEEDS_INPUT, Status } from './status';
import {
  BLOCK_START,
  CODE_LENGTHS,
  CODE_SIZES,
  PRECODE_LENGTHS,
  resetStream,
  STORED,
  STORED_LENGTH,
  Stream,
  STREAM_END,
} from './stream';

if ((memory.size() as usize) << 16 < MEMORY_END) unreachable();
prepareTemplates();

/** Where input is to be put, and how much at most. */
export function inputStart(): usize {
  return INPUT;
}

export function inputSize(): usize {
  return INPUT_END - INPUT;
}

/** Begins with a new stream. */
export function reset(): void {
  resetStream();
}

/** How much of the input has been taken. */
export function inputTaken(): usize {
  return Stream.at - INPUT;
}

/** The end of the output. It begins where the one before ended; after it was full, where `outputStart` says. */
export function outputEnd(): usize {
  return Stream.out;
}

export function outputStart(): usize {
  return OUTPUT;
}

/**
 * Goes on with the stream. What was made before and was full is taken by then.
 * @param from where the input begins, counted from its start: 0, or what `inputTaken` said when the output was full
 * @param to where it ends
 */
export function inflate(from: usize, to: usize): Status {
  Stream.at = INPUT + from;
  Stream.end = INPUT + to;
  if (Stream.out >= OUTPUT_LIMIT) slide();
  let status = GOES_ON;
  while (status == GOES_ON) status = goOn();
  // What comes next would slide it away from where the caller looks for more.
  return status == NEEDS_INPUT && Stream.out >= OUTPUT_LIMIT ? FULL : status;
}

/** Keeps what distances can still reach. */
function slide(): void {
  const kept = min(HISTORY, Stream.out - Stream.oldest);
  memory.copy(OUTPUT - kept, Stream.out - kept, kept);
  Stream.out = OUTPUT;
  Stream.oldest = OUTPUT - kept;
}

function goOn(): Status {
  switch (Stream.mode) {
    case BLOCK_START:
      return startBlock();
    case STORED_LENGTH:
      return readStoredLength();
    case STORED:
      return copyStored();
    case CODE_SIZES:
      return readCodeSizes();
    case PRECODE_LENGTHS:
      return readPrecodeLengths();
    case CODE_LENGTHS:
      return readCodeLengths();
    case STREAM_END:
      return endStream();
    default:
      return decode();
  }
}

function decode(): Status {
  if (Stream.out >= OUTPUT_LIMIT) return FULL;
  if (Stream.at + QUICK_INPUT <= Stream.end) return decodeQuickly();
  return decodeCarefully();
}

function copyStored(): Status {
  if (Stream.stored == 0) return endBlock();
  if (Stream.out >= OUTPUT_LIMIT) return FULL;
  const size = min(min(Stream.stored as usize, Stream.end - Stream.at), OUTPUT_LIMIT - Stream.out);
  if (size == 0) return NEEDS_INPUT;
  memory.copy(Stream.out, Stream.at, size);
  Stream.out += size;
  Stream.at += size;
  Stream.stored -= size as u32;
  return GOES_ON;
}
