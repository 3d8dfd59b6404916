/**
 * What our own composer knows of a content that it made: that it is in memory, and that its line ends are right.
 *
 * Kept beside the content's stream, not in a field of the message: a field could be set by anybody, and would switch the
 * repair of line ends off; and a message whose content was replaced would keep what was known of the old one.
 */
import type * as Stream from "effect/Stream"

export interface Known {
  /** The whole content, where it is in memory. */
  readonly chunks: ReadonlyArray<Uint8Array> | undefined
  /** CRLF only, no line over 998 octets: nothing is checked again. */
  readonly clean: boolean
}

const known = new WeakMap<object, Known>()

export const remember = (content: Stream.Stream<Uint8Array, unknown>, what: Known): void => {
  known.set(content, what)
}

export const of = (content: Stream.Stream<Uint8Array, unknown>): Known | undefined => known.get(content)
