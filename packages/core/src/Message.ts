import type { SecureRandom } from "effect/crypto/SecureRandom"
import type * as Effect from "effect/Effect"
import type { FileSystem } from "effect/FileSystem"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { Envelope } from "./Envelope.ts"
import type { MessageError } from "./MessageError.ts"
const Addresses = Schema.Union([Schema.String, Schema.Array(Schema.String)])
export const Attachment = Schema.Struct({
  name: Schema.optionalKey(Schema.String),
  type: Schema.optionalKey(Schema.String),
  cid: Schema.optionalKey(Schema.String),
  content: Schema.Union([Schema.String, Schema.Uint8Array])
})
/** What can be stored and queued: no files, no streams. */
export const Message = Schema.Struct({
  from: Schema.String,
  to: Schema.optionalKey(Addresses),
  cc: Schema.optionalKey(Addresses),
  bcc: Schema.optionalKey(Addresses),
  subject: Schema.optionalKey(Schema.String),
  text: Schema.optionalKey(Schema.String),
  html: Schema.optionalKey(Schema.String),
  attachments: Schema.optionalKey(Schema.Array(Attachment))
})
export type Message = typeof Message.Type
export interface AttachmentOptions {
  readonly name?: string | undefined
  readonly type?: string | undefined
  readonly cid?: string | undefined
  readonly size?: number | undefined
}
/** A file or a stream, made by the functions below: no JSON can produce one, so a decoded value never reads the disk. */
export interface AttachmentSource extends AttachmentOptions {
  readonly "~@colloquy/core/Message/AttachmentSource": unknown
}
export declare const file: (path: string, options?: AttachmentOptions) => AttachmentSource
export declare const stream: <E>(content: Stream.Stream<Uint8Array, E>, options?: AttachmentOptions) => AttachmentSource
/** What `send` takes: a Message whose attachments may also be files and streams. */
export interface Draft extends Omit<Message, "attachments"> {
  readonly attachments?: ReadonlyArray<typeof Attachment.Type | AttachmentSource>
}
/** The raw form: an envelope and its content, ready to travel. `size` in octets, where known. */
export interface Composed {
  readonly envelope: Envelope
  readonly size: number | undefined
  readonly content: Stream.Stream<Uint8Array, MessageError>
  readonly messageId?: string | undefined
  /** What the content needs of the server; undefined where nobody has looked (raw content from a stream). */
  readonly body?: "7BIT" | "8BITMIME" | "BINARYMIME" | undefined
  /** The content as it is in memory, where it is: spares the stream. */
  readonly chunks?: ReadonlyArray<Uint8Array> | undefined
  /** True where our own composer made the content: CRLF only, no line over 998 octets. Nothing is checked again. */
  readonly clean?: boolean | undefined
}
/** What a server offers that matters to composing. */
export interface Offers {
  readonly eightBitMime: boolean
  readonly smtpUtf8: boolean
  readonly binaryMime: boolean
}
/** A message whose Message-ID, Date and boundaries are fixed, and that can be rendered for one server or another. */
export interface Prepared {
  readonly messageId: string
  readonly render: (offers: Offers) => Effect.Effect<Composed, MessageError>
}
export declare const prepare: (draft: Draft) => Effect.Effect<Prepared, MessageError, FileSystem | SecureRandom>
export declare const compose: (draft: Draft) => Effect.Effect<Composed, MessageError, FileSystem | SecureRandom>
