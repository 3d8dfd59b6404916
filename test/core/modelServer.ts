/**
 * A model of a mail server for properties: SMTP and LMTP in memory, from the RFCs (5321, 2033, 2920, 3030, 9422) and not
 * from this library, as its `Connector`.
 *
 * It obeys, except where its dice tell it to refuse, to hang up, to fall silent, or to lose what it had said. It keeps the
 * truth of who has which message, under which sender and octet for octet; and it notes each thing that a client may not do.
 * The same seed gives the same server; only the client's own timing can make two runs differ.
 */
import type { Connection } from "@colloquy/core/Connection"
import { Connector } from "@colloquy/core/Connector"
import { ConnectionFailed, ConnectionLost, TlsFailed } from "@colloquy/core/SmtpError"
import { Effect, Latch, Layer } from "effect"

export interface Character {
  readonly seed: number
  readonly extensions: ReadonlyArray<string>
  /** LMTP: a final reply for each recipient. */
  readonly lmtp: boolean
  /**
   * As Exim and Dovecot: a transaction that was refused stays open until RSET, and the next MAIL is a nested one. Else, as
   * Postfix, it is gone.
   */
  readonly keepsRefused: boolean
  /** How many commands in a hundred are refused, or worse. */
  readonly trouble: number
  /** Of what is worse: 421, and hanging up before the reply or after it, at any octet. */
  readonly hangsUp: boolean
  readonly fallsSilent: boolean
  /** Answers 354 where no recipient was accepted, for the client to end it with a lone dot (RFC 2920 §3.2). */
  readonly takesDataForNobody: boolean
  /** `unread`: 500 to BDAT whose octets it then reads as commands. */
  readonly bdat: "known" | "unread"
  /** A session takes no more; announced (RFC 9422) or found out by 421 and 452. */
  readonly limits: Limits
  readonly announcesLimits: boolean
  /** Octets that it takes of a client before it has worked them off. */
  readonly capacity: number
  readonly arrival: "random" | "line" | "byte"
  /** What it answers instead of what it would; undefined: nothing. */
  readonly policy?: (command: Command) => string | undefined
}

export interface Limits {
  readonly mailMax?: number
  readonly rcptMax?: number
  readonly rcptDomainMax?: number
}

export interface Command {
  readonly verb: "MAIL" | "RCPT" | "DATA" | "BDAT" | "content"
  /** Of MAIL or RCPT; else the open transaction's sender. */
  readonly address: string
}

/** Well behaved. */
export const kind: Character = {
  seed: 1,
  extensions: ["PIPELINING", "CHUNKING"],
  lmtp: false,
  keepsRefused: false,
  trouble: 0,
  hangsUp: false,
  fallsSilent: false,
  takesDataForNobody: false,
  bdat: "known",
  limits: {},
  announcesLimits: false,
  capacity: Number.POSITIVE_INFINITY,
  arrival: "random"
}

