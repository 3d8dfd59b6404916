/**
 * What people mean by a mail, as data: the schema of a message, and the values that only code can make.
 *
 * The invariant: everything in `Message` can be stored as JSON and read back as it was, and none of it names a file or
 * runs anything. Files, streams and signers are instances of classes with a private member, which no JSON can produce and
 * no copy keeps.
 */
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import type * as Stream from "effect/Stream"
import { Envelope } from "../../Envelope.ts"

const text = Schema.String
const optional = Schema.optionalKey

/** Octets. Their JSON form is `{ "base64": "…" }`, so that a string stays a string. */
const Bytes = Schema.instanceOf(Uint8Array<ArrayBufferLike>, {
  expected: "Uint8Array",
  toCodecJson: () =>
    Schema.link<Uint8Array>()(
      Schema.Struct({ base64: Schema.Uint8ArrayFromBase64 }),
      SchemaTransformation.transform({
        decode: ({ base64 }) => base64,
        encode: (base64: Uint8Array) => ({ base64 })
      })
    )
})

/** One mailbox: `{ address }` as in Nodemailer, `{ email }` as in JMAP and 4D, or a `Mailbox`. */
export const NamedAddress = Schema.Union([
  Schema.Struct({ name: optional(text), address: text }),
  Schema.Struct({ name: optional(text), email: text }),
  Schema.Struct({ displayName: optional(text), localPart: text, domain: text })
])
export type NamedAddress = typeof NamedAddress.Type

/** A group (RFC 5322 §3.4), named as in JMAP (RFC 8621 §4.1.2.4). */
export const AddressGroup = Schema.Struct({
  name: text,
  addresses: Schema.Array(Schema.Union([text, NamedAddress]))
})
export type AddressGroup = typeof AddressGroup.Type

const address = Schema.Union([text, NamedAddress, AddressGroup])
/** A string (which may hold several mailboxes and groups), a mailbox, a group, or many of these. */
export const Addresses = Schema.Union([address, Schema.Array(address)])
export type Addresses = typeof Addresses.Type

const HeaderField = Schema.Struct({ name: text, value: text })
/** Fields of one's own: `{ name: value }`, `{ name: [values] }`, or 4D's list of names and values. */
export const Headers = Schema.Union([
  Schema.Array(HeaderField),
  Schema.Record(text, Schema.Union([text, Schema.Array(text)]))
])
export type Headers = typeof Headers.Type

export const TransferEncoding = Schema.Literals(["7bit", "8bit", "binary", "quoted-printable", "base64"])

const partFields = {
  /** File name. */
  name: optional(text),
  /** Media type; by default from the name, else `application/octet-stream` (`text/plain` for a string). */
  type: optional(text),
  /** Content-ID, with or without angle brackets: the part can be shown inside the HTML by `cid:`. */
  cid: optional(text),
  /** Default: `inline` with a `cid`, else `attachment`. */
  disposition: optional(Schema.Literals(["attachment", "inline"])),
  description: optional(text),
  /** Content-Language (RFC 3282). */
  language: optional(Schema.Union([text, Schema.Array(text)])),
  /** Content-Location (RFC 2557). */
  location: optional(text),
  /** Used where it is right for the content and for the server; by default the lightest. */
  encoding: optional(TransferEncoding),
  headers: optional(Headers)
}

/** From octets or a string (UTF-8), from a `data:` URL, or a ready part: header section, blank line and body. */
export const Attachment = Schema.Union([
  Schema.Struct({ ...partFields, content: Schema.Union([text, Bytes]) }),
  Schema.Struct({ ...partFields, dataUrl: text }),
  Schema.Struct({ part: Schema.Union([text, Bytes]) })
])
export type Attachment = typeof Attachment.Type

/** A node of a free body tree, named as in JMAP and 4D: `subParts`, or a `partId` of `bodyValues`, or an attachment. */
export interface BodyPart {
  readonly partId?: string
  /** 4D's spelling of `partId`. */
  readonly partID?: string
  readonly type: string
  readonly charset?: string
  readonly name?: string
  readonly cid?: string
  readonly disposition?: "attachment" | "inline"
  readonly description?: string
  readonly language?: string | ReadonlyArray<string>
  readonly location?: string
  readonly encoding?: typeof TransferEncoding.Type
  readonly headers?: Headers
  readonly subParts?: ReadonlyArray<BodyPart | Attachment>
}
export const BodyPart: Schema.Codec<BodyPart> = Schema.Struct({
  ...partFields,
  partId: optional(text),
  partID: optional(text),
  type: text,
  charset: optional(text),
  subParts: optional(
    Schema.Array(
      Schema.Union([Attachment, Schema.suspend((): Schema.Codec<BodyPart | Attachment> => BodyPartOrAttachment)])
    )
  )
})
const BodyPartOrAttachment: Schema.Codec<BodyPart | Attachment> = Schema.Union([Attachment, BodyPart])

/** A list field's address: a URL, or a URL with a comment. */
const ListUrls = Schema.Union([
  text,
  Schema.Struct({ url: text, comment: optional(text) }),
  Schema.Array(Schema.Union([text, Schema.Struct({ url: text, comment: optional(text) })]))
])
export type ListUrls = typeof ListUrls.Type
/** Mailing list fields (RFC 2369, RFC 2919). `oneClick`: RFC 8058, needs an `https:` URL in `unsubscribe`. */
export const List = Schema.Struct({
  id: optional(Schema.Union([text, Schema.Struct({ name: optional(text), id: text })])),
  help: optional(ListUrls),
  unsubscribe: optional(ListUrls),
  subscribe: optional(ListUrls),
  /** `"NO"`: nobody may post. */
  post: optional(ListUrls),
  owner: optional(ListUrls),
  archive: optional(ListUrls),
  oneClick: optional(Schema.Boolean)
})
export type List = typeof List.Type

