import type * as Message from "@colloquy/core/Message"
import { assert } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { simpleParser } from "mailparser"
import PostalMime from "postal-mime"

/** The octets of a composed message: those of its stream, as many as were announced. */
export const octetsOf = Effect.fnUntraced(function*(composed: Message.Composed) {
  const chunks: Array<Uint8Array> = []
  yield* Stream.runForEach(composed.content, (chunk) => Effect.sync(() => chunks.push(chunk)))
  const octets = Buffer.concat(chunks)
  if (composed.size !== undefined) assert.strictEqual(octets.length, composed.size)
  return octets
})

/** What every message that we compose keeps, whatever went in. */
export const assertForm = (octets: Buffer, options: { readonly eightBit?: boolean; readonly utf8?: boolean } = {}) => {
  const text = octets.toString("latin1")
  assert.isFalse(/(?<!\r)\n|\r(?!\n)/.test(text), "a bare CR or LF")
  assert.isTrue(text.endsWith("\r\n"), "no line end at the end")
  assert.isFalse(text.includes("\0"), "a NUL")
  const lines = text.split("\r\n")
  assert.isAtMost(lines.reduce((longest, line) => Math.max(longest, line.length), 0), 998)
  const blank = lines.indexOf("")
  const header = lines.slice(0, blank)
  for (const line of header) {
    assert.match(line, /^(?:[\x21-\x39\x3B-\x7E]+:|[ \t]+[^ \t])/, "neither a field nor a fold")
  }
  if (options.utf8 !== true) {
    assert.isFalse(/[^\0-\x7F]/.test(header.join("\n")), "an octet over 127 in the header section")
  }
  if (options.eightBit !== true && options.utf8 !== true) assert.isFalse(/[^\0-\x7F]/.test(text), "an octet over 127")
  const names = header.filter((line) => !/^[ \t]/.test(line)).map((line) => line.split(":")[0]?.toLowerCase() ?? "")
  for (const once of ["from", "sender", "to", "cc", "subject", "date", "message-id", "mime-version", "content-type"]) {
    assert.isAtMost(names.filter((name) => name === once).length, 1, once)
  }
  assert.notInclude(names, "bcc")
  return names
}

export interface Read {
  readonly subject: string | undefined
  readonly from: ReadonlyArray<string>
  readonly to: ReadonlyArray<string>
  readonly text: string | undefined
  readonly html: string | undefined
  readonly attachments: ReadonlyArray<{
    readonly name: string | undefined
    readonly type: string
    readonly cid: string | undefined
    readonly content: Buffer
  }>
}

const named = (name: string | undefined, address: string | undefined): string =>
  name?.trim() ? `${name} <${address}>` : `${address}`
const bare = (cid: string | undefined | null): string | undefined => cid?.replaceAll(/^<|>$/g, "")

/** As mailparser reads it. */
export const byMailparser = (octets: Buffer) =>
  Effect.map(
    Effect.promise(() =>
      simpleParser(octets, { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true, skipTextLinks: true })
    ),
    (mail): Read => ({
      subject: mail.subject,
      from: mail.from?.value.map(({ address, name }) => named(name, address)) ?? [],
      to: [mail.to ?? []].flat().flatMap(({ value }) => value)
        .flatMap((entry) => entry.group ?? [entry])
        .map(({ address, name }) => named(name, address)),
      text: mail.text,
      html: mail.html === false ? undefined : mail.html,
      attachments: mail.attachments.map(({ cid, content, contentType, filename }) => ({
        name: filename,
        type: contentType,
        cid: bare(cid),
        content
      }))
    })
  )

/** As postal-mime reads it. */
export const byPostalMime = (octets: Buffer) =>
  Effect.map(
    Effect.promise(() => PostalMime.parse(octets, { attachmentEncoding: "arraybuffer" })),
    (mail): Read => ({
      subject: mail.subject,
      from: mail.from === undefined ? [] : [named(mail.from.name, mail.from.address)],
      to: (mail.to ?? []).flatMap((entry) => entry.group ?? [entry]).map(({ address, name }) => named(name, address)),
      text: mail.text,
      html: mail.html,
      attachments: mail.attachments.map(({ content, contentId, filename, mimeType }) => ({
        name: filename ?? undefined,
        type: mimeType,
        cid: bare(contentId),
        content: typeof content === "string" ? Buffer.from(content) : Buffer.from(new Uint8Array(content))
      }))
    })
  )
