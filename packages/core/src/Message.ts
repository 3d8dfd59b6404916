/**
 * A mail: from what people mean to an envelope and the octets of a correct message (RFC 5322, RFC 2045 to 2049).
 *
 * `Message` is plain data that can be stored and queued. A `Draft` is a message that may hold files and streams too, made
 * by `file` and `stream`: values that no JSON can produce, so data from outside never reads the disk. `prepare` checks
 * everything and fixes Message-ID, Date and boundaries once; `render` gives the octets for one server or another, the same
 * in every attempt. `Composed` is the result, and the form in which ready content is handed in (`raw`).
 *
 * The invariants of what is composed: CRLF only, no line over 998 octets, nothing but ASCII in the header section unless an
 * address needs SMTPUTF8, no Bcc, each value checked or encoded before it comes into a field. Memory is bounded: files and
 * streams are read while the message travels, and never again what is in memory is copied as a whole.
 *
 * It reads no mail (`MimeParser` does) and knows no server; it fetches nothing from the network.
 */
import * as Clock from "effect/Clock"
import { SecureRandom } from "effect/crypto/SecureRandom"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Stream from "effect/Stream"
import * as Dkim from "./Dkim.ts"
import type { Envelope } from "./Envelope.ts"
import * as DkimSign from "./internal/dkim/sign.ts"
import * as Known from "./internal/knownContent.ts"
import * as Base64 from "./internal/mime/base64.ts"
import * as Body from "./internal/mime/body.ts"
import { concat, hasEightBit } from "./internal/mime/bytes.ts"
import * as Entity from "./internal/mime/entity.ts"
import * as FromMime from "./internal/mime/fromMime.ts"
import * as HeaderSection from "./internal/mime/headerSection.ts"
import * as HtmlFile from "./internal/mime/htmlFile.ts"
import * as LineEnds from "./internal/mime/lineEnds.ts"
import type { Attachment, AttachmentOptions, BodyPart } from "./internal/mime/model.ts"
import { AttachmentSource, HtmlSource, Message } from "./internal/mime/model.ts"
import type { Resolved } from "./internal/mime/part.ts"
import * as Piece from "./internal/mime/piece.ts"
import * as RawMessage from "./internal/mime/rawMessage.ts"
import * as SignedEntity from "./internal/mime/signedEntity.ts"
import * as Sources from "./internal/mime/sources.ts"
import { describe } from "./internal/mime/text.ts"
import type { Hash } from "./internal/sha256.ts"
import { MediaTypes } from "./MediaTypes.ts"
import { MessageError } from "./MessageError.ts"
import { MimeParser } from "./MimeParser.ts"
import type * as SmimeSigner from "./SmimeSigner.ts"

export {
  AddressGroup,
  Attachment,
  BodyPart,
  Calendar,
  CharsetPolicy,
  List,
  Message,
  NamedAddress
} from "./internal/mime/model.ts"
export type { Addresses, AttachmentOptions, AttachmentSource, Headers, HtmlSource } from "./internal/mime/model.ts"

/**
 * A file, read while the message is sent. Its name is the path's last part unless `name` says otherwise.
 *
 * What is looked up when the message is prepared: that it is there, a regular file and readable, and its size.
 */
export const file = (path: string, options?: AttachmentOptions): AttachmentSource =>
  new AttachmentSource({ _tag: "File", path }, options)

/**
 * A stream of octets, run once in each attempt to send. With `size` the message's size is known ahead, and a stream that
 * gives more or fewer octets fails. `repeatable: true` says that it gives the same octets each time it runs: a signature
 * over it then needs no temporary file.
 */
export const stream = <E>(
  content: Stream.Stream<Uint8Array, E>,
  options?: AttachmentOptions & { readonly repeatable?: boolean | undefined }
): AttachmentSource =>
  new AttachmentSource({ _tag: "Stream", stream: content, repeatable: options?.repeatable === true }, options)

/**
 * An HTML file as the message's HTML. With `images`, pictures that it names by local paths become parts of the message:
 * those within these folders, links resolved. A picture outside of them, or missing, fails before anything is sent.
 */
export const htmlFile = (
  path: string,
  options?: { readonly images?: ReadonlyArray<string> | undefined }
): HtmlSource => new HtmlSource(path, options?.images ?? [])

