/**
 * A message's body as a tree of MIME entities (RFC 2045, 2046), and its octets.
 *
 * The tree is fixed once; what depends on the server is only each part's transfer encoding, chosen here: the lightest that
 * is right for the content and for what may travel. A composite entity declares 8bit or binary when a part of it needs
 * that, and is never encoded itself (RFC 2045 §6.4). Each rendered body ends with a CRLF that belongs to the delimiter
 * behind it, so the content of a part is exact, and the last line of a message is complete.
 */
import type * as Stream from "effect/Stream"
import { MessageError } from "../../MessageError.ts"
import * as Base64 from "./base64.ts"
import type { CharsetPolicy } from "./charset.ts"
import type { Piece } from "./piece.ts"
import { base64, base64Slices, memoryLimit } from "./piece.ts"
import * as QuotedPrintable from "./quotedPrintable.ts"
import * as SevenBit from "./sevenBit.ts"

export type TransferEncoding = "7bit" | "8bit" | "binary" | "quoted-printable" | "base64"

export type Content =
  /** Canonical text: line ends are CRLF. */
  | { readonly _tag: "Text"; readonly bytes: Uint8Array; readonly survey: QuotedPrintable.Survey }
  /** Octets that must arrive as they are: base64, since readers change the line ends of what is not encoded. */
  | { readonly _tag: "Octets"; readonly bytes: Uint8Array }
  /** Octets that are read while they travel. `exact`: it fails unless it has `size` octets. */
  | {
    readonly _tag: "Source"
    readonly size: number | undefined
    readonly stream: Stream.Stream<Uint8Array, MessageError>
    /** The same, where each array may hold other octets once the next one was pulled. */
    readonly transient?: Stream.Stream<Uint8Array, MessageError> | undefined
    readonly repeatable: boolean
  }
  /** A whole message (RFC 2046 §5.2.1), its line ends right: may not be encoded. */
  | {
    readonly _tag: "Message"
    readonly size: number | undefined
    readonly eightBit: boolean
    readonly body: Uint8Array | Stream.Stream<Uint8Array, MessageError>
    readonly repeatable: boolean
  }

export interface Leaf {
  readonly _tag: "Leaf"
  /** For errors: `text`, `attachments[2]`. */
  readonly field: string
  /** Rendered fields: Content-Type and all others but Content-Transfer-Encoding. */
  readonly head: string
  readonly content: Content
  /** What the user asked for, where it is right for the content. */
  readonly encoding: TransferEncoding | undefined
  readonly policy: CharsetPolicy | undefined
}
export interface Multipart {
  readonly _tag: "Multipart"
  readonly head: string
  readonly boundary: string
  readonly children: ReadonlyArray<Entity>
}
/** A part that somebody else made: its fields, and its body with one more CRLF at the end; line ends right. */
export interface Ready {
  readonly _tag: "Ready"
  readonly field: string
  readonly head: string
  readonly body: Uint8Array
  readonly eightBit: boolean
}
export type Entity = Leaf | Multipart | Ready

export interface Mode {
  readonly eightBit: boolean
  readonly binary: boolean
  /** Signed content travels as 7bit whatever the server offers, and nothing in it tempts a relay to change it. */
  readonly signed: boolean
}

type Need = "7BIT" | "8BITMIME" | "BINARYMIME"

const longestLine = 998

const chooseText = (leaf: Leaf, survey: QuotedPrintable.Survey, size: number, mode: Mode): TransferEncoding => {
  const lines = !survey.binary && survey.longestLine <= longestLine && !(mode.signed && survey.fragile)
  const sevenBit = lines && survey.eightBit === 0
  const eightBit = lines && mode.eightBit
  const asked = leaf.encoding
  if (asked === "base64" || asked === "quoted-printable") return asked
  if (sevenBit) return "7bit"
  if (eightBit && (leaf.policy === undefined || leaf.policy === "ISO-8859-1" || asked === "8bit")) return "8bit"
  if (leaf.policy === "US-ASCII_UTF8_B64") return "base64"
  if (leaf.policy !== undefined) return "quoted-printable"
  return (size + 2 * survey.quoted) * 3 <= size * 4 + 64 ? "quoted-printable" : "base64"
}

