/**
 * One part of a message: its fields, and the content that the user gave in one of the many forms.
 *
 * What comes from outside can't name a file: a file or stream is an instance that only code makes, and was looked at before
 * it comes here (`resolved`).
 */
import * as Encoding from "effect/encoding/Base64"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { MediaTypes } from "../../MediaTypes.ts"
import { MessageError } from "../../MessageError.ts"
import { concat } from "./bytes.ts"
import * as Charset from "./charset.ts"
import type { Content, Entity, Leaf, TransferEncoding } from "./entity.ts"
import * as Field from "./field.ts"
import { flow } from "./flowed.ts"
import { fieldList } from "./headerSection.ts"
import * as LineEnds from "./lineEnds.ts"
import * as MediaType from "./mediaType.ts"
import type { Headers } from "./model.ts"
import { AttachmentSource } from "./model.ts"
import * as QuotedPrintable from "./quotedPrintable.ts"
import { bodyStart } from "./rawMessage.ts"
import { canonical, describe, inputOf, line, wellFormed } from "./text.ts"

/** What is known of a file or stream once it was looked at. */
export interface Resolved {
  readonly name: string | undefined
  readonly content: Extract<Content, { readonly _tag: "Source" | "Message" }>
}

export interface Context {
  readonly mediaTypes: MediaTypes
  /** Unguessable text of token characters: boundaries begin with it. */
  readonly seed: string
  readonly resolved: ReadonlyMap<unknown, Resolved>
  readonly headerCharset: Charset.CharsetPolicy | undefined
  readonly bodyCharset: Charset.CharsetPolicy | undefined
  readonly fileNames: "rfc2231" | "both" | undefined
}

/** What both `Attachment` and `BodyPart` say of a part. */
export interface PartOptions {
  readonly name?: string | undefined
  readonly cid?: string | undefined
  readonly disposition?: "attachment" | "inline" | undefined
  readonly description?: string | undefined
  readonly language?: string | ReadonlyArray<string> | undefined
  readonly location?: string | undefined
  readonly headers?: Headers | undefined
}

const crlf = new Uint8Array([13, 10])

/** The fields of a part but for Content-Transfer-Encoding. */
export const head = (
  field: string,
  type: MediaType.MediaType,
  options: PartOptions,
  context: Context
): string | MessageError => {
  const { cid, description, disposition, language, location, name } = options
  if (name !== undefined) {
    const checked = line(`${field}.name`, name)
    if (checked instanceof MessageError) return checked
  }
  const parameters = type.parameters
    .filter(([key]) => key !== "name" || name === undefined)
    .map(([key, value]) => Field.parameter(key, value))
  if (name !== undefined && name !== "" && context.fileNames === "both") {
    parameters.push(Field.parameterForOldClients("name", name, context.headerCharset))
  }
  let text = Field.fold("Content-Type", Field.withParameters(type.type, parameters))
  if (disposition !== undefined || name !== undefined) {
    const shown = disposition ?? (cid === undefined ? "attachment" : "inline")
    if (shown !== "attachment" && shown !== "inline") {
      return new MessageError({ field: `${field}.disposition`, problem: "must be attachment or inline" })
    }
    text += Field.fold(
      "Content-Disposition",
      Field.withParameters(shown, name === undefined || name === "" ? [] : [Field.parameter("filename", name)])
    )
  }
  if (cid !== undefined) {
    const checked = line(`${field}.cid`, cid)
    if (checked instanceof MessageError) return checked
    const bare = contentId(checked)
    if (!/^[\x21-\x3B\x3D\x3F-\x7E]{1,900}$/.test(bare)) {
      return new MessageError({
        field: `${field}.cid`,
        problem: "must be ASCII without blanks and angle brackets",
        input: cid
      })
    }
    text += `Content-ID: <${bare}>\r\n`
  }
  if (description !== undefined) {
    const checked = line(`${field}.description`, description)
    if (checked instanceof MessageError) return checked
    text += Field.unstructured("Content-Description", checked, context.headerCharset)
  }
  if (language !== undefined) {
    const tags: ReadonlyArray<unknown> = Array.isArray(language) ? language : [language]
    if (!tags.every((tag) => typeof tag === "string" && /^[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8})*$/.test(tag))) {
      return new MessageError({
        field: `${field}.language`,
        problem: "must be language tags such as de or pt-BR (BCP 47)"
      })
    }
    text += Field.fold("Content-Language", tags.map((tag, i) => i < tags.length - 1 ? `${String(tag)},` : String(tag)))
  }
  if (location !== undefined) {
    if (typeof location !== "string" || !/^[\x21-\x7E]{1,900}$/.test(location)) {
      return new MessageError({ field: `${field}.location`, problem: "must be a URL: ASCII without blanks" })
    }
    text += `Content-Location: ${location}\r\n`
  }
  if (options.headers !== undefined) {
    const list = fieldList(`${field}.headers`, options.headers)
    if (list instanceof MessageError) return list
    for (const [where, key, value] of list) {
      if (
        /^(?:mime-version|content-(?:type|transfer-encoding|disposition|id|description|language|location))$/i.test(key)
      ) {
        return new MessageError({ field: where, problem: "is made from the part's own properties" })
      }
      text += Field.unstructured(key, value, context.headerCharset)
    }
  }
  return text
}