/** A part of a body tree whose leaves may also be files and streams. */
export interface DraftBodyPart extends Omit<BodyPart, "subParts"> {
  readonly subParts?: ReadonlyArray<DraftBodyPart | Attachment | AttachmentSource>
}

/** What `send` takes: a Message whose attachments may also be files and streams. */
export interface Draft extends Omit<Message, "attachments" | "bodyStructure" | "date" | "html"> {
  readonly html?: string | HtmlSource
  readonly attachments?: ReadonlyArray<Attachment | AttachmentSource>
  readonly bodyStructure?: DraftBodyPart
  /** ISO 8601 text, or an instant. */
  readonly date?: string | Date | DateTime.DateTime
  /** DKIM signatures, made by `Dkim.make`. */
  readonly dkim?: Dkim.Signer | ReadonlyArray<Dkim.Signer>
  /** An S/MIME signature, made by `SmimeSigner.make`. */
  readonly smime?: SmimeSigner.Signer
}

/** What signs every message, unless a draft brings its own. */
export interface PrepareOptions {
  readonly dkim?: Dkim.Signer | ReadonlyArray<Dkim.Signer> | undefined
  readonly smime?: SmimeSigner.Signer | undefined
}

/** The raw form: an envelope and its content, ready to travel. `size` in octets, where known. */
export interface Composed {
  readonly envelope: Envelope
  readonly size: number | undefined
  readonly content: Stream.Stream<Uint8Array, MessageError>
  readonly messageId?: string | undefined
  /** What the content needs of the server; undefined where nobody has looked (raw content from a stream). */
  readonly body?: "7BIT" | "8BITMIME" | "BINARYMIME" | undefined
  /** True where the header section is not ASCII, or an address isn't: the server must offer SMTPUTF8 (RFC 6531). */
  readonly smtpUtf8?: boolean | undefined
  /** True where a stream's header section has a DKIM-Signature: a repair of its line ends, which may break it, is noted in the log. */
  readonly signed?: boolean | undefined
  /** What whoever sends should know of, for the log. */
  readonly warnings?: ReadonlyArray<string> | undefined
}

/** Whether it is ready to travel: no JSON can be, since its content is a `Stream`. */
export const isComposed = (u: unknown): u is Composed =>
  typeof u === "object" && u !== null && "content" in u && "envelope" in u && Stream.isStream(u.content)

/** What a server offers that matters to composing. */
export interface Offers {
  readonly eightBitMime: boolean
  readonly smtpUtf8: boolean
  /** BINARYMIME and CHUNKING. */
  readonly binaryMime: boolean
}

const offersNothing: Offers = { eightBitMime: false, smtpUtf8: false, binaryMime: false }

/** A message whose Message-ID, Date and boundaries are fixed, and that can be rendered for one server or another. */
export interface Prepared {
  readonly messageId: string
  readonly render: (offers: Offers) => Effect.Effect<Composed, MessageError>
}

/** Fields of other libraries' messages that would otherwise be lost without a word. */
const foreign: Readonly<Record<string, string>> = {
  textBody: "is called `text` here",
  htmlBody: "is called `html` here",
  sendAt: "is called `date` here",
  icalEvent: "is called `calendar` here",
  alternatives: "is said by `bodyStructure` here",
  raw: "is made by Message.raw here",
  path: "reads a file: only Message.file(path) can name one, a value that no JSON can hold"
}

/** What a message may have; anything else would be lost without a word. */
const known = new Set([...Object.keys(Message.fields), "dkim", "smime"])

const nearest = (name: string): string => {
  const lower = name.toLowerCase()
  const guess = Array.from(known).find((field) => {
    const other = field.toLowerCase()
    return other.startsWith(lower) || lower.startsWith(other)
  })
  return guess === undefined ? `; there are ${Array.from(known).join(", ")}` : `; is \`${guess}\` meant?`
}

const check = (draft: unknown): MessageError | undefined => {
  if (typeof draft !== "object" || draft === null || Array.isArray(draft)) {
    return new MessageError({ field: "message", problem: `is ${describe(draft)}, not a message` })
  }
  for (const name in foreign) {
    const problem = foreign[name]
    if (problem !== undefined && Object.hasOwn(draft, name)) return new MessageError({ field: name, problem })
  }
  for (const [name, value] of Object.entries(draft)) {
    if (value === undefined || known.has(name)) continue
    return new MessageError({ field: name.slice(0, 40), problem: `is no field of a message${nearest(name)}` })
  }
  return undefined
}

