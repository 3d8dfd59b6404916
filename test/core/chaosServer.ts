/**
 * A server for one property: it obeys SMTP, except where its dice tell it to refuse, to hang up, or to lose its replies; and
 * it keeps the truth of who has which message, under which sender.
 */
import type { Connection } from "@colloquy/core/Connection"
import { Connector } from "@colloquy/core/Connector"
import { ConnectionLost, TlsFailed } from "@colloquy/core/SmtpError"
import { Effect, Latch, Layer } from "effect"

export interface Character {
  readonly seed: number
  readonly extensions: ReadonlyArray<string>
  /** LMTP: a final reply for each recipient. */
  readonly lmtp: boolean
  /** As Exim does: RCPT and BDAT go on under the sender before, where MAIL is refused inside an open transaction. */
  readonly keepsRefused: boolean
  /** How many commands in a hundred are refused. */
  readonly trouble: number
  /** Some of them by 421, or by hanging up before the reply or after it. */
  readonly hangsUp: boolean
}

export interface Delivery {
  readonly id: string
  readonly sender: string
  readonly recipient: string
}

/** Numbers from 0 to 1, the same for the same seed. */
const dice = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

const latin1 = (octets: Uint8Array) => Array.from(octets, (octet) => String.fromCharCode(octet)).join("")

