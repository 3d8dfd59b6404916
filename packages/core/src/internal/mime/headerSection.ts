/**
 * The header section of a message but for its MIME fields, and its envelope (RFC 5322 §3.6).
 *
 * A field that may stand once stands once: what a property of the message makes can't come again among `headers`.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Envelope } from "../../Envelope.ts"
import * as Mailbox from "../../Mailbox.ts"
import { MessageError } from "../../MessageError.ts"
import * as Addresses from "./addresses.ts"
import type * as Charset from "./charset.ts"
import * as Field from "./field.ts"
import * as ListField from "./listField.ts"
import type { Headers, Message } from "./model.ts"
import { CharsetPolicy } from "./model.ts"
import { describe, inputOf, line } from "./text.ts"

/** Everything that is not a body. Typed as unknown where a caller without a type checker may hand over anything. */
export type Draft = Omit<Message, "attachments" | "html" | "bodyStructure" | "date"> & { readonly date?: unknown }

export interface HeaderSection {
  /** Fields, each with its CRLF. */
  readonly text: string
  readonly envelope: Envelope
  readonly messageId: string
  /** An address that can travel with SMTPUTF8 only. */
  readonly utf8: { readonly field: string; readonly address: string } | undefined
}

/** Fields that properties make: `headers` may not bring them. */
const owned: Readonly<Record<string, string>> = {
  "from": "from",
  "sender": "sender",
  "to": "to",
  "cc": "cc",
  "bcc": "bcc",
  "reply-to": "replyTo",
  "subject": "subject",
  "date": "date",
  "message-id": "messageId",
  "in-reply-to": "inReplyTo",
  "references": "references"
}
const once = new Set([
  "auto-submitted",
  "importance",
  "list-archive",
  "list-help",
  "list-id",
  "list-owner",
  "list-post",
  "list-subscribe",
  "list-unsubscribe",
  "list-unsubscribe-post",
  "priority",
  "return-path",
  "x-priority"
])

const fieldName = /^[\x21-\x39\x3B-\x7E]+$/

export const fieldList = (
  field: string,
  headers: Headers
): ReadonlyArray<readonly [field: string, name: string, value: string]> | MessageError => {
  const out: Array<readonly [string, string, string]> = []
  const add = (where: string, name: unknown, value: unknown): MessageError | undefined => {
    if (typeof name !== "string" || !fieldName.test(name) || name.length > 76) {
      return new MessageError({
        field: where,
        problem: "is no name of a header field: printable ASCII without blank and colon, 76 characters at most",
        ...(typeof name === "string" ? { input: name, offset: Math.max(name.search(/[^\x21-\x39\x3B-\x7E]/), 0) } : {})
      })
    }
    const text = line(`${field}.${name}`, value)
    if (text instanceof MessageError) return text
    out.push([`${field}.${name}`, name, text])
    return undefined
  }
  if (Array.isArray(headers)) {
    for (const [i, header] of headers.entries()) {
      const error = add(`${field}[${i}].name`, header?.name, header?.value)
      if (error !== undefined) return error
    }
    return out
  }
  if (typeof headers !== "object" || headers === null) {
    return new MessageError({ field, problem: `is ${describe(headers)}, not fields` })
  }
  for (const [name, value] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      const error = add(field, name, one)
      if (error !== undefined) return error
    }
  }
  return out
}

const ownHeaders = (
  headers: Headers,
  made: string,
  policy: Charset.CharsetPolicy | undefined
): string | MessageError => {
  const list = fieldList("headers", headers)
  if (list instanceof MessageError) return list
  const seen = new Set<string>()
  let text = ""
  for (const [field, name, value] of list) {
    const key = name.toLowerCase()
    const property = owned[key]
    if (property !== undefined) {
      return new MessageError({ field, problem: `is made from \`${property}\`: give it there` })
    }
    if (key === "mime-version" || key.startsWith("content-")) {
      return new MessageError({ field, problem: "is made from the body: give it with a part" })
    }
    if (once.has(key) && (seen.has(key) || made.toLowerCase().includes(`\n${key}:`))) {
      return new MessageError({ field, problem: "may stand once, and stands there already" })
    }
    seen.add(key)
    text += Field.unstructured(name, value, policy)
  }
  return text
}

const priorities = {
  high: "X-Priority: 1 (Highest)\r\nImportance: high\r\nPriority: urgent\r\n",
  normal: "",
  low: "X-Priority: 5 (Lowest)\r\nImportance: low\r\nPriority: non-urgent\r\n"
}

