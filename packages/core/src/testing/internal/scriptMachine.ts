/**
 * A scripted server as a state machine without I/O: the client's octets in, the server's octets out.
 *
 * Lines are consumed one at a time, in order, whether they come one by one or all together, so a pipelined group needs
 * nothing special. Where the client departs from the script the machine stops for good and keeps the departure; whoever
 * drives it must show it. What it shows of a client's line is the line's log form, decided by the state of the dialogue.
 *
 * It knows no clock: at a `Delay` it stands still until `resume` is called.
 */
import { escape, isAuth, knownVerb, maskClientLine, secretsOf } from "../../internal/maskedLine.ts"
import { makeScrub } from "../../internal/scrub.ts"
import { secret } from "../../LogEvent.ts"
import { concat, encodeLines, type Op } from "./scriptOps.ts"
import { maskServerLine, printOps } from "./scriptText.ts"

/** One line of the conversation as it went over, in log form. */
export interface Entry {
  readonly text: string
  /** The operation that it belongs to. */
  readonly op: number
}

export type Closing = "client" | "server" | "reset" | "network"

/** What a departure calls the two sides, and the end of the left one. */
export interface Words {
  readonly expected: string
  readonly got: string
  readonly end: string
}
const scriptWords: Words = { expected: "expected", got: "got", end: "(end of the script)" }

const latin1 = (octets: Uint8Array) => {
  let text = ""
  for (const octet of octets) text += String.fromCharCode(octet)
  return text
}
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** The octets after CRLF.CRLF, if it is there; `state` is how much of it was matched before, 2 = at the start of a line. */
const endOfContent = (
  octets: Uint8Array,
  state: number
): { readonly end: number | undefined; readonly state: number } => {
  for (let at = 0; at < octets.length; at++) {
    const octet = octets[at]
    if (octet === 13) state = state === 3 ? 4 : 1
    else if (octet === 10 && state === 4) return { end: at + 1, state: 2 }
    else if (octet === 10 && state === 1) state = 2
    else if (octet === 46 && state === 2) state = 3
    else state = 0
  }
  return { end: undefined, state }
}

/** `star` against any run of characters where the script has the log form of a secret. */
const matches = (expected: string | RegExp, line: string): boolean => {
  if (typeof expected !== "string") return new RegExp(expected.source, expected.flags.replace(/[gy]/g, "")).test(line)
  const parts = expected.split(secret)
  if (parts.length === 1) return expected === line
  const head = parts[0] ?? ""
  const tail = parts.slice(1).join(secret)
  return line.length > head.length + tail.length && line.startsWith(head) && line.endsWith(tail)
}

export class Machine {
  readonly ops: ReadonlyArray<Op>
  readonly entries: Array<Entry> = []
  readonly received: Array<Uint8Array> = []
  readonly contents: Array<Uint8Array> = []
  roundTrips = 0
  departure: string | undefined
  closedBy: Closing | undefined
  clientOpen = true
  /** Set at a `Delay`: how long, until `resume`. */
  waiting: number | undefined
  index = 0

  private pending: Uint8Array = new Uint8Array(0)
  private readonly ready: Array<{ readonly octets: Uint8Array; readonly op: number }> = []
  private held: Array<{ readonly octets: Uint8Array; readonly op: number }> | undefined
  private authenticating = false
  private readonly secrets = makeScrub()
  private produced = ""
  private delivered: Uint8Array = new Uint8Array(0)
  private deliveredOp = 0
  private content: Array<Uint8Array> = []
  private contentLength = 0
  private contentState = 2
  private chunk: { left: number; readonly octets: number; readonly last: boolean } | undefined
  private swallowed = 0
  private clientSpoke = false
  /** An AUTH line whose response is still to come: it counts as one line with it. */
  private begunAuth = ""
  /** The line that stands next was a part of the line before, and has been shown. */
  private isImplied = false
  private readonly words: Words

  constructor(ops: ReadonlyArray<Op>, words: Words = scriptWords) {
    this.ops = ops
    this.words = words
  }

  /** Whether more of the client's octets are read at all. */
  get stalled(): boolean {
    return this.closedBy === undefined && this.ops[this.index]?._tag === "Stall"
  }