export const make = (character: Character) => {
  const roll = dice(character.seed)
  const truth: Array<Delivery> = []
  let open = 0
  const chance = (percent: number) => roll() * 100 < percent

  const connect = Effect.gen(function*() {
    open++
    const inbox = Latch.makeUnsafe(false)
    const outbox = Latch.makeUnsafe(false)
    let input = ""
    let output = "220 chaos.test\r\n"
    let ended: "Closed" | "Reset" | undefined
    let sender: string | undefined
    let recipients: Array<string> = []
    let content = ""
    let inData = false
    let chunk: { left: number; readonly last: boolean; readonly take: boolean } | undefined
    outbox.openUnsafe()

    const say = (line: string) => {
      output += `${line}\r\n`
    }
    const reset = () => {
      sender = undefined
      recipients = []
      content = ""
    }
    const end = (how: "Closed" | "Reset") => {
      ended ??= how
    }
    const deliver = () => {
      const id = /Subject: (\S+)/.exec(content)?.[1] ?? "?"
      if (!character.lmtp) {
        if (chance(character.trouble)) return say("554 5.7.1 No")
        for (const recipient of recipients) truth.push({ id, sender: sender ?? "?", recipient })
        return say("250 Ok")
      }
      for (const recipient of recipients) {
        const refused = chance(character.trouble)
        if (!refused) truth.push({ id, sender: sender ?? "?", recipient })
        say(refused ? "450 4.2.2 Full" : "250 Ok")
      }
    }

    /** True: the reply to it is trouble already. */
    const troubled = (): boolean => {
      if (!chance(character.trouble)) return false
      const kind = character.hangsUp ? Math.floor(roll() * 5) : 3 + Math.floor(roll() * 2)
      if (kind === 0) end("Closed")
      else if (kind === 1) end("Reset")
      else if (kind === 2) {
        say("421 4.3.2 Closing")
        end("Closed")
      } else say(kind === 3 ? "450 4.7.1 Later" : "550 5.7.1 No")
      return true
    }

    const command = (line: string) => {
      const verb = line.slice(0, 4).toUpperCase()
      const path = /<(.*?)>/.exec(line)?.[1] ?? ""
      switch (verb) {
        case "EHLO":
        case "LHLO":
          return say(
            ["250-chaos.test", ...character.extensions.map((keyword) => `250-${keyword}`), "250 HELP"].join("\r\n")
          )
        case "MAIL":
          if (sender !== undefined) return say("503 5.5.1 Nested")
          if (troubled()) return
          sender = path
          return say("250 Ok")
        case "RCPT":
          if (sender === undefined) return say("503 5.5.1 MAIL first")
          if (troubled()) return
          recipients.push(path)
          return say("250 Ok")
        case "DATA":
          if (recipients.length === 0) return say("503 5.5.1 RCPT first")
          if (troubled()) return
          inData = true
          return say("354 Go on")
        case "BDAT": {
          const [, octets = "0", last] = line.split(" ")
          const take = recipients.length > 0
          chunk = { left: Number(octets), last: last !== undefined, take }
          return
        }
        case "RSET":
          reset()
          return say("250 Ok")
        case "NOOP":
          return say("250 Ok")
        case "QUIT":
          say("221 Bye")
          return end("Closed")
        default:
          return say("500 5.5.1 What")
      }
    }

    /** One command, or what is there of content. False: nothing to do. */
    const step = (): boolean => {
      if (ended !== undefined || input === "") return false
      if (chunk !== undefined) {
        const taken = input.slice(0, chunk.left)
        input = input.slice(taken.length)
        chunk.left -= taken.length
        if (chunk.take) content += taken
        if (chunk.left === 0) chunkEnded(chunk)
        return true
      }
      if (inData) {
        const at = `\r\n${content}${input}`.indexOf("\r\n.\r\n")
        if (at < 0) {
          content += input
          input = ""
          return true
        }
        const whole = content + input
        content = whole.slice(0, at)
        input = whole.slice(at + 3)
        inData = false
        if (!cutAtTheEnd()) deliver()
        reset()
        return true
      }
      const crlf = input.indexOf("\r\n")
      if (crlf < 0) return false
      const line = input.slice(0, crlf)
      input = input.slice(crlf + 2)
      command(line)
      return true
    }

    /** Hangs up at the end of the content: before the message was taken, or after. */
    const cutAtTheEnd = (): boolean => {
      if (!character.hangsUp || !chance(character.trouble)) return false
      if (chance(50)) deliver()
      output = chance(50) ? output.slice(0, output.lastIndexOf("\r\n", output.length - 3) + 2) : output
      if (chance(50)) output = ""
      end(chance(50) ? "Closed" : "Reset")
      return true
    }

    const chunkEnded = ({ last, take }: { readonly last: boolean; readonly take: boolean }) => {
      chunk = undefined
      if (!take) {
        say("503 5.5.1 RCPT first")
        if (!character.keepsRefused) reset()
        return
      }
      if (!last) return say("250 Ok")
      if (!cutAtTheEnd()) deliver()
      reset()
    }

    const serve = Effect.gen(function*() {
      while (true) {
        const turns = Math.floor(roll() * 4)
        for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow
        const most = 1 + Math.floor(roll() * 6)
        let steps = 0
        while (steps < most && step()) steps++
        if (output !== "" || ended !== undefined) outbox.openUnsafe()
        if (ended !== undefined) return
        if (steps < most) {
          inbox.closeUnsafe()
          yield* inbox.await
        }
      }
    })
    yield* Effect.forkScoped(serve)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        open--
        end("Closed")
        outbox.openUnsafe()
      })
    )

    const pull: Connection["pull"] = Effect.suspend(() => {
      if (output !== "") {
        const octets = Math.max(1, Math.floor(roll() * output.length * 1.5))
        const taken = output.slice(0, octets)
        output = output.slice(octets)
        return Effect.succeed([Uint8Array.from(taken, (c) => c.charCodeAt(0))])
      }
      if (ended !== undefined) return Effect.fail(new ConnectionLost({ kind: ended }))
      outbox.closeUnsafe()
      return Effect.andThen(outbox.await, pull)
    })
    const connection: Connection = {
      pull,
      writeAll: (chunks) =>
        Effect.suspend(() => {
          if (ended !== undefined) return Effect.fail(new ConnectionLost({ kind: ended }))
          input += chunks.map(latin1).join("")
          inbox.openUnsafe()
          return Effect.void
        }),
      upgrade: () => Effect.fail(new TlsFailed({ kind: "Handshake" })),
      tls: undefined,
      address: "203.0.113.25",
      localAddress: "192.0.2.1",
      channelBinding: undefined
    }
    return connection
  })

  return { truth, open: () => open, layer: Layer.succeed(Connector, Connector.of({ connect: () => connect })) }
}