const urlSafe = (bytes: Uint8Array): string => Base64.encodeText(bytes).replaceAll("+", "-").replaceAll("/", "_")

const none: ReadonlyMap<unknown, Resolved> = new Map()

/**
 * Checks the whole message and fixes what must be the same in every attempt: Message-ID, Date, boundaries. Files are looked
 * up, not read. Nothing of a message that fails here was sent.
 */
export const prepare = Effect.fnUntraced(function*(
  draft: Draft,
  options?: PrepareOptions
): Effect.fn.Return<Prepared, MessageError, FileSystem.FileSystem | Path.Path | SecureRandom> {
  const wrong = check(draft)
  if (wrong !== undefined) return yield* Effect.fail(wrong)
  const random = yield* SecureRandom
  const seed = urlSafe(yield* random.randomBytes(30))
  const now = yield* Clock.currentTimeMillis
  const mediaTypes = yield* MediaTypes
  const boundaries = seed.slice(20)
  const page = HtmlSource.origin(draft.html)
  const content = page === undefined
    ? draft
    : withPage(draft, yield* HtmlFile.read(page, boundaries, yield* FileSystem.FileSystem, yield* Path.Path))
  const sources = Sources.collect(content.attachments, content.bodyStructure)
  const fs = sources.length === 0 ? undefined : yield* FileSystem.FileSystem
  const resolved = fs === undefined ? none : yield* Sources.resolve(sources, fs, yield* Path.Path, mediaTypes)
  const header = HeaderSection.make(draft, seed.slice(0, 20), now)
  if (header instanceof MessageError) return yield* Effect.fail(header)
  const body = Body.make(content, {
    mediaTypes,
    seed: boundaries,
    resolved,
    headerCharset: draft.headerCharset,
    bodyCharset: draft.bodyCharset,
    fileNames: draft.fileNames
  })
  if (body instanceof MessageError) return yield* Effect.fail(body)
  const signers = [draft.dkim ?? options?.dkim ?? []].flat()
  const smime = draft.smime ?? options?.smime
  if (signers.length === 0 && smime === undefined) {
    return {
      messageId: header.messageId,
      render: (offers) => {
        const composed = render(header, body, offers)
        return composed instanceof MessageError ? Effect.fail(composed) : Effect.succeed(composed)
      }
    }
  }
  const unfit = checkSigners(signers, smime)
  if (unfit !== undefined) return yield* Effect.fail(unfit)
  const hasher = yield* Dkim.Hasher
  return {
    messageId: header.messageId,
    render: (offers) =>
      renderSigned(header, body, offers, { signers, smime, hasher, now, fs, boundary: `=_${boundaries}_signed` })
  }
})

const withPage = (draft: Draft, { html, pictures }: HtmlFile.Page): Draft => ({
  ...draft,
  html,
  attachments: [...(Array.isArray(draft.attachments) ? draft.attachments : []), ...pictures]
})

const signs = (u: unknown): boolean =>
  typeof u === "object" && u !== null && "sign" in u && typeof u.sign === "function"

const checkSigners = (signers: ReadonlyArray<unknown>, smime: unknown): MessageError | undefined => {
  if (!signers.every(signs)) return new MessageError({ field: "dkim", problem: "is no signer: Dkim.make makes one" })
  return smime === undefined || signs(smime)
    ? undefined
    : new MessageError({ field: "smime", problem: "is no signer: SmimeSigner.make makes one" })
}

const needsUtf8 = ({ utf8 }: HeaderSection.HeaderSection, offers: Offers): MessageError | undefined =>
  utf8 === undefined || offers.smtpUtf8 ? undefined : new MessageError({
    field: utf8.field,
    problem:
      "the local part is not ASCII, and the server does not offer SMTPUTF8: no other form of this address exists",
    input: utf8.address
  })

const render = (
  header: HeaderSection.HeaderSection,
  body: Entity.Entity,
  offers: Offers
): Composed | MessageError => {
  const error = needsUtf8(header, offers)
  if (error !== undefined) return error
  const entity = Entity.render(body, { eightBit: offers.eightBitMime, binary: offers.binaryMime, signed: false })
  return entity instanceof MessageError
    ? entity
    : composed(header, entity.need, Piece.render([headerOf(header, entity), "\r\n", ...entity.body]))
}

