/**
 * What a script is made of: a list of operations that a scripted server carries out one after another.
 *
 * A `Step` is one or more operations; two scripts are the same if their operations are, once neighbouring `Send`s are
 * joined. The text form (`scriptText`) and the server (`scriptMachine`) know only these.
 */
import type { CertificateRejected, ConnectionFailed, TlsFailed } from "../../SmtpError.ts"
import type { TlsInfo } from "../../Tls.ts"

export type TlsOutcome =
  | { readonly info: TlsInfo }
  | { readonly fails: CertificateRejected | TlsFailed }

export type Op =
  | { readonly _tag: "Refuse"; readonly reason: ConnectionFailed }
  | { readonly _tag: "Tls"; readonly outcome: TlsOutcome }
  | { readonly _tag: "Send"; readonly octets: Uint8Array }
  | {
    readonly _tag: "Expect"
    readonly line: string | RegExp
    readonly answer?: ((line: string) => ReadonlyArray<string>) | undefined
    /** Decides in the place of `line`, which is only shown then. */
    readonly matches?: ((line: string) => boolean) | undefined
    /** AUTH, with its initial response or without: either way in which the client may give it counts (RFC 4954 §4). */
    readonly sasl?: "initial" | "separate" | undefined
    /** The client may close instead. */
    readonly optional?: boolean | undefined
  }
  | { readonly _tag: "Content" }
  /** One chunk; with `between`, all up to the last one, and the answer to each before it. */
  | { readonly _tag: "Bdat"; readonly between?: Uint8Array | undefined }
  | { readonly _tag: "Swallow"; readonly octets: number }
  | { readonly _tag: "StartTls"; readonly outcome: TlsOutcome | undefined }
  | { readonly _tag: "Delay"; readonly millis: number }
  | { readonly _tag: "Hold" }
  | { readonly _tag: "Release" }
  | { readonly _tag: "Silence" }
  | { readonly _tag: "Stall" }
  | { readonly _tag: "Close" }
  | { readonly _tag: "Reset" }
  | { readonly _tag: "End" }

const encoder = new TextEncoder()

/** Each line with CRLF. */
export const encodeLines = (lines: ReadonlyArray<string>): Uint8Array =>
  encoder.encode(lines.map((line) => `${line}\r\n`).join(""))

export const concat = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** A mistake in a script, met before any connection: thrown, since a script is part of a test's source. */
export class ScriptMistake extends Error {
  override readonly name = "ScriptMistake"
}

const last: ReadonlySet<Op["_tag"]> = new Set(["Refuse", "Silence", "Stall", "Close", "Reset", "End"])

/** Joins neighbouring `Send`s and refuses what could never be reached. */
export const normalize = (ops: ReadonlyArray<Op>): ReadonlyArray<Op> => {
  const out: Array<Op> = []
  for (const op of ops) {
    const before = out.at(-1)
    if (op._tag === "Send" && op.octets.length === 0) continue
    if (before !== undefined && last.has(before._tag) && op._tag !== "End") {
      throw new ScriptMistake(`nothing can follow "${before._tag.toLowerCase()}", but "${op._tag.toLowerCase()}" does`)
    }
    if ((op._tag === "Refuse" || op._tag === "Tls") && out.some((op) => op._tag !== "Delay")) {
      throw new ScriptMistake(`"${op._tag.toLowerCase()}" tells how the dial ends: only a delay can precede it`)
    }
    if (op._tag === "Send" && before?._tag === "Send") {
      out[out.length - 1] = { _tag: "Send", octets: concat([before.octets, op.octets]) }
    } else out.push(op)
  }
  return out
}