/** An invitation, or an answer to one (RFC 5546, RFC 6047). */
export const Calendar = Schema.Struct({
  /** An iCalendar object (RFC 5545). */
  content: text,
  /** Must be the object's METHOD; taken from it by default. */
  method: optional(text),
  /** Name of the copy that is attached besides, for programs that show no invitations; `invite.ics` by default. */
  name: optional(text),
  /** False: no such copy. */
  attach: optional(Schema.Boolean)
})
export type Calendar = typeof Calendar.Type

/** 4D's values. Each takes US-ASCII where it suffices and UTF-8 where the charset does not fit. */
export const CharsetPolicy = Schema.Literals([
  "US-ASCII_UTF8_QP",
  "US-ASCII_UTF8_B64",
  "ISO-8859-1",
  "US-ASCII_ISO-2022-JP_UTF8_QP"
])

/** What can be stored and queued: no files, no streams. */
export const Message = Schema.Struct({
  from: Addresses,
  /** Who sent it in the name of `from`; by default the first of several in `from`. */
  sender: optional(Addresses),
  to: optional(Addresses),
  cc: optional(Addresses),
  /** In the envelope only: never in the header section. */
  bcc: optional(Addresses),
  replyTo: optional(Addresses),
  subject: optional(text),
  text: optional(text),
  html: optional(text),
  /** AMP for Email, an alternative between text and HTML. */
  amp: optional(text),
  calendar: optional(Calendar),
  attachments: optional(Schema.Array(Attachment)),
  /** A body tree of one's own, instead of text, html, amp, calendar and attachments. */
  bodyStructure: optional(BodyPart),
  /** The texts of the tree, by `partId`. */
  bodyValues: optional(Schema.Record(text, Schema.Union([text, Schema.Struct({ value: text })]))),
  headers: optional(Headers),
  /** With or without angle brackets; by default random, at the sender's domain. */
  messageId: optional(text),
  inReplyTo: optional(Schema.Union([text, Schema.Array(text)])),
  references: optional(Schema.Union([text, Schema.Array(text)])),
  /** ISO 8601, with `Z` or an offset; by default now, in UTC. */
  date: optional(text),
  priority: optional(Schema.Literals(["high", "normal", "low"])),
  /** A list, or JMAP's `{ keyword: true }`; those with `$` are flags of a mailbox, and not sent. */
  keywords: optional(Schema.Union([Schema.Array(text), Schema.Record(text, Schema.Boolean)])),
  comments: optional(text),
  list: optional(List),
  /** RFC 3834 §5. */
  autoSubmitted: optional(Schema.Literals(["no", "auto-generated", "auto-replied"])),
  /** Instead of the one that the address fields make: VERP, a null reverse-path. */
  envelope: optional(Envelope),
  headerCharset: optional(CharsetPolicy),
  bodyCharset: optional(CharsetPolicy),
  /** `flowed`: the text's paragraphs are lines of at most 76 characters that readers join again (RFC 3676). */
  textFormat: optional(Schema.Literals(["fixed", "flowed"])),
  /** `both`: file names in RFC 2231's form and, for old clients, as encoded words in `name`. Default: `rfc2231`. */
  fileNames: optional(Schema.Literals(["rfc2231", "both"]))
})
export type Message = typeof Message.Type

export interface AttachmentOptions {
  readonly name?: string | undefined
  readonly type?: string | undefined
  readonly cid?: string | undefined
  /** Octets, where known: declared ahead, and a source that gives more or fewer fails. */
  readonly size?: number | undefined
  readonly disposition?: "attachment" | "inline" | undefined
  readonly description?: string | undefined
  readonly encoding?: "base64" | "binary" | undefined
}

/** What the private member holds. */
type Origin =
  | { readonly _tag: "File"; readonly path: string }
  | { readonly _tag: "Stream"; readonly stream: Stream.Stream<Uint8Array, unknown>; readonly repeatable: boolean }

/** A file or a stream. Only code can make one: `#origin` is in no JSON, and in no copy. */
export class AttachmentSource implements AttachmentOptions {
  readonly "~@colloquy/core/Message/AttachmentSource": unknown = true
  readonly name?: string | undefined
  readonly type?: string | undefined
  readonly cid?: string | undefined
  readonly size?: number | undefined
  readonly disposition?: "attachment" | "inline" | undefined
  readonly description?: string | undefined
  readonly encoding?: "base64" | "binary" | undefined
  readonly #origin: Origin
  constructor(origin: Origin, options: AttachmentOptions | undefined) {
    this.#origin = origin
    this.name = options?.name
    this.type = options?.type
    this.cid = options?.cid
    this.size = options?.size
    this.disposition = options?.disposition
    this.description = options?.description
    this.encoding = options?.encoding
  }
  static origin(u: unknown): Origin | undefined {
    return typeof u === "object" && u !== null && #origin in u ? u.#origin : undefined
  }
}

/** An HTML file whose local images are embedded: see `Message.htmlFile`. */
export class HtmlSource {
  readonly "~@colloquy/core/Message/HtmlSource": unknown = true
  readonly #path: string
  readonly #folders: ReadonlyArray<string>
  constructor(path: string, folders: ReadonlyArray<string>) {
    this.#path = path
    this.#folders = folders
  }
  static origin(u: unknown): { readonly path: string; readonly folders: ReadonlyArray<string> } | undefined {
    return typeof u === "object" && u !== null && #path in u ? { path: u.#path, folders: u.#folders } : undefined
  }
}