  get finished(): boolean {
    const op = this.ops[this.index]
    if (op === undefined) return true
    if (op._tag === "Expect" && op.optional === true) return !this.clientOpen
    return (op._tag === "Silence" || op._tag === "Stall" || op._tag === "End") && !this.clientOpen &&
      this.index === this.ops.length - 1
  }

  receive(octets: Uint8Array): void {
    if (!this.clientSpoke) this.roundTrips++
    this.clientSpoke = true
    const copy = octets.slice()
    this.received.push(copy)
    this.pending = this.pending.length === 0 ? copy : concat([this.pending, copy])
    this.advance()
  }

  resume(): void {
    if (this.waiting === undefined) return
    this.waiting = undefined
    this.index++
    this.advance()
  }

  /** As much as the client is given at once. */
  take(chunks: "whole" | "line" | "byte"): Uint8Array | undefined {
    const first = this.ready[0]
    if (first === undefined) return undefined
    let octets: Uint8Array
    if (chunks === "whole") {
      octets = concat(this.ready.map((part) => part.octets))
      for (const part of this.ready) this.deliver(part.octets, part.op)
      this.ready.length = 0
    } else {
      const lf = first.octets.indexOf(10)
      const length = chunks === "byte" ? 1 : lf < 0 ? first.octets.length : lf + 1
      octets = first.octets.slice(0, length)
      this.deliver(octets, first.op)
      if (length === first.octets.length) this.ready.shift()
      else this.ready[0] = { octets: first.octets.subarray(length), op: first.op }
    }
    this.clientSpoke = false
    return octets
  }

  get unread(): boolean {
    return this.ready.length > 0
  }

  close(by: Closing): void {
    if (by === "client") {
      if (this.clientOpen && this.closedBy === undefined) this.note("closed by the client")
      this.clientOpen = false
    }
    this.closedBy ??= by
  }

  /** The handshake or dial that the script stands at has come to its end. */
  pass(): void {
    this.index++
    this.advance()
  }

  /** The dial or the handshake that the script stands at has failed: there is no connection any more. */
  fail(): void {
    this.closedBy ??= "network"
    this.clientOpen = false
    this.index++
  }

  note(text: string): void {
    this.entries.push({ text: `-- ${text}`, op: Math.min(this.index, this.ops.length) })
  }

  /** Ends the conversation: what the client did instead of what the script has. */
  depart(got: string): void {
    if (this.departure !== undefined) return
    this.entries.push({ text: got, op: this.index })
    this.departure = this.sideBySide()
  }

  private masked(line: string): string {
    return escape(maskClientLine(line, this.authenticating))
  }

  /** The line that stands next in the input, in log form, for a departure. */
  private nextLine(): string {
    const end = this.pending.indexOf(10)
    const line = decoder.decode(this.pending.slice(0, end < 0 ? this.pending.length : end)).replace(/\r$/, "")
    return `C: ${this.masked(line)}${end < 0 ? " [unfinished]" : ""}`
  }

  advance(): void {
    while (this.departure === undefined && this.closedBy === undefined && this.waiting === undefined) {
      const op = this.ops[this.index]
      if (op === undefined) {
        this.release()
        if (this.pending.length > 0) this.depart(this.nextLine())
        return
      }
      if (!this.step(op)) return
    }
  }

  /** Carries out one operation; false if it needs more from the client. */
  private step(op: Op): boolean {
    switch (op._tag) {
      case "Send":
        this.send(op.octets)
        break
      case "Expect": {
        const said = this.takeLine()
        if (said === undefined) return false
        const shown = `C: ${this.masked(said)}`
        const line = this.begunAuth + said
        this.begunAuth = ""
        if (!(op.matches === undefined ? matches(op.line, line) : op.matches(line))) {
          if (this.takeOtherAuth(op, line, shown)) return true
          this.depart(shown)
          return false
        }
        if (!this.isImplied) this.entries.push({ text: shown, op: this.index })
        this.isImplied = false
        this.consumedLine(said)
        if (op.answer !== undefined) this.send(encodeLines(op.answer(line)))
        break
      }
      case "Content":
        if (!this.takeContent()) return false
        break
      case "Bdat":
        if (!this.takeChunk(op.between)) return false
        break
      case "Swallow": {
        const octets = this.takeOctets(op.octets - this.swallowed)
        this.swallowed += octets.length
        if (this.swallowed < op.octets) return false
        this.entries.push({ text: `C: [${op.octets} octets]`, op: this.index })
        this.swallowed = 0
        break
      }
      case "Hold":
        this.held ??= []
        break
      case "Release":
        this.release()
        break
      case "Delay":
        this.waiting = op.millis
        return false
      case "Silence":
        for (let line = this.takeLine(); line !== undefined; line = this.takeLine()) this.overhear(line)
        return false
      case "Stall":
        return false
      case "StartTls":
      case "End":
        if (this.pending.length > 0) this.depart(this.nextLine())
        return false
      case "Close":
      case "Reset":
        this.release()
        this.note(op._tag === "Close" ? "closed by the server" : "reset by the server")
        this.close(op._tag === "Close" ? "server" : "reset")
        break
      case "Refuse":
      case "Tls":
        return false
    }
    this.index++
    return true
  }