export interface Delivery {
  readonly id: string
  readonly sender: string
  readonly recipient: string
  /** As Latin-1, dots unstuffed. */
  readonly content: string
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export const dice = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

const latin1 = (octets: Uint8Array) => Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString("latin1")
const domainOf = (address: string) => address.slice(address.lastIndexOf("@") + 1).toLowerCase()
const refusals = ["450 4.7.1 Later", "550 5.7.1 No", "451 4.3.0 Trouble", "554 5.5.0 Never"]

export const make = (character: Character) => {
  const roll = dice(character.seed)
  const chance = (percent: number) => roll() * 100 < percent
  const offers = (keyword: string) => character.extensions.includes(keyword)
  const { limits } = character
  const truth: Array<Delivery> = []
  const faults: Array<string> = []
  let open = 0
  let activity = 0

  const ehlo = () => {
    const announced = [
      limits.mailMax === undefined ? "" : ` MAILMAX=${limits.mailMax}`,
      limits.rcptMax === undefined ? "" : ` RCPTMAX=${limits.rcptMax}`,
      limits.rcptDomainMax === undefined ? "" : ` RCPTDOMAINMAX=${limits.rcptDomainMax}`
    ].join("")
    const keywords = announced !== "" && character.announcesLimits
      ? [...character.extensions, `LIMITS${announced}`]
      : character.extensions
    return ["250-model.test", ...keywords.map((keyword) => `250-${keyword}`), "250 HELP"].join("\r\n")
  }

  const connect = Effect.gen(function*() {
    if (character.hangsUp && chance(character.trouble / 3)) {
      return yield* new ConnectionFailed({ kind: "Refused", host: "model.test", port: 25, attempts: [] })
    }
    open++
    const inbox = Latch.makeUnsafe(false)
    const outbox = Latch.makeUnsafe(true)
    const emptied = Latch.makeUnsafe(true)
    let input = ""
    let output = ""
    let ended: "Closed" | "Reset" | undefined
    /** Says nothing any more; and does nothing either where it is dead. */
    let silent: "mute" | "dead" | undefined
    /** The connection ends once so many octets came. */
    let left = character.hangsUp && chance(character.trouble) ? Math.floor(roll() * roll() * 6_000) : Infinity
    let greeted = false
    let mails = 0
    const domains = new Set<string>()
    let sender: string | undefined
    let recipients: Array<string> = []
    let content = ""
    let inData = false
    let chunk: { left: number; readonly last: boolean; readonly refusal: string | undefined } | undefined
    /** A chunk of this transaction was refused. */
    let spoilt = false

    const fault = (what: string) => {
      // where chunks are read as commands, the client is innocent of them
      if (character.bdat === "known") faults.push(what)
    }
    const say = (line: string) => {
      if (silent === undefined) output += `${line}\r\n`
    }
    const reset = () => {
      sender = undefined
      recipients = []
      content = ""
      spoilt = false
    }
    const end = (how: "Closed" | "Reset") => {
      ended ??= how
      outbox.openUnsafe()
      emptied.openUnsafe()
      inbox.openUnsafe()
    }
    /** A part of what was said never arrives. */
    const lose = () => {
      if (chance(60)) output = output.slice(0, Math.floor(roll() * (output.length + 1)))
    }
    const closing = () => {
      say("421 4.3.2 Closing")
      end("Closed")
    }
    say(character.hangsUp && chance(character.trouble / 5) ? "421 4.3.2 Busy" : "220 model.test")

    /** True: the reply to it is trouble already. */
    const troubled = (command: Command): boolean => {
      const own = character.policy?.(command)
      if (own !== undefined) {
        say(own)
        return true
      }
      if (!chance(character.trouble)) return false
      const dice = Math.floor(roll() * 8)
      if (dice < 4 && character.hangsUp) {
        if (dice < 2) lose()
        if (dice === 2) closing()
        else end(dice === 0 ? "Closed" : "Reset")
        return true
      }
      if (dice === 4 && character.fallsSilent) {
        silent = chance(50) ? "mute" : "dead"
        return true
      }
      say(refusals[Math.floor(roll() * refusals.length)] ?? "")
      return true
    }

    /** The end of data came. */
    const deliver = () => {
      const id = /^Subject: (\S+)/m.exec(content)?.[1] ?? "?"
      const give = (recipient: string) => truth.push({ id, sender: sender ?? "?", recipient, content })
      const hangsUp = character.hangsUp && chance(character.trouble / 2)
      // it hangs up before it took it
      if (hangsUp && chance(50)) {
        if (chance(30)) return closing()
        lose()
        return end(chance(50) ? "Closed" : "Reset")
      }
      if (character.lmtp) {
        for (const recipient of recipients) {
          if (chance(character.trouble)) say("450 4.2.2 Full")
          else {
            give(recipient)
            say("250 Ok")
          }
        }
      } else if (recipients.length === 0) say("554 5.5.1 No valid recipients")
      else if (!troubled({ verb: "content", address: sender ?? "" })) {
        recipients.forEach(give)
        say("250 2.0.0 Ok")
      }
      // or after
      if (hangsUp) {
        lose()
        end(chance(50) ? "Closed" : "Reset")
      }
    }

    const mail = (address: string) => {
      if (sender !== undefined) return say("503 5.5.1 Nested MAIL")
      mails++
      if (limits.mailMax !== undefined && mails > limits.mailMax) {
        if (character.announcesLimits) fault(`more MAIL than MAILMAX=${limits.mailMax}`)
        return closing()
      }
      if (troubled({ verb: "MAIL", address })) return
      sender = address
      say("250 Ok")
    }

    const rcpt = (address: string) => {
      if (sender === undefined) return say("503 5.5.1 MAIL first")
      if (limits.rcptMax !== undefined && recipients.length >= limits.rcptMax) {
        if (character.announcesLimits) fault(`more RCPT than RCPTMAX=${limits.rcptMax}`)
        return say("452 4.5.3 Too many recipients")
      }
      if (limits.rcptDomainMax !== undefined && !domains.has(domainOf(address))) {
        if (domains.size >= limits.rcptDomainMax) {
          if (character.announcesLimits) fault(`more domains than RCPTDOMAINMAX=${limits.rcptDomainMax}`)
          return say("452 4.5.3 Too many recipients")
        }
        domains.add(domainOf(address))
      }
      if (troubled({ verb: "RCPT", address })) return
      recipients.push(address)
      say("250 Ok")
    }

    const bdat = (line: string) => {
      if (!offers("CHUNKING")) fault("BDAT is not offered")
      if (character.bdat === "unread") return say("500 5.5.2 What is BDAT?")
      const [, octets = "", last = ""] = line.split(" ")
      if (!/^BDAT \d+( LAST)?$/.test(line)) fault(`out of form: ${line}`)
      if (octets === "0" && last === "") fault("BDAT 0 without LAST")
      const refusal = recipients.length === 0
        ? sender === undefined ? "503 5.5.1 MAIL first" : "554 5.5.1 No valid recipients"
        : spoilt
        ? "503 5.5.1 A chunk was refused: RSET"
        : undefined
      chunk = { left: Number(octets), last: last !== "", refusal }
    }

    const chunkEnded = ({ last, refusal }: { readonly last: boolean; readonly refusal: string | undefined }) => {
      chunk = undefined
      if (refusal !== undefined) {
        say(refusal)
        if (last && !character.keepsRefused) reset()
        return
      }
      if (last) {
        deliver()
        return reset()
      }
      if (troubled({ verb: "BDAT", address: sender ?? "" })) spoilt = true
      else say("250 Ok")
    }

    const command = (line: string) => {
      const verb = line.slice(0, 4).toUpperCase()
      const path = /<(.*?)>/.exec(line)?.[1] ?? ""
      if (input !== "" && verb !== "BDAT" && (!offers("PIPELINING") || /^(EHLO|LHLO|DATA|QUIT|NOOP)/.test(verb))) {
        fault(`${verb} and more in a group`)
      }
      switch (verb) {
        case "EHLO":
        case "LHLO":
          if (character.hangsUp && chance(character.trouble / 5)) return closing()
          greeted = true
          return say(ehlo())
        case "MAIL":
          if (!greeted) fault("MAIL before EHLO")
          return mail(path)
        case "RCPT":
          return rcpt(path)
        case "DATA":
          if (recipients.length === 0) {
            if (!character.takesDataForNobody || sender === undefined) return say("503 5.5.1 RCPT first")
          } else if (troubled({ verb: "DATA", address: sender ?? "" })) return
          inData = true
          return say("354 Go on")
        case "BDAT":
          return bdat(line)
        case "RSET":
          reset()
          if (character.hangsUp && chance(character.trouble / 10)) return closing()
          return say("250 Ok")
        case "NOOP":
          return say("250 Ok")
        case "QUIT":
          say("221 Bye")
          return end("Closed")
        default:
          fault(`not a command: ${line.slice(0, 60)}`)
          return say("500 5.5.1 What?")
      }
    }

    const data = (): boolean => {
      const before = content.length
      content += input
      input = ""
      const whole = content.startsWith(".\r\n")
      const at = whole ? -2 : content.indexOf("\r\n.\r\n", Math.max(0, before - 4))
      if (at === -1) return true
      input = content.slice(at + 5)
      content = content.slice(0, at + 2)
      if (whole && recipients.length > 0) fault("a lone dot for somebody")
      if (input !== "" && !offers("PIPELINING")) fault("more behind the content")
      content = content.replaceAll(/^\./gm, "")
      inData = false
      deliver()
      reset()
      return true
    }

    /** One command, or what is there of content. False: nothing to do. */
    const step = (): boolean => {
      if (ended !== undefined || input === "" || silent === "dead") return false
      activity++
      if (chunk !== undefined) {
        const taken = input.slice(0, chunk.left)
        input = input.slice(taken.length)
        chunk.left -= taken.length
        if (chunk.refusal === undefined) content += taken
        if (chunk.left === 0) chunkEnded(chunk)
        return true
      }
      if (inData) return data()
      const crlf = input.indexOf("\r\n")
      if (crlf < 0) return false
      const line = input.slice(0, crlf)
      input = input.slice(crlf + 2)
      command(line)
      // a chunk without octets
      if (chunk !== undefined && (chunk as { readonly left: number }).left === 0) chunkEnded(chunk)
      return true
    }

    const receive = (octets: string) => {
      activity++
      const taken = octets.slice(0, left)
      input += taken
      left -= taken.length
      inbox.openUnsafe()
      if (left > 0) return
      // it works off what it has; what it says to that is lost, or a part of it
      while (step());
      lose()
      end(chance(50) ? "Closed" : "Reset")
    }

    const serve = Effect.gen(function*() {
      while (true) {
        const turns = character.arrival === "random" ? Math.floor(roll() * 4) : 0
        for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow
        const most = 1 + Math.floor(roll() * 6)
        let steps = 0
        while (steps < most && step()) steps++
        // opening a latch may run who waits there and then
        const idle = steps < most
        if (idle) inbox.closeUnsafe()
        if (input.length < character.capacity) emptied.openUnsafe()
        if (output !== "" || ended !== undefined) outbox.openUnsafe()
        if (ended !== undefined) return
        yield* idle ? inbox.await : Effect.yieldNow
      }
    })
    yield* Effect.forkScoped(serve)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        open--
        activity++
        // what the client wrote before it went away may still be worked off
        if (chance(50)) { while (step()); }
        end("Closed")
      })
    )