const headerOf = (header: HeaderSection.HeaderSection, entity: Entity.Rendered): string =>
  `${header.text}MIME-Version: 1.0\r\n${entity.head}`

const composed = (
  { envelope, messageId, utf8 }: HeaderSection.HeaderSection,
  body: Composed["body"],
  { chunks, content, size }: Piece.Rendered
): Composed => {
  Known.remember(content, { chunks, clean: true })
  return { envelope, messageId, size, content, body, smtpUtf8: utf8 !== undefined }
}

interface Signing {
  readonly signers: ReadonlyArray<Dkim.Signer>
  readonly smime: SmimeSigner.Signer | undefined
  readonly hasher: () => Hash
  readonly now: number
  readonly fs: FileSystem.FileSystem | undefined
  readonly boundary: string
}

/** 7-bit whatever is offered, so that one signature serves whichever server takes the message. */
const renderSigned = Effect.fnUntraced(function*(
  header: HeaderSection.HeaderSection,
  body: Entity.Entity,
  offers: Offers,
  { boundary, fs, hasher, now, signers, smime }: Signing
): Effect.fn.Return<Composed, MessageError> {
  const error = needsUtf8(header, offers)
  if (error !== undefined) return yield* Effect.fail(error)
  const entity = Entity.render(body, { eightBit: false, binary: false, signed: true })
  if (entity instanceof MessageError) return yield* Effect.fail(entity)
  const whole = smime === undefined ? entity : yield* SignedEntity.sign(entity, smime, boundary, now, hasher)
  if (signers.length === 0) {
    return composed(header, whole.need, Piece.render([headerOf(header, whole), "\r\n", ...whole.body]))
  }
  const signed = yield* DkimSign.sign({
    header: headerOf(header, whole),
    body: Piece.render(whole.body),
    signers,
    seconds: Math.floor(now / 1000),
    hasher,
    fs
  })
  return composed(header, whole.need, signed)
})

/** The message as any server takes it: 7-bit. */
export const compose = (
  draft: Draft,
  options?: PrepareOptions
): Effect.Effect<Composed, MessageError, FileSystem.FileSystem | Path.Path | SecureRandom> =>
  Effect.flatMap(prepare(draft, options), (prepared) => prepared.render(offersNothing))

export interface RawOptions {
  /**
   * What to do with Bcc fields of the header section. By default they are removed where the envelope is taken from there,
   * and an error where it was given. `keep` sends them, and warns.
   */
  readonly bcc?: "error" | "remove" | "keep" | undefined
  /** Octets, where known, of a stream. */
  readonly size?: number | undefined
}

/**
 * A message that is ready, with its envelope, or with the one that its header section makes (sender, or from; to, cc, bcc).
 * The header section stays as it is, Bcc apart. Line ends are made right when it is sent.
 *
 * A stream is run once to read the header section, and again in each attempt: it must give the same octets each time.
 */
export const raw = Effect.fnUntraced(function*(
  envelope: Envelope | undefined,
  content: string | Uint8Array | Stream.Stream<Uint8Array, unknown>,
  options?: RawOptions
): Effect.fn.Return<Composed, MessageError> {
  if (typeof content === "string" || content instanceof Uint8Array) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content
    const start = RawMessage.bodyStart(bytes)
    const header = start < 0 ? bytes : bytes.subarray(0, start)
    const taken = takeHeader(envelope, header, options)
    if (taken instanceof MessageError) return yield* Effect.fail(taken)
    const chunks = header.length === bytes.length ? [taken.header] : [taken.header, bytes.subarray(start)]
    let size = 0
    for (const chunk of chunks) size += chunk.length
    const inMemory = Stream.fromArray(chunks)
    Known.remember(inMemory, { chunks, clean: false })
    return {
      ...taken.composed,
      size,
      content: inMemory,
      body: hasEightBit(bytes) ? "8BITMIME" : "7BIT",
      warnings: [...taken.composed.warnings ?? [], ...brokenSignature(taken.signed, bytes)]
    }
  }
  const octets = Stream.mapError(content, (error) =>
    error instanceof MessageError
      ? error
      : new MessageError({
        field: "content",
        problem: `the stream failed: ${error instanceof Error ? error.message : String(error)}`
      }))
  const read = yield* Effect.scoped(headOf(octets))
  const taken = takeHeader(envelope, read, options)
  if (taken instanceof MessageError) return yield* Effect.fail(taken)
  return {
    ...taken.composed,
    ...(taken.signed ? { signed: true } : {}),
    size: options?.size === undefined ? undefined : options.size - read.length + taken.header.length,
    content: taken.header.length === read.length ? octets : replaceHead(octets, read.length, taken.header)
  }
})