const isoDate = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?)?\s*(Z|z|[+-]\d\d:?\d\d)?$/

/** The Date field's value, from ISO 8601 text, a `Date` or a `DateTime`. A text without zone is UTC. */
const date = (value: unknown): string | MessageError => {
  const field = "date"
  if (typeof value === "string") {
    const found = isoDate.exec(value.trim())
    const zone = found?.[7]?.toUpperCase() ?? "Z"
    const millis = found === null ? NaN : Date.parse(
      `${found[1]}-${found[2]}-${found[3]}T${found[4] ?? "00"}:${found[5] ?? "00"}:${found[6] ?? "00"}Z`
    )
    const offset = zone === "Z"
      ? 0
      : (zone.startsWith("-") ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)))
    if (Number.isNaN(millis) || Math.abs(offset) > 24 * 60) {
      return new MessageError({
        field,
        problem: "is no date in ISO 8601, such as 2026-11-25T14:46:00Z",
        input: value.slice(0, 200)
      })
    }
    return Field.dateTime(millis - offset * 60_000, offset)
  }
  const millis: unknown = typeof value !== "object" || value === null
    ? undefined
    : value instanceof Date
    ? value.getTime()
    : "epochMilliseconds" in value
    ? value.epochMilliseconds
    : undefined
  return typeof millis === "number" && Number.isFinite(millis)
    ? Field.dateTime(millis, 0)
    : new MessageError({ field, problem: `is ${describe(value)}, not a date` })
}

const keywords = (
  value: NonNullable<Message["keywords"]>,
  policy: Charset.CharsetPolicy | undefined
): string | MessageError => {
  if (typeof value !== "object" || value === null) {
    return new MessageError({ field: "keywords", problem: `is ${describe(value)}, not keywords` })
  }
  const words: ReadonlyArray<unknown> = Array.isArray(value)
    ? value
    : Object.entries(value).filter(([, set]) => set).map(([word]) => word)
  const tokens: Array<string> = []
  for (const word of words) {
    const text = line("keywords", word)
    if (text instanceof MessageError) return text
    if (text.startsWith("$") || text === "") continue
    if (tokens.length > 0) Field.behind(tokens, ",")
    Field.append(tokens, Field.phrase(text, policy))
  }
  return tokens.length === 0 ? "" : Field.fold("Keywords", tokens)
}

const isPolicy = Schema.is(CharsetPolicy)

/** `random`: the left part of a Message-ID; `now`: milliseconds since the epoch. */
export const make = (draft: Draft, random: string, now: number): HeaderSection | MessageError => {
  const policy = draft.headerCharset
  for (const field of ["headerCharset", "bodyCharset"] as const) {
    const value: unknown = draft[field]
    if (value !== undefined && !isPolicy(value)) {
      return new MessageError({
        field,
        problem: `must be one of ${CharsetPolicy.literals.join(", ")}`,
        ...inputOf(value)
      })
    }
  }
  const parties: Record<string, ReadonlyArray<Addresses.Entry>> = {}
  for (const field of ["from", "sender", "replyTo", "to", "cc", "bcc"] as const) {
    const entries = Addresses.entries(field, draft[field])
    if (entries instanceof MessageError) return entries
    parties[field] = entries
  }
  const { bcc = [], cc = [], from = [], replyTo = [], sender = [], to = [] } = parties
  const authors = Addresses.flatten(from)
  const author = authors[0]
  if (author === undefined) {
    return new MessageError({
      field: "from",
      problem: draft.from === undefined ? "is missing: who sends it?" : "holds no address"
    })
  }
  const senders = Addresses.flatten(sender)
  if (senders.length > 1 || (sender.length > 0 && senders.length === 0)) {
    return new MessageError({ field: "sender", problem: "must be one address (RFC 5322 §3.6.2)" })
  }
  const sentBy = senders[0] ?? author
  const envelope = draft.envelope === undefined ? makeEnvelope(sentBy, [to, cc, bcc]) : givenEnvelope(draft.envelope)
  if (envelope instanceof MessageError) return envelope

  let text = Addresses.field("From", from, policy)
  const shown = senders[0] ?? (authors.length > 1 ? author : undefined)
  if (shown !== undefined && (authors.length > 1 || shown.address !== author.address)) {
    text += Addresses.field("Sender", [shown], policy)
  }
  text += Addresses.field("Reply-To", replyTo, policy)
  text += to.length === 0 && cc.length === 0 ? "To: undisclosed-recipients:;\r\n" : Addresses.field("To", to, policy)
  text += Addresses.field("Cc", cc, policy)

  if (draft.subject !== undefined) {
    const subject = line("subject", draft.subject)
    if (subject instanceof MessageError) return subject
    text += Field.unstructured("Subject", subject, policy)
  }
  const messageId = draft.messageId === undefined
    ? `<${random}@${domainOf(sentBy)}>`
    : ListField.id("messageId", draft.messageId)
  if (messageId instanceof MessageError) return messageId
  text += `Message-ID: ${messageId}\r\n`
  for (const [field, name] of [["inReplyTo", "In-Reply-To"], ["references", "References"]] as const) {
    if (draft[field] === undefined) continue
    const ids = ListField.ids(field, draft[field])
    if (ids instanceof MessageError) return ids
    if (ids.length > 0) text += Field.fold(name, ids)
  }
  const at = draft.date === undefined ? Field.dateTime(now, 0) : date(draft.date)
  if (at instanceof MessageError) return at
  text += `Date: ${at}\r\n`

  const rest = optionalFields(draft, text, policy)
  if (rest instanceof MessageError) return rest
  let utf8: HeaderSection["utf8"]
  for (const [field, entries] of Object.entries(parties)) {
    const found = Addresses.needsUtf8(entries)
    if (found !== undefined) utf8 ??= { field, address: found.address }
  }
  return { text: text + rest, envelope, messageId, utf8 }
}

