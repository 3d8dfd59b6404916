/** Messages read by `postal-mime`, which is loaded when the first one is. */
import { MessageError } from "@colloquy/core/MessageError"
import * as MimeParser from "@colloquy/core/MimeParser"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Address, Attachment, Email } from "postal-mime"

const address = (entry: Address): MimeParser.Address =>
  entry.group === undefined
    ? { name: entry.name, address: entry.address }
    : { name: entry.name, addresses: entry.group }

const octets = ({ content, mimeType }: Attachment): Uint8Array => {
  const found = typeof content === "string" ? new TextEncoder().encode(content) : new Uint8Array(content)
  if (mimeType !== "text/calendar" && mimeType !== "application/ics") return found
  // the library reads calendars as texts, and ends them with one more line end
  const text = new TextDecoder().decode(found).replace(/\r?\n$/, "")
  return new TextEncoder().encode(text.replaceAll(/\r?\n/g, "\r\n"))
}

const known = (disposition: string | null): "attachment" | "inline" | undefined =>
  disposition === "attachment" || disposition === "inline" ? disposition : undefined

const attachment = (part: Attachment): MimeParser.Attachment => ({
  name: part.filename ?? undefined,
  type: part.mimeType,
  disposition: known(part.disposition),
  cid: part.contentId?.replaceAll(/^<|>$/g, ""),
  description: part.description,
  method: part.method,
  content: octets(part)
})

const all = (field: Address | ReadonlyArray<Address> | undefined): ReadonlyArray<MimeParser.Address> =>
  [field ?? []].flat().map(address)

const parsed = (email: Email, decodeWords: (text: string) => string): MimeParser.Parsed => {
  return {
    from: all(email.from),
    sender: all(email.sender),
    replyTo: all(email.replyTo),
    to: all(email.to),
    cc: all(email.cc),
    bcc: all(email.bcc),
    subject: email.subject,
    messageId: email.messageId,
    inReplyTo: email.inReplyTo,
    references: email.references,
    date: email.date,
    text: email.text,
    html: email.html,
    attachments: email.attachments.map(attachment),
    headers: email.headers.map(({ originalKey, value }) => ({ name: originalKey, value: decodeWords(value) }))
  }
}

const library = Effect.promise(() => import("postal-mime"))

export const layer: Layer.Layer<MimeParser.MimeParser> = Layer.succeed(MimeParser.MimeParser, {
  parse: Effect.fnUntraced(function*(content) {
    const { decodeWords, default: PostalMime } = yield* library
    const email = yield* Effect.tryPromise({
      try: () => PostalMime.parse(content, { attachmentEncoding: "arraybuffer", forceRfc822Attachments: true }),
      catch: () =>
        new MessageError({
          field: "message",
          problem: "could not be read: it is nested too deep, or its header is too large"
        })
    })
    return parsed(email, decodeWords)
  })
})
