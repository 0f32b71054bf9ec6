/** A request as the registry got it. */
export interface SeenRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Lowercase names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  /** How often this method and path were asked for, this time included. */
  readonly time: number;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Sends this many bytes of the body and resets the connection. */
  readonly cutAfter?: number;
  /** Sends this many bytes of the body and then nothing more, ever. */
  readonly stallAfter?: number;
  /** Sends the body in pieces of this many bytes, and sleeps for 10 ms after each. */
  readonly trickle?: number;
  /** No Content-Length: the end of the connection is the end of the body. */
  readonly closeDelimited?: boolean;
}

/**
 * What a registry does with a request: a reply; `hang`, to answer never; `reset`, to break the connection; bytes to send as they
 * are; or to break the connection once that many bytes of the request's body have been taken in.
 */
export type Answer = Reply | 'hang' | 'reset' | { readonly raw: string } | { readonly breakAfterTaking: number };

/** Decides on a request; `undefined`: as a registry that follows the distribution-spec would. */
export type Script = (request: SeenRequest) => Answer | undefined;

/** distribution-spec, "Error Codes". */
export function errorReply(status: number, code: string): Reply {
  const body = JSON.stringify({ errors: [{ code, message: code.toLowerCase().replaceAll('_', ' ') }] });
  return { status, headers: { 'content-type': 'application/json' }, body };
}
