/**
 * From a recorded conversation to what a scripted server does: the exchanges one after the other, and how it ended.
 *
 * The recording is the client's or the server's log. What hangs on the moment is put in anew where that is possible: the
 * nonce of a SCRAM login, the number of chunks. What hangs on a secret that the log does not have is no part of a script:
 * the problem is told, with the number of the line.
 */
import { decodeString, encode as encodeBase64 } from "effect/encoding/Base64"
import * as Result from "effect/Result"
import { failedKind } from "../../internal/diagnosis/troubles.ts"
import { openingNote } from "../../internal/log/foreignNotes.ts"
import * as Octets from "../../internal/octets.ts"
import type { LogEvent } from "../../LogEvent.ts"
import type { TlsInfo } from "../../Tls.ts"
import { endingOf, handshakeFailure, notDialled, type Opening } from "./recordedEnd.ts"
import { isMaskedFrom, matchesCommand, matchesResponse } from "./recordedLine.ts"
import { codeOf, type Exchange, exchangesOf } from "./recording.ts"
import { concat, encodeLines, type Op } from "./scriptOps.ts"

export interface Recorded {
  readonly ops: ReadonlyArray<Op>
  /** Addresses that failed before the dial came to its end. */
  readonly attempts: ReadonlyArray<{ readonly address: string; readonly problem: string }>
  readonly address: string | undefined
  /** The client's own, where it introduced itself by it. */
  readonly localAddress: string | undefined
  /** A mechanism that binds to the channel was used. */
  readonly isBound: boolean
  readonly isSecured: boolean
  /** A connection came about. */
  readonly isConnected: boolean
}

/** How fast the server answers: at once, or after as long as it took. */
export type Pace = "immediate" | "recorded"

const assumed: TlsInfo = { protocol: "unknown", cipher: "unknown", verified: true, chain: [] }

const octetsOf = (lines: ReadonlyArray<{ readonly line: string }>): Uint8Array =>
  concat(lines.flatMap(({ line }) => [Octets.encode(line), encodeLines([""])]))

/** The server's first message of SCRAM (RFC 5802 §5.1) with this client's nonce in front of the recorded one. */
const withNonce = (challenge: string) => (line: string): ReadonlyArray<string> => {
  const response = line.split(" ").at(-1) ?? ""
  const said = Result.getOrElse(decodeString(response), () => "")
  const nonce = /(?:^|,)r=([^,]+)/.exec(said)?.[1]
  return [
    nonce === undefined
      ? `334 ${encodeBase64(challenge)}`
      : `334 ${encodeBase64(challenge.replace("r=", `r=${nonce}`))}`
  ]
}

const scramChallenge = ({ reply }: Exchange): string | undefined => {
  const [first, second] = reply
  if (first === undefined || second !== undefined || !first.line.startsWith("334 ")) return undefined
  const text = Result.getOrUndefined(decodeString(first.line.slice(4)))
  return text !== undefined && /^r=[^,]+,s=[^,]+,i=\d+/.test(text) ? text : undefined
}

const goesOn = encodeLines(["250 2.0.0 Ok"])