const contentId = (cid: string): string => cid.startsWith("<") && cid.endsWith(">") ? cid.slice(1, -1) : cid

const withCharset = (type: MediaType.MediaType, charset: string): MediaType.MediaType => ({
  type: type.type,
  parameters: [["charset", charset], ...type.parameters.filter(([name]) => name !== "charset")]
})

/** A part of readable text, in the charset that suffices. */
export const textLeaf = (
  field: string,
  type: MediaType.MediaType,
  given: unknown,
  context: Context,
  options: PartOptions & { readonly encoding?: TransferEncoding | undefined; readonly flowed?: boolean | undefined } =
    {}
): Leaf | MessageError => {
  const checked = wellFormed(field, given)
  if (checked instanceof MessageError) return checked
  const text = canonical(checked)
  const encoded = Charset.encodeText(options.flowed === true ? flow(text) : text, context.bodyCharset)
  if (encoded === "Unsupported") {
    return new MessageError({ field: "bodyCharset", problem: "this platform can't encode ISO-2022-JP" })
  }
  const fields = head(field, withCharset(type, encoded.charset), options, context)
  if (fields instanceof MessageError) return fields
  return {
    _tag: "Leaf",
    field,
    head: fields,
    content: { _tag: "Text", bytes: encoded.bytes, survey: QuotedPrintable.survey(encoded.bytes) },
    encoding: options.encoding,
    policy: context.bodyCharset
  }
}

/** A whole message as a part: its line ends made right, for it may not be encoded. */
const messageContent = (field: string, bytes: Uint8Array): Content | MessageError => {
  const facts = LineEnds.scan(bytes)
  const error = unfit(field, facts)
  if (error !== undefined) return error
  return { _tag: "Message", size: facts.size, eightBit: facts.eightBit, body: LineEnds.repair(bytes), repeatable: true }
}

/** Why content can't travel as lines, if it can't. */
export const unfit = (field: string, facts: LineEnds.Facts): MessageError | undefined => {
  if (facts.longestLine > 998) {
    return new MessageError({
      field,
      problem: `holds a line of ${facts.longestLine} octets, and may not be encoded: 998 is the limit`
    })
  }
  return facts.nul ? new MessageError({ field, problem: "holds a NUL, and may not be encoded" }) : undefined
}

const dataUrl = (field: string, url: string): { readonly type: string; readonly bytes: Uint8Array } | MessageError => {
  const comma = url.indexOf(",")
  const found = comma < 0 ? null : /^data:([^,]*?)(;\s*base64)?$/i.exec(url.slice(0, comma))
  if (found === null) return new MessageError({ field, problem: "is no data: URL (RFC 2397)", input: url.slice(0, 60) })
  const data = url.slice(comma + 1)
  const type = found[1] === "" || found[1] === undefined || found[1].startsWith(";")
    ? `text/plain${found[1] ?? ";charset=US-ASCII"}`
    : found[1]
  const bytes = percentDecode(data)
  if (bytes === undefined) return new MessageError({ field, problem: "holds a % that no two hex digits follow" })
  if (found[2] === undefined) return { type, bytes }
  const decoded = Encoding.decode(new TextDecoder().decode(bytes).replaceAll(/\s/g, ""))
  return Result.isSuccess(decoded)
    ? { type, bytes: decoded.success }
    : new MessageError({ field, problem: "holds no base64" })
}

const percentDecode = (text: string): Uint8Array | undefined => {
  const bytes = Charset.toUtf8(text)
  if (!bytes.includes(37)) return bytes
  const out = new Uint8Array(bytes.length)
  let o = 0
  for (let i = 0; i < bytes.length; i++) {
    const octet = bytes[i] ?? 0
    if (octet !== 37) {
      out[o++] = octet
      continue
    }
    const code = String.fromCharCode(bytes[i + 1] ?? 0, bytes[i + 2] ?? 0)
    if (!/^[0-9A-Fa-f]{2}$/.test(code)) return undefined
    out[o++] = Number.parseInt(code, 16)
    i += 2
  }
  return out.subarray(0, o)
}

/** Names that other libraries use, and what they are called here. */
const foreign: Readonly<Record<string, string>> = {
  path: "reads a file: only Message.file(path) can name one, a value that no JSON can hold",
  href: "names an address: nothing is fetched from the network; give the octets, or Message.stream(…)",
  file: "reads a file: only Message.file(path) can name one, a value that no JSON can hold",
  filename: "is called `name` here",
  contentType: "is called `type` here",
  contentDisposition: "is called `disposition` here",
  raw: "is called `part` here"
}

export interface Part {
  readonly entity: Entity
  /** Shown inside the HTML. */
  readonly inline: boolean
}

const octets = (bytes: Uint8Array): Content => ({ _tag: "Octets", bytes })