const optionalFields = (
  draft: Draft,
  made: string,
  policy: Charset.CharsetPolicy | undefined
): string | MessageError => {
  let text = ""
  if (draft.comments !== undefined) {
    const comments = line("comments", draft.comments)
    if (comments instanceof MessageError) return comments
    text += Field.unstructured("Comments", comments, policy)
  }
  if (draft.keywords !== undefined) {
    const field = keywords(draft.keywords, policy)
    if (field instanceof MessageError) return field
    text += field
  }
  if (draft.priority !== undefined) {
    if (typeof draft.priority !== "string" || !Object.hasOwn(priorities, draft.priority)) {
      return new MessageError({ field: "priority", problem: "must be high, normal or low", ...inputOf(draft.priority) })
    }
    text += priorities[draft.priority]
  }
  if (draft.autoSubmitted !== undefined) {
    if (!["no", "auto-generated", "auto-replied"].includes(draft.autoSubmitted)) {
      return new MessageError({
        field: "autoSubmitted",
        problem: "must be no, auto-generated or auto-replied (RFC 3834 §5)",
        ...inputOf(draft.autoSubmitted)
      })
    }
    text += `Auto-Submitted: ${draft.autoSubmitted}\r\n`
  }
  if (draft.list !== undefined) {
    const fields = ListField.fields(draft.list, policy)
    if (fields instanceof MessageError) return fields
    text += fields
  }
  if (draft.headers !== undefined) {
    const fields = ownHeaders(draft.headers, made + text, policy)
    if (fields instanceof MessageError) return fields
    text += fields
  }
  return text
}

/** The sender's domain, in ASCII where it has such a form: literals stand in brackets already (RFC 5322 §3.6.4). */
const domainOf = (address: Addresses.Address): string => {
  const ascii = Mailbox.toAscii(address.domain)
  return Result.isSuccess(ascii) ? ascii.success : address.domain
}

const decodeEnvelope = Schema.decodeUnknownResult(Envelope)

const givenEnvelope = (value: unknown): Envelope | MessageError => {
  const decoded = decodeEnvelope(value)
  return Result.isSuccess(decoded)
    ? decoded.success
    : new MessageError({ field: "envelope", problem: "is no envelope: { from, to: [recipients] }" })
}

const makeEnvelope = (
  sender: Addresses.Address,
  recipients: ReadonlyArray<ReadonlyArray<Addresses.Entry>>
): Envelope | MessageError => {
  const [first, ...rest] = Addresses.distinct(recipients.flatMap((entries) => Addresses.flatten(entries)))
  return first === undefined
    ? new MessageError({ field: "to", problem: "no recipient: to, cc and bcc hold no address" })
    : { from: sender.address, to: [first, ...rest] }
}
