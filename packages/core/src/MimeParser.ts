/**
 * Messages that are read: a service, since reading what the world sends is a well-kept library's work. `NodeMimeParser` is
 * Node's. What `Message.fromMime` makes of it is a message that can be changed and sent again.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { MessageError } from "./MessageError.ts"

export type Address =
  | { readonly name: string; readonly address: string }
  | { readonly name: string; readonly addresses: ReadonlyArray<{ readonly name: string; readonly address: string }> }

export interface Attachment {
  readonly name: string | undefined
  readonly type: string
  readonly disposition: "attachment" | "inline" | undefined
  /** Without angle brackets. */
  readonly cid: string | undefined
  readonly description: string | undefined
  /** Of a calendar part. */
  readonly method: string | undefined
  readonly content: Uint8Array
}

/** A message as a parser sees it: decoded, and what is not there undefined or empty. */
export interface Parsed {
  readonly from: ReadonlyArray<Address>
  readonly sender: ReadonlyArray<Address>
  readonly replyTo: ReadonlyArray<Address>
  readonly to: ReadonlyArray<Address>
  readonly cc: ReadonlyArray<Address>
  readonly bcc: ReadonlyArray<Address>
  readonly subject: string | undefined
  readonly messageId: string | undefined
  readonly inReplyTo: string | undefined
  readonly references: string | undefined
  /** ISO 8601. */
  readonly date: string | undefined
  readonly text: string | undefined
  readonly html: string | undefined
  readonly attachments: ReadonlyArray<Attachment>
  /** Every field, in order, unfolded and decoded. */
  readonly headers: ReadonlyArray<{ readonly name: string; readonly value: string }>
}

export class MimeParser extends Context.Service<MimeParser, {
  readonly parse: (content: Uint8Array) => Effect.Effect<Parsed, MessageError>
}>()("@colloquy/core/MimeParser") {}