    const pull: Connection["pull"] = Effect.suspend(() => {
      if (output !== "") {
        activity++
        const octets = character.arrival === "byte"
          ? 1
          : character.arrival === "line"
          ? output.indexOf("\n") + 1 || output.length
          : Math.max(1, Math.floor(roll() * output.length * 1.5))
        const taken = output.slice(0, octets)
        output = output.slice(octets)
        return Effect.succeed([Uint8Array.from(taken, (c) => c.charCodeAt(0))])
      }
      if (ended !== undefined) return Effect.fail(new ConnectionLost({ kind: ended }))
      outbox.closeUnsafe()
      return Effect.andThen(outbox.await, pull)
    })

    const write = (octets: string): Effect.Effect<void, ConnectionLost> =>
      Effect.suspend(() => {
        if (ended !== undefined) return Effect.fail(new ConnectionLost({ kind: ended }))
        if (octets === "") return Effect.void
        const room = character.capacity - input.length
        if (room > 0) {
          receive(octets.slice(0, room))
          return write(octets.slice(room))
        }
        emptied.closeUnsafe()
        return Effect.andThen(emptied.await, write(octets))
      })

    const connection: Connection = {
      pull,
      writeAll: (chunks) => write(chunks.map(latin1).join("")),
      upgrade: () => Effect.fail(new TlsFailed({ kind: "Handshake" })),
      tls: undefined,
      address: "203.0.113.25",
      localAddress: "192.0.2.1",
      channelBinding: undefined
    }
    return connection
  })

  return {
    /** Who has what. */
    truth,
    /** What the client did that it may not do. */
    faults,
    open: () => open,
    /** Grows as long as something happens. */
    activity: () => activity,
    layer: Layer.succeed(Connector, Connector.of({ connect: () => connect }))
  }
}