const ready = (field: string, part: unknown): Part | MessageError => {
  if (typeof part !== "string" && !(part instanceof Uint8Array)) {
    return new MessageError({ field, problem: `is ${describe(part)}, not a part as text or octets` })
  }
  if (typeof part === "string") {
    const checked = wellFormed(field, part)
    if (checked instanceof MessageError) return checked
  }
  const bytes = LineEnds.repair(typeof part === "string" ? Charset.toUtf8(part) : part)
  const facts = LineEnds.scan(bytes)
  const error = unfit(field, facts)
  if (error !== undefined) return error
  const start = bodyStart(bytes)
  const head = new TextDecoder().decode(start < 0 ? bytes : bytes.subarray(0, start - 2))
  if (!/^(?:[\x21-\x39\x3B-\x7E]+:[^\r]*\r\n(?:[ \t][^\r]*\r\n)*)*$/.test(head)) {
    return new MessageError({ field, problem: "must be header fields, a blank line and a body" })
  }
  const body = start < 0 ? crlf : concat([bytes.subarray(start), crlf])
  return { entity: { _tag: "Ready", field, head, body, eightBit: facts.eightBit }, inline: false }
}

export const attachment = (field: string, given: unknown, context: Context): Part | MessageError => {
  if (typeof given !== "object" || given === null) {
    return new MessageError({ field, problem: `is ${describe(given)}, not an attachment` })
  }
  for (const [name, problem] of Object.entries(foreign)) {
    if (name in given) return new MessageError({ field: `${field}.${name}`, problem })
  }
  if ("part" in given) return ready(`${field}.part`, given.part)
  const options: PartOptions & { readonly type?: unknown; readonly encoding?: unknown } = given
  const encoding = transferEncoding(options.encoding)
  if (encoding === "Unknown") {
    return new MessageError({
      field: `${field}.encoding`,
      problem: "is no transfer encoding",
      ...inputOf(options.encoding)
    })
  }
  let content: Content | string
  let type: unknown = options.type
  let name = options.name
  const resolved = context.resolved.get(given)
  if (resolved !== undefined) {
    content = resolved.content
    name ??= resolved.name
  } else if ("~@colloquy/core/Message/AttachmentSource" in given && AttachmentSource.origin(given) === undefined) {
    return new MessageError({
      field,
      problem: "is a copy of what Message.file or Message.stream made: pass their value itself"
    })
  } else if ("dataUrl" in given) {
    if (typeof given.dataUrl !== "string") return new MessageError({ field: `${field}.dataUrl`, problem: "is no text" })
    const data = dataUrl(`${field}.dataUrl`, given.dataUrl)
    if (data instanceof MessageError) return data
    type ??= data.type
    content = octets(data.bytes)
  } else {
    const body: unknown = "content" in given ? given.content : undefined
    if (typeof body === "string") {
      const checked = wellFormed(`${field}.content`, body)
      if (checked instanceof MessageError) return checked
      content = checked
    } else if (body instanceof Uint8Array) content = octets(body)
    else {
      return new MessageError({
        field: `${field}.content`,
        problem: body === undefined
          ? "is missing: content, dataUrl or part, or a value of Message.file or Message.stream"
          : Stream.isStream(body)
          ? "is a stream: make an attachment of it by Message.stream"
          : `is ${describe(body)}, neither text nor octets`
      })
    }
  }
  if (name !== undefined && typeof name !== "string") {
    return new MessageError({ field: `${field}.name`, problem: `is ${describe(name)}, not a text` })
  }
  type ??= (name === undefined ? undefined : context.mediaTypes.typeOf(name))
    ?? (typeof content === "string" ? "text/plain" : "application/octet-stream")
  const parsed = MediaType.parse(`${field}.type`, type)
  if (parsed instanceof MessageError) return parsed
  if (parsed.type.startsWith("multipart/")) {
    return new MessageError({
      field: `${field}.type`,
      problem: "is composite: use `part`, or a body tree",
      input: parsed.type
    })
  }
  let media = parsed
  if (typeof content === "string") {
    const bytes = Charset.toUtf8(content)
    if (media.type.startsWith("text/")) {
      media = withCharset(media, bytes.length === content.length ? "us-ascii" : "utf-8")
    }
    content = octets(bytes)
  }
  if (media.type === "message/rfc822" && content._tag === "Octets") {
    const message = messageContent(`${field}.content`, content.bytes)
    if (message instanceof MessageError) return message
    content = message
  }
  const disposition = options.disposition ?? (options.cid === undefined ? "attachment" : "inline")
  const fields = head(field, media, { ...options, name, disposition }, context)
  if (fields instanceof MessageError) return fields
  return {
    entity: { _tag: "Leaf", field, head: fields, content, encoding, policy: undefined },
    inline: options.cid !== undefined && disposition === "inline"
  }
}

const transferEncoding = (u: unknown): TransferEncoding | undefined | "Unknown" =>
  u === undefined || u === "7bit" || u === "8bit" || u === "binary" || u === "quoted-printable" || u === "base64"
    ? u
    : "Unknown"
