/** A line of a batch as a message: a `Message`, or `{ "from", "to", "raw": FILE }` with the path relative to the batch. */
import type * as Message from "@colloquy/core/Message"
import { MessageError } from "@colloquy/core/MessageError"
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import * as MessageJson from "../internal/messageJson.ts"
import * as MessageOptions from "../messageOptions.ts"

export interface Circumstances {
  /** Where relative paths begin. */
  readonly folder: string
  /** What signs the messages that are composed here. */
  readonly signers: Pick<Message.Draft, "dkim" | "smime">
  /** The one that the message had before. */
  readonly messageId: string | undefined
}

const decoder = new TextDecoder("utf-8", { fatal: true })

const textOf = (octets: Uint8Array) =>
  Effect.try({
    try: () => decoder.decode(octets),
    catch: () => new MessageError({ field: "message", problem: "is no text in UTF-8" })
  })

const strings = (field: string, value: unknown): Effect.Effect<ReadonlyArray<string>, MessageError> => {
  const list: ReadonlyArray<unknown> = value === undefined ? [] : Array.isArray(value) ? value : [value]
  return list.every((each) => typeof each === "string")
    ? Effect.succeed(list)
    : Effect.fail(new MessageError({ field, problem: "is no address, and no list of addresses" }))
}

const raw = Effect.fnUntraced(function*(value: Readonly<Record<string, unknown>>, { folder }: Circumstances) {
  const strange = MessageJson.unknownKey(value, ["from", "to", "raw"])
  if (strange !== undefined) return yield* strange
  const { from, raw: file } = value
  if (typeof file !== "string" || file === "" || file === "-") {
    return yield* new MessageError({ field: "raw", problem: "is no path of a file" })
  }
  if (from !== undefined && typeof from !== "string") {
    return yield* new MessageError({ field: "from", problem: "is no address" })
  }
  const path = yield* Path.Path
  const to = yield* strings("to", value["to"])
  return yield* MessageOptions.rawMessage(path.resolve(folder, file), from, to)
})

/** What the line holds, checked as far as it can be without composing it. */
export const make = Effect.fnUntraced(function*(octets: Uint8Array, circumstances: Circumstances) {
  const value = yield* Effect.fromResult(MessageJson.parse(yield* textOf(octets)))
  if (MessageJson.isRecord(value) && Object.hasOwn(value, "raw")) return yield* raw(value, circumstances)
  const message = yield* Effect.fromResult(MessageJson.fromValue(value))
  const { messageId } = circumstances
  return {
    ...(messageId === undefined ? {} : { messageId }),
    ...message,
    ...circumstances.signers
  } satisfies Message.Draft
})