const brokenSignature = (signed: boolean, bytes: Uint8Array): ReadonlyArray<string> =>
  signed && LineEnds.repair(bytes).length !== bytes.length
    ? ["The content has a DKIM-Signature, and line ends that are not CRLF: making them right may break the signature."]
    : []

const takeHeader = (
  envelope: Envelope | undefined,
  header: Uint8Array,
  options: RawOptions | undefined
) => {
  const fields = RawMessage.fields(header)
  const found = envelope ?? RawMessage.envelope(fields)
  if (found instanceof MessageError) return found
  const policy = options?.bcc ?? (envelope === undefined ? "remove" : "error")
  const hasBcc = fields.some(({ name }) => name === "bcc")
  if (hasBcc && policy === "error") {
    return new MessageError({
      field: "bcc",
      problem:
        "the header section holds Bcc, and the envelope was given: take it out, or say what to do (bcc: \"remove\" or \"keep\")"
    })
  }
  const messageId = fields.find(({ name }) => name === "message-id")?.value.trim()
  return {
    header: hasBcc && policy === "remove" ? RawMessage.withoutBcc(header) : header,
    signed: fields.some(({ name }) => name === "dkim-signature"),
    composed: {
      envelope: found,
      smtpUtf8: RawMessage.isUtf8(header),
      ...(messageId === undefined || messageId === "" ? {} : { messageId }),
      ...(hasBcc && policy === "keep"
        ? { warnings: ["The header section holds Bcc, and every recipient can read it."] }
        : {})
    }
  }
}

/** The header section of a stream, as far as `headerLimit` goes. */
const headOf = Effect.fnUntraced(function*(octets: Stream.Stream<Uint8Array, MessageError>) {
  const chunks: Array<Uint8Array> = []
  const finder = RawMessage.makeBodyStart()
  let read = 0
  let start = -1
  yield* Stream.runForEachWhile(octets, (chunk) =>
    Effect.sync(() => {
      chunks.push(chunk)
      read += chunk.length
      start = finder.push(chunk)
      return start < 0 && read < RawMessage.headerLimit
    }))
  if (start < 0 && read >= RawMessage.headerLimit) {
    return yield* Effect.fail(
      new MessageError({
        field: "content",
        problem: `the header section has no end within ${RawMessage.headerLimit} octets`
      })
    )
  }
  const all = concat(chunks)
  return start < 0 ? all : all.subarray(0, start)
})

const replaceHead = (
  octets: Stream.Stream<Uint8Array, MessageError>,
  length: number,
  header: Uint8Array
): Stream.Stream<Uint8Array, MessageError> =>
  Stream.concat(
    Stream.make(header),
    Piece.transform(octets, () => {
      let skip = length
      return {
        push: (chunk) => {
          const rest = skip >= chunk.length ? new Uint8Array(0) : chunk.subarray(skip)
          skip = Math.max(skip - chunk.length, 0)
          return rest
        },
        end: () => new Uint8Array(0)
      }
    })
  )

/**
 * A message that was read, as a message to be changed and sent: a template, a captured mail. Trace fields, signatures and
 * the fields of MIME are left out. It gets a Message-ID and Date of its own when it is sent, since a second mail with the
 * first one's identity is dropped by many servers; `identity: "keep"` keeps them.
 */
export const fromMime = Effect.fnUntraced(function*(
  content: Uint8Array | string,
  options?: { readonly identity?: "new" | "keep" | undefined }
): Effect.fn.Return<Message, MessageError, MimeParser> {
  const parser = yield* MimeParser
  const parsed = yield* parser.parse(typeof content === "string" ? new TextEncoder().encode(content) : content)
  return FromMime.toMessage(parsed, options?.identity === "keep")
})