  /** The same mechanism, with its response in the AUTH line where it was apart, or the other way round. */
  private takeOtherAuth(op: Op & { readonly _tag: "Expect" }, line: string, shown: string): boolean {
    if (op.sasl === undefined || typeof op.line !== "string") return false
    const [verb = "", mechanism = "", response, ...more] = line.split(" ")
    const wanted = op.line.split(" ")[1] ?? ""
    if (!isAuth(verb) || mechanism.toUpperCase() !== wanted.toUpperCase() || more.length > 0) return false
    if ((op.sasl === "initial") !== (response === undefined)) return false
    this.entries.push({ text: shown, op: this.index })
    this.consumedLine(line)
    if (response === undefined) {
      this.begunAuth = `${line} `
      this.send(encodeLines(["334 "]))
      return true
    }
    const next = this.ops.findIndex((other, at) => at > this.index && other._tag === "Expect")
    if (next < 0) return false
    this.pending = concat([encodeLines([response === "=" ? "" : response]), this.pending])
    this.isImplied = true
    this.index = next
    return true
  }

  private send(octets: Uint8Array): void {
    if (octets.length === 0) return
    ;(this.held ?? this.ready).push({ octets, op: this.index })
    if (!this.authenticating) return
    this.produced += latin1(octets)
    for (let end = this.produced.indexOf("\n"); end >= 0; end = this.produced.indexOf("\n")) {
      const line = this.produced.slice(0, end)
      this.produced = this.produced.slice(end + 1)
      if (/^\d{3}(?!-)/.test(line) && !line.startsWith("334")) this.authenticating = false
    }
  }

  private release(): void {
    if (this.held !== undefined) this.ready.push(...this.held)
    this.held = undefined
  }

  private consumedLine(line: string): void {
    if (this.authenticating || isAuth(line)) {
      if (!this.authenticating) this.produced = ""
      this.authenticating = true
      this.secrets.addLine(line)
      for (const secret of secretsOf(line)) this.secrets.addSecret(secret)
    }
  }

  private scrub(text: string): string {
    return this.secrets.scrub(text, this.authenticating)
  }

  private overhear(line: string): void {
    const last = this.entries.at(-1)
    const octets = line.length + 2
    const before = last === undefined ? null : /^C: \[(\d+) octets\]$/.exec(last.text)
    if (this.authenticating || isAuth(line) || knownVerb(line) !== undefined) {
      this.entries.push({ text: `C: ${this.masked(line)}`, op: this.index })
      this.consumedLine(line)
    } else if (before !== null) {
      this.entries[this.entries.length - 1] = { text: `C: [${Number(before[1]) + octets} octets]`, op: this.index }
    } else this.entries.push({ text: `C: [${octets} octets]`, op: this.index })
  }

  private takeLine(): string | undefined {
    for (let at = 0; at + 1 < this.pending.length; at++) {
      if (this.pending[at] === 13 && this.pending[at + 1] === 10) {
        const line = decoder.decode(this.pending.slice(0, at))
        this.pending = this.pending.slice(at + 2)
        return line
      }
    }
    return undefined
  }

  private takeOctets(most: number): Uint8Array {
    const octets = this.pending.slice(0, most)
    this.pending = this.pending.slice(octets.length)
    return octets
  }