/** `Failure`: what makes it impossible to play, in words. */
export const make = (events: ReadonlyArray<LogEvent>, pace: Pace): Result.Result<Recorded, string> => {
  const opening = openingOf(events)
  const attempts = events.flatMap((event) =>
    event._tag === "AttemptFailed" ? [{ address: event.address, problem: event.problem }] : []
  )
  const firstSaid = events.find(({ _tag }) => _tag === "ClientLine" || _tag === "ServerLine")
  const isConnected = opening.isConnected || firstSaid !== undefined
  const facts = { attempts, address: opening.address, isSecured: opening.tls !== undefined, isConnected }
  const lost = events.find((event) => event._tag === "Lost")
  if (lost !== undefined) return Result.fail(`the log lost ${lost.count} events of it: ${lost.problem}`)
  if (!isConnected) {
    const ops = notDialled(events, opening)
    return ops === undefined
      ? Result.fail("the log ends before a connection came about or failed")
      : Result.succeed({ ...facts, ops, localAddress: undefined, isBound: false })
  }
  if (firstSaid?._tag === "ClientLine") {
    return Result.fail(
      `it begins in the middle: what the server said before line ${firstSaid.counter} is not in the log. Record it anew, with the log switched on before the connection`
    )
  }
  const failed = events.findLast((event) => event._tag === "Failed")
  const isBroken = failed?._tag === "Failed" && failed.phase === "content"
  const exchanges = exchangesOf(events, isBroken)
  const hidden = exchanges.flatMap(({ reply }) => reply).find(({ line }) =>
    line.startsWith("334") && isMaskedFrom(line, 4)
  )
  if (hidden !== undefined) {
    return Result.fail(
      `line ${hidden.counter}: what the server answered hangs on the password, which no log has (a SCRAM login that it confirmed). Record it with another mechanism (authenticationMode)`
    )
  }
  const ending = endingOf(events, exchanges)
  const ops: Array<Op> = []
  if (opening.tls !== undefined) ops.push({ _tag: "Tls", outcome: { info: opening.tls } })
  const played = ending.isDeaf
    ? exchanges.slice(0, exchanges.findLastIndex(({ isAnswered }) => isAnswered) + 1)
    : exchanges
  let said = events[0]?.time ?? 0
  let mechanism = ""
  const say = (exchange: Exchange, octets: Uint8Array) => {
    const [first] = exchange.reply
    if (first !== undefined) {
      const since = Math.max(exchange.kind === "greeting" ? said : exchange.time, said)
      if (pace === "recorded" && first.time > since) ops.push({ _tag: "Delay", millis: first.time - since })
      said = exchange.reply.at(-1)?.time ?? said
    }
    if (octets.length > 0) ops.push({ _tag: "Send", octets })
  }

  for (let at = 0; at < played.length; at++) {
    const exchange = played[at]
    if (exchange === undefined) break
    const { kind, line, verb } = exchange
    if (verb === "AUTH") mechanism = line.split(" ")[1]?.toUpperCase() ?? ""
    // a nonce that did not extend the client's was the fault that it found
    const isForeign = played[at + 1]?.line === "*" && failed?._tag === "Failed" && failed.reason === "ProtocolViolation"
    const challenge = mechanism.startsWith("SCRAM-") && !isForeign && (verb === "AUTH" || kind === "login")
      ? scramChallenge(exchange)
      : undefined
    const answer = challenge === undefined ? {} : { answer: withNonce(challenge) }
    switch (kind) {
      case "greeting":
        break
      case "unasked":
        if (isBroken && ops.at(-1)?._tag === "Send") ops.push({ _tag: "Swallow", octets: 1 })
        break
      case "command":
        ops.push({ _tag: "Expect", line, matches: matchesCommand(line), ...saslOf(exchange), ...answer })
        break
      case "login":
        ops.push({ _tag: "Expect", line, matches: matchesResponse(line), ...answer })
        break
      case "content":
        ops.push({ _tag: "Content" })
        break
      case "chunk": {
        const last = lastChunk(played, at)
        ops.push(last === undefined ? { _tag: "Bdat" } : { _tag: "Bdat", between: betweenChunks(exchange, at < last) })
        at = last ?? at
        break
      }
    }
    const shown = played[at] ?? exchange
    if (challenge === undefined) say(shown, octetsOf(shown.reply))
    if (verb === "STARTTLS" && codeOf(exchange.reply.at(-1)?.line ?? "") === 220) {
      const outcome = startTlsOf(exchange, at + 1 < played.length, events)
      if (outcome !== undefined) ops.push(outcome)
    }
    if (verb === "QUIT") break
  }
  ops.push(...ending.ops)
  const hello = exchanges.find(({ verb }) => verb === "EHLO" || verb === "HELO")
  return Result.succeed({
    ...facts,
    ops,
    localAddress: /\[(?:IPv6:)?([^\]]+)\]\s*$/i.exec(hello?.line ?? "")?.[1],
    isBound: exchanges.some(({ line, verb }) => verb === "AUTH" && /-PLUS\b/i.test(line))
  })
}

const openingOf = (events: ReadonlyArray<LogEvent>): Opening => {
  let host = "the recorded host"
  let port = 0
  let address: string | undefined
  let isConnected = false
  let isImplicit = false
  let tls: TlsInfo | undefined
  for (const event of events) {
    if (event._tag === "ServerLine" || event._tag === "ClientLine") break
    if (event._tag === "Connecting" || event._tag === "Connected") {
      host = event.host
      port = event.port
    }
    if (event._tag === "Connecting") isImplicit = event.tls === "implicit"
    if (event._tag === "Connected") {
      isConnected = true
      address = event.address
      if (event.secured) tls ??= assumed
    }
    if (event._tag === "Secured") tls = event.tls
    const note = event._tag === "Note" ? openingNote(event.text) : undefined
    if (note !== undefined) {
      host = note.host
      port = note.port
      isConnected = true
      if (note.secured) tls ??= assumed
    }
  }
  return { host, port, address, isConnected, isImplicit, tls }
}

/** The way in which AUTH was said, where the other way would come to the same. */
const saslOf = ({ line, reply }: Exchange): { readonly sasl?: "initial" | "separate" } => {
  const [verb = "", mechanism = "", response] = line.trimEnd().split(" ")
  if (verb.toUpperCase() !== "AUTH") return {}
  if (response !== undefined) return { sasl: "initial" }
  const challenge = reply[0]?.line.slice(4) ?? ""
  const isEmpty = codeOf(reply[0]?.line ?? "") === 334 && challenge.trim() === ""
  return isEmpty || mechanism.toUpperCase() === "LOGIN" ? { sasl: "separate" } : {}
}

/** The LAST chunk of this content, if none before it was refused. */
const lastChunk = (exchanges: ReadonlyArray<Exchange>, from: number): number | undefined => {
  for (let at = from; at < exchanges.length; at++) {
    const exchange = exchanges[at]
    if (exchange?.kind !== "chunk") return undefined
    if (/\sLAST\s*$/i.test(exchange.line)) return at
    if (exchange.isAnswered && codeOf(exchange.reply.at(-1)?.line ?? "") >= 300) return undefined
  }
  return undefined
}

const betweenChunks = (first: Exchange, isOneOfMany: boolean): Uint8Array =>
  isOneOfMany && first.reply.length > 0 ? octetsOf(first.reply) : goesOn

const startTlsOf = (exchange: Exchange, goesOn: boolean, events: ReadonlyArray<LogEvent>): Op | undefined => {
  if (exchange.tls !== undefined) return { _tag: "StartTls", outcome: { info: exchange.tls } }
  const fails = handshakeFailure(events)
  if (fails !== undefined) return { _tag: "StartTls", outcome: { fails } }
  // other programs' logs do not tell of the handshake
  const isInjected = events.some((event) =>
    event._tag === "Failed" && failedKind(event.reason, event.message) === "TlsFailed/PlaintextInjected"
  )
  return goesOn && !isInjected ? { _tag: "StartTls", outcome: undefined } : undefined
}
