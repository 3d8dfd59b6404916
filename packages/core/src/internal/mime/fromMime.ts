/**
 * From a message that was read to one that can be sent: what the way and the first sender's machinery added is left out.
 */
import type * as MimeParser from "../../MimeParser.ts"
import type { Message } from "./model.ts"

/** Fields that are properties, or belong to the first journey. */
const left = new Set([
  "from",
  "sender",
  "reply-to",
  "to",
  "cc",
  "bcc",
  "subject",
  "date",
  "message-id",
  "in-reply-to",
  "references",
  "mime-version",
  "received",
  "return-path",
  "delivered-to",
  "x-original-to",
  "envelope-to",
  "authentication-results",
  "received-spf",
  "dkim-signature",
  "domainkey-signature",
  "x-google-dkim-signature"
])

const isLeft = (name: string): boolean =>
  left.has(name) || name.startsWith("content-") || name.startsWith("arc-") || name.startsWith("resent-")
  || !/^[\x21-\x39\x3B-\x7E]{1,76}$/.test(name)

const oneLine = (text: string): string => text.toWellFormed().replaceAll(/[\r\n\0]+/g, " ").trim()

const addresses = (list: ReadonlyArray<MimeParser.Address>): Message["from"] =>
  list.flatMap((entry): ReadonlyArray<Exclude<Message["from"], string | ReadonlyArray<unknown>>> => {
    const name = oneLine(entry.name)
    if ("addresses" in entry) {
      return [{ name, addresses: entry.addresses.map((one) => named(oneLine(one.name), one.address)) }]
    }
    return entry.address === "" ? [] : [named(name, entry.address)]
  })
const named = (name: string, address: string) => name === "" ? { address } : { name, address }

/** Readers end each text with a line end that belongs to the structure. */
const body = (text: string): string => text.toWellFormed().replaceAll("\0", "").replace(/\r?\n$/, "")

export const toMessage = (parsed: MimeParser.Parsed, keepIdentity: boolean): Message => {
  const calendar = parsed.attachments.find(({ method, type }) => type === "text/calendar" && method !== undefined)
  const once = new Set<string>()
  const headers = parsed.headers.filter(({ name }) => {
    const key = name.toLowerCase()
    if (isLeft(key)) return false
    const first = !once.has(key)
    once.add(key)
    return first || (!key.startsWith("list-") && key !== "importance" && key !== "auto-submitted")
  }).map(({ name, value }) => ({ name, value: oneLine(value) }))
  const optional = (field: "sender" | "replyTo" | "to" | "cc" | "bcc") =>
    parsed[field].length === 0 ? {} : { [field]: addresses(parsed[field]) }
  return {
    from: addresses(parsed.from),
    ...optional("sender"),
    ...optional("replyTo"),
    ...optional("to"),
    ...optional("cc"),
    ...optional("bcc"),
    ...(parsed.subject === undefined ? {} : { subject: oneLine(parsed.subject) }),
    ...(parsed.text === undefined ? {} : { text: body(parsed.text) }),
    ...(parsed.html === undefined ? {} : { html: body(parsed.html) }),
    ...(calendar === undefined ? {} : {
      calendar: { content: body(new TextDecoder().decode(calendar.content)), attach: false }
    }),
    ...(headers.length === 0 ? {} : { headers }),
    ...(parsed.inReplyTo === undefined ? {} : { inReplyTo: parsed.inReplyTo }),
    ...(parsed.references === undefined ? {} : { references: parsed.references }),
    ...(keepIdentity && parsed.messageId !== undefined ? { messageId: parsed.messageId } : {}),
    ...(keepIdentity && parsed.date !== undefined ? { date: parsed.date } : {}),
    attachments: parsed.attachments.filter((one) => one !== calendar).map((one) => ({
      ...(one.name === undefined ? {} : { name: oneLine(one.name) }),
      type: one.type,
      ...(one.cid === undefined ? {} : { cid: one.cid }),
      ...(one.disposition === undefined ? {} : { disposition: one.disposition }),
      ...(one.description === undefined ? {} : { description: oneLine(one.description) }),
      content: one.content
    }))
  }
}
