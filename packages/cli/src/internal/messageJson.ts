/**
 * A `Message` as JSON, from a file or a line of a batch.
 *
 * Invariant: what it does not know it refuses, so that nothing that was meant is left out (`attachment` for
 * `attachments`). No problem quotes what the message holds.
 */
import * as Message from "@colloquy/core/Message"
import { MessageError } from "@colloquy/core/MessageError"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const known = Object.keys(Message.Message.fields)
const knownOfAttachment = [
  "name",
  "type",
  "cid",
  "disposition",
  "description",
  "language",
  "location",
  "encoding",
  "headers",
  "content",
  "dataUrl",
  "part"
]

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** How many letters have to be changed, left out or put in. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(
        Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1))
      )
    }
    row = next
  }
  return row[b.length] ?? 0
}

const others: Readonly<Record<string, string>> = {
  txt: "text",
  body: "text",
  textBody: "text",
  htmlBody: "html",
  sendAt: "date",
  icalEvent: "calendar",
  recipients: "to"
}

const meant = (key: string, names: ReadonlyArray<string>): string | undefined =>
  Object.hasOwn(others, key) && names === known
    ? others[key]
    : key.length > 40
    ? undefined
    : names.find((name) => distance(key.toLowerCase(), name.toLowerCase()) <= 2)

/** The first key that is none of these. */
export const unknownKey = (
  value: Readonly<Record<string, unknown>>,
  names: ReadonlyArray<string>,
  where = ""
): MessageError | undefined => {
  const key = Object.keys(value).find((name) => !names.includes(name))
  if (key === undefined) return undefined
  const suggestion = meant(key, names)
  return new MessageError({
    field: `${where}${key.slice(0, 80)}`,
    problem: suggestion === undefined
      ? "there is no such key"
      : `there is no such key: ${suggestion} is meant, perhaps`
  })
}

const files = (where: string) =>
  new MessageError({
    field: `${where}.path`,
    problem: "a message in JSON names no files: put the octets into content, as { \"base64\": \"…\" }"
  })

const decode = Schema.decodeUnknownResult(Schema.toCodecJson(Message.Message), { onExcessProperty: "error" })

const fieldOf = (value: Readonly<Record<string, unknown>>): MessageError => {
  // which of the keys it is: each by itself, next to the one that must be there
  for (const key of Object.keys(value)) {
    const alone = decode(key === "from" ? { from: value["from"] } : { from: "", [key]: value[key] })
    if (Result.isSuccess(alone)) continue
    return new MessageError({ field: key, problem: "has a form that no message has" })
  }
  return new MessageError({ field: "from", problem: "is missing" })
}

/** `required`: the keys that have to be there; `from` may come from elsewhere. */
export const fromValue = (
  value: unknown,
  options: { readonly senderElsewhere?: boolean } = {}
): Result.Result<Message.Message, MessageError> => {
  if (!isRecord(value)) return Result.fail(new MessageError({ field: "message", problem: "is no JSON object" }))
  const strange = unknownKey(value, known)
  if (strange !== undefined) return Result.fail(strange)
  const attachments = value["attachments"]
  for (const [i, attachment] of Array.isArray(attachments) ? attachments.entries() : []) {
    if (!isRecord(attachment)) continue
    const where = `attachments[${i}]`
    if (Object.hasOwn(attachment, "path")) return Result.fail(files(where))
    const key = unknownKey(attachment, knownOfAttachment, `${where}.`)
    if (key !== undefined) return Result.fail(key)
  }
  const whole = options.senderElsewhere === true && !Object.hasOwn(value, "from") ? { from: "", ...value } : value
  return Result.mapError(decode(whole), () => fieldOf(value))
}

/** The text as JSON; where it broke is told, what stood there is not. */
export const parse = (text: string): Result.Result<unknown, MessageError> =>
  Result.try({
    try: (): unknown => JSON.parse(text),
    catch: (error) => {
      const [, position] = /at position (\d+)/.exec(error instanceof Error ? error.message : "") ?? []
      return new MessageError({
        field: "message",
        problem: position === undefined
          ? "is no JSON"
          : `is no JSON: it breaks off at character ${Number(position) + 1}`
      })
    }
  })