  private takeContent(): boolean {
    const { end, state } = endOfContent(this.pending, this.contentState)
    this.contentState = state
    const octets = this.takeOctets(end ?? this.pending.length)
    this.content.push(octets)
    this.contentLength += octets.length
    if (end === undefined) return false
    const whole = concat(this.content)
    this.contents.push(whole.slice(0, whole.length - 3))
    this.entries.push({ text: `C: [${whole.length - 3} octets]`, op: this.index }, { text: "C: .", op: this.index })
    this.resetContent()
    return true
  }

  private takeChunk(between: Uint8Array | undefined): boolean {
    while (true) {
      if (!this.takeOneChunk()) return false
      const isLast = this.chunk?.last === true
      this.chunk = undefined
      if (isLast || between === undefined) return true
      this.send(between)
    }
  }

  private takeOneChunk(): boolean {
    if (this.chunk === undefined) {
      const line = this.takeLine()
      if (line === undefined) return false
      const found = /^BDAT (\d{1,15})( LAST)?$/i.exec(line)
      if (found === null) {
        this.depart(`C: ${this.masked(line)}`)
        return false
      }
      this.entries.push({ text: `C: ${line}`, op: this.index })
      this.chunk = { left: Number(found[1]), octets: Number(found[1]), last: found[2] !== undefined }
    }
    const octets = this.takeOctets(this.chunk.left)
    this.chunk.left -= octets.length
    this.content.push(octets)
    this.contentLength += octets.length
    if (this.chunk.left > 0) return false
    this.entries.push({ text: `C: [${this.chunk.octets} octets]`, op: this.index })
    if (this.chunk.last) {
      this.contents.push(concat(this.content))
      this.resetContent()
    }
    return true
  }

  private resetContent(): void {
    this.content = []
    this.contentLength = 0
    this.contentState = 2
  }

  private deliver(octets: Uint8Array, op: number): void {
    let from = 0
    for (let lf = octets.indexOf(10); lf >= 0; lf = octets.indexOf(10, from)) {
      if (this.delivered.length === 0) this.deliveredOp = op
      const line = decoder.decode(concat([this.delivered, octets.slice(from, lf)])).replace(/\r$/, "")
      this.entries.push({ text: this.scrub(`S: ${maskServerLine(line)}`), op: this.deliveredOp })
      this.delivered = new Uint8Array(0)
      from = lf + 1
    }
    if (from < octets.length) {
      if (this.delivered.length === 0) this.deliveredOp = op
      this.delivered = concat([this.delivered, octets.subarray(from)])
    }
  }

  /** Everything that went over, unfinished lines and content included. */
  conversation(): ReadonlyArray<Entry> {
    // what the server said before it was told the secret, too
    const out = this.entries.map((entry) =>
      entry.text.startsWith("S: ") ? { ...entry, text: this.secrets.scrub(entry.text, false) } : entry
    )
    const unfinished = (text: string, op: number) => out.push({ text: `${text} [unfinished]`, op })
    if (this.delivered.length > 0) {
      unfinished(this.scrub(`S: ${maskServerLine(decoder.decode(this.delivered))}`), this.deliveredOp)
    }
    if (this.contentLength > 0) unfinished(`C: [${this.contentLength} octets]`, this.index)
    else if (this.swallowed > 0) unfinished(`C: [${this.swallowed} octets]`, this.index)
    return out
  }

  /** The script beside what went over, an operation beneath the other; the row where they part is marked. */
  sideBySide(): string {
    const expected = printOps(this.ops, { masked: true }).map((lines) => lines.map((line) => this.scrub(line)))
    const got = this.conversation()
    const rows: Array<readonly [string, string, string]> = []
    const end = Math.min(this.index + 3, Math.max(this.index + 1, expected.length))
    for (let op = 0; op < end; op++) {
      const left = expected[op] ?? [this.words.end]
      const right = got.filter((entry) => entry.op === op).map((entry) => entry.text)
      for (let row = 0; row < Math.max(left.length, right.length); row++) {
        rows.push([op === this.index && row === 0 ? ">" : " ", left[row] ?? "", right[row] ?? ""])
      }
    }
    if (end < expected.length) rows.push([" ", "…", ""])
    const width = Math.min(60, Math.max(...rows.map((row) => row[1].length)))
    return [[" ", this.words.expected, this.words.got] as const, ...rows].map(([mark, left, right]) =>
      `${mark} ${left.padEnd(width)} | ${right}`.trimEnd()
    ).join("\n")
  }
}
