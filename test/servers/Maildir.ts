/** What a server delivered, as it lies in the mailbox. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schedule from "effect/Schedule"

const everyFile = Effect.fnUntraced(function*(maildir: string) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const names = yield* fs.readDirectory(join(maildir, "new"))
  return yield* Effect.forEach(names, (name) => fs.readFile(join(maildir, "new", name)))
})

const ascii = (octets: Uint8Array) => Buffer.from(octets).toString("latin1")

/** The messages that hold `marker`, as soon as there are `count` of them; after 20 s whatever there is. */
export const holding = (maildir: string, marker: string, count = 1) =>
  Effect.map(everyFile(maildir), (files) => files.filter((file) => ascii(file).includes(marker))).pipe(
    Effect.repeat({
      until: (files) => files.length >= count,
      schedule: Schedule.spaced("50 millis").pipe(Schedule.upTo({ times: 400 }))
    }),
    Effect.andThen(Effect.map(everyFile(maildir), (files) => files.filter((file) => ascii(file).includes(marker))))
  )

const traceField = /^(?:Return-Path|X-Original-To|Delivered-To|Received):.*\r?\n(?:[ \t].*\r?\n)*/i

/** Without the trace fields on top (RFC 5321 §4.4), and with LF read as CRLF: a mailbox has the line ends of its system. */
export const withoutTrace = (file: Uint8Array): string => {
  let text = ascii(file)
  for (let field = traceField.exec(text); field !== null; field = traceField.exec(text)) {
    text = text.slice(field[0].length)
  }
  return text.replaceAll(/\r?\n/g, "\r\n")
}