const choose = (leaf: Leaf, mode: Mode): TransferEncoding => {
  const content = leaf.content
  switch (content._tag) {
    case "Text":
      return chooseText(leaf, content.survey, content.bytes.length, mode)
    case "Octets": {
      if (leaf.encoding === "binary" && mode.binary) return "binary"
      if (leaf.encoding !== "7bit" && leaf.encoding !== "8bit") return "base64"
      const survey = QuotedPrintable.survey(content.bytes)
      if (survey.binary || survey.longestLine > longestLine || survey.fragile) return "base64"
      if (survey.eightBit === 0) return "7bit"
      return leaf.encoding === "8bit" && mode.eightBit ? "8bit" : "base64"
    }
    case "Source":
      return leaf.encoding === "binary" && mode.binary ? "binary" : "base64"
    case "Message":
      return content.eightBit ? "8bit" : "7bit"
  }
}

const needOf = (entity: Entity, mode: Mode): Need => {
  if (entity._tag === "Ready") return entity.eightBit ? "8BITMIME" : "7BIT"
  if (entity._tag === "Leaf") {
    const encoding = entity.content._tag === "Message" && !mode.eightBit ? "7bit" : choose(entity, mode)
    return encoding === "binary" ? "BINARYMIME" : encoding === "8bit" ? "8BITMIME" : "7BIT"
  }
  let need: Need = "7BIT"
  for (const child of entity.children) {
    const of = needOf(child, mode)
    if (of === "BINARYMIME") return of
    if (of === "8BITMIME") need = of
  }
  return need
}

const body = (leaf: Leaf, encoding: TransferEncoding): ReadonlyArray<Piece> => {
  const content = leaf.content
  switch (content._tag) {
    case "Text":
    case "Octets": {
      switch (encoding) {
        case "base64":
          return [content.bytes.length > memoryLimit ? base64Slices(content.bytes) : Base64.encode(content.bytes)]
        case "quoted-printable":
          return [QuotedPrintable.encode(content.bytes), "\r\n"]
        default:
          return [content.bytes, "\r\n"]
      }
    }
    case "Source": {
      if (encoding === "binary") {
        return [{ _tag: "Lazy", size: content.size, stream: content.stream, repeatable: content.repeatable }, "\r\n"]
      }
      return [base64(content.size, content.transient ?? content.stream, content.repeatable)]
    }
    case "Message": {
      if (content.body instanceof Uint8Array) return [content.body, "\r\n"]
      return [{ _tag: "Lazy", size: content.size, stream: content.body, repeatable: content.repeatable }, "\r\n"]
    }
  }
}

/** Adds the body's pieces; returns the fields. */
const write = (entity: Entity, mode: Mode, pieces: Array<Piece>): string | MessageError => {
  if (entity._tag === "Ready") {
    if (entity.eightBit && !mode.eightBit) return needsEightBit(entity.field)
    pieces.push(entity.body)
    return entity.head
  }
  if (entity._tag === "Leaf") {
    const encoding = choose(entity, mode)
    if (entity.content._tag === "Message" && encoding === "8bit" && !mode.eightBit) {
      const whole = entity.content.body
      const converted = whole instanceof Uint8Array ? SevenBit.convert(whole) : undefined
      if (converted === undefined) return needsEightBit(entity.field)
      pieces.push(converted, "\r\n")
      return `${entity.head}Content-Transfer-Encoding: 7bit\r\n`
    }
    pieces.push(...body(entity, encoding))
    return `${entity.head}Content-Transfer-Encoding: ${encoding}\r\n`
  }
  for (const child of entity.children) {
    const inside: Array<Piece> = []
    const head = write(child, mode, inside)
    if (head instanceof MessageError) return head
    pieces.push(`--${entity.boundary}\r\n${head}\r\n`, ...inside)
  }
  pieces.push(`--${entity.boundary}--\r\n`)
  const need = needOf(entity, mode)
  const encoding = need === "BINARYMIME" ? "binary" : need === "8BITMIME" ? "8bit" : "7bit"
  return `${entity.head}Content-Transfer-Encoding: ${encoding}\r\n`
}

const needsEightBit = (field: string): MessageError =>
  new MessageError({
    field,
    problem: "holds octets over 127 and has no 7-bit form, but only 7-bit content may travel here: "
      + "the server does not offer 8BITMIME, or the message is signed"
  })

export interface Rendered {
  /** The fields of the entity itself, each with its CRLF. */
  readonly head: string
  /** What stands behind the blank line. */
  readonly body: ReadonlyArray<Piece>
  readonly need: Need
}

/** The entity's fields and body, and what they need of the server. */
export const render = (entity: Entity, mode: Mode): Rendered | MessageError => {
  const pieces: Array<Piece> = []
  const head = write(entity, mode, pieces)
  return head instanceof MessageError ? head : { head, body: pieces, need: needOf(entity, mode) }
}
