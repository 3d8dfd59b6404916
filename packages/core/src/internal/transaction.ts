/**
 * One mail transaction: MAIL, RCPT…, then DATA or BDAT (RFC 5321 §3.3, RFC 3030 §2), as an `Exchange` of the pipeline.
 *
 * It decides what is written when. Without PIPELINING one command at a time; with it MAIL, RCPTs and DATA travel as one
 * group (RFC 2920 §3.1), unless the DATA has to wait for the replies ("safe", or every recipient required). With
 * CHUNKING the content goes by BDAT, behind a positive RCPT reply. LMTP has one final reply for each accepted RCPT
 * (RFC 2033 §4.2).
 *
 * Invariants: a 354 with at least one accepted recipient is answered by the content or by closing, never by a lone dot
 * (which would deliver an empty message); DATA content that was begun is ended whole or the connection is destroyed;
 * a transaction that opened and did not reach its end of data is followed by RSET.
 */
import * as Command from "../Command.ts"
import type { Phase } from "../LogEvent.ts"
import type { Reply } from "../Reply.ts"
import {
  ConnectionLost,
  ContentRefused,
  ProtocolViolation,
  RecipientsRefused,
  SenderRefused,
  ServerRefused,
  type SmtpError,
  type SmtpErrorReason
} from "../SmtpError.ts"
import { accepted, acceptedRecipients, type Facts, makeFacts, takenUnderAnotherSender } from "./delivery.ts"
import { type Defect, type Exchange, fixedLine, type Line, type Pipeline } from "./pipeline.ts"
import { endOfData } from "./stuffing.ts"

/** What the server's extensions and the transporter's options say about how to write. */
export interface Ways {
  readonly pipelining: boolean
  readonly chunking: boolean
  readonly lmtp: boolean
  /** DATA and BDAT wait for the RCPT replies. */
  readonly safe: boolean
}

/** Content that is ready to be written as one chunk: repaired, in memory. */
export interface Ready {
  readonly octets: ReadonlyArray<Uint8Array>
  readonly size: number
  /** Called when it is handed to the socket: puts it on record. */
  readonly record: () => void
}

export interface Job<Content> {
  readonly sender: string
  readonly recipients: ReadonlyArray<string>
  readonly mail: Line
  readonly rcpts: ReadonlyArray<Line>
  readonly content: Content
  readonly requireAll: boolean
  /** Replies that were had already (the dialogue by hand): the transaction begins at DATA. */
  readonly given?: { readonly mail: Reply; readonly rcpt: ReadonlyArray<Reply> } | undefined
  readonly deadline?: { readonly at: number; readonly limit: number } | undefined
}

/** When what happened, in milliseconds on the monotonic clock. */
export interface Marks {
  begun: number
  envelope: number
  content: number
  settled: number
}

export interface Failure {
  readonly reason: SmtpErrorReason
  readonly phase: Phase
  /** Where it is on record already. */
  readonly error?: SmtpError | undefined
  readonly defect?: Defect | undefined
}

export interface Transaction<Content> extends Exchange {
  readonly job: Job<Content>
  readonly facts: Facts
  readonly marks: Marks
  readonly mode: "data" | "bdat"
  /** The transaction's own failure; undefined where the facts alone decide. */
  readonly failure: () => Failure | undefined
  /**
   * Writes the first commands. With `crossed` the whole transaction goes at once, BDAT included, without waiting for the
   * RCPT replies; with `afterReset` behind RSET (whose reply comes first without PIPELINING), where the fate of the
   * transaction in front is not known (or known to be bad): some servers keep a refused transaction open, and would take this message under the other's sender.
   */
  readonly start: (crossed?: Ready, afterReset?: boolean) => void
  /**
   * Refused, some servers keep it open: crossed, a chunk refused that another one followed, or MAIL refused because one is
   * open already (503).
   */
  readonly leavesOpen: () => boolean
  /**
   * Whether another transaction's commands may be queued behind. Not behind content that the writer ran piece by piece: what a
   * round trip costs is little beside it, and a server that answers its end and the next group in two writes may hold the
   * second back until the first is acknowledged (Nagle against a delayed acknowledgement: 40 ms, seen with `smtp-sink`).
   */
  readonly isEmitted: () => boolean
  readonly isSettled: () => boolean
  /** The writer tells: an announced chunk is handed to the socket; `last` ends the data. */
  readonly chunkWritten: (last: boolean) => void
  /** The writer tells: the end of data (the dot) is handed to the socket. */
  readonly endWritten: () => void
  /** The writer tells: the body ended before its end of data. For DATA this cuts the session. */
  readonly bodyStopped: (failure: Failure | undefined) => void
  /** Chunks whose replies have not come. */
  readonly outstanding: () => number
  /** The writer asks between chunks: whether to go on. */
  readonly wanted: () => boolean
  /** Nobody waits for the outcome any more. */
  readonly cancel: () => "ended" | "awaiting verdict"
  octets: number
}

export interface Link<Content> {
  readonly pipeline: Pipeline<Transaction<Content>>
  readonly ways: Ways
  readonly now: () => number
  readonly note: (text: string) => void
  readonly onSettled: (transaction: Transaction<Content>) => void
  /** The server does not understand what it offered: BDAT is not used with it again. */
  readonly onDistrust: (why: string) => void
  /** The content as octets to write, where it is in memory and small; undefined: the writer runs it. */
  readonly ready: (job: Job<Content>, mode: "data" | "bdat") => Ready | undefined
}

const data = fixedLine(Command.data)
const rset = fixedLine(Command.rset)

/** A 421 refuses the session, not the message (RFC 5321 §3.8). */
const refused = (reply: Reply): SmtpErrorReason =>
  reply.code === 421 ? new ServerRefused({ reply }) : new ContentRefused({ reply })

const intermediate = (reply: Reply): boolean => reply.code >= 300 && reply.code < 400

export const make = <Content>(link: Link<Content>, job: Job<Content>): Transaction<Content> => {
  const { pipeline, ways } = link
  const facts = makeFacts(job.recipients, ways.lmtp)
  const marks: Marks = { begun: link.now(), envelope: 0, content: 0, settled: 0 }
  const mode = ways.chunking ? "bdat" : "data"
  let failure: Failure | undefined
  let settled = false
  let rcptSent = 0
  let dataSent = false
  let dataReply: Reply | undefined
  let bodyBegun = false
  let bodyEnded = false
  let loneDot = false
  let chunksWritten = 0
  let chunksAnswered = 0
  let refusedChunk: Reply | undefined
  let cancelled = false
  let finalsDue = 1
  let crossed = false
  let emitted = false
  let resetDue = false

  const settle = (): true => {
    if (!settled) {
      settled = true
      marks.settled = link.now()
      link.onSettled(self)
    }
    return true
  }

  const cut = (reason: SmtpErrorReason, by: "client" | "server" | "network" = "client"): true => {
    pipeline.cut({ reason, phase: phase(), kind: "broken", by })
    return true
  }

  const outOfStep = (command: string, reply: Reply): true =>
    cut(
      new ProtocolViolation({
        problem: `${reply.code} is no answer to ${command}`,
        line: `${reply.code} ${reply.lines[0]}`.trimEnd()
      })
    )

  const phase = (): Phase => {
    if (resetDue) return "rset"
    if (facts.mail === undefined) return "mail"
    if (facts.rcpt.length < job.recipients.length && (crossed || !bodyBegun)) return "rcpt"
    if (dataSent && dataReply === undefined) return "data"
    if (bodyBegun && !bodyEnded) return "content"
    return facts.endWritten ? "verdict" : bodyBegun ? "content" : "data"
  }

  /** Ends a transaction that did not reach its end of data: RFC 5321 §4.1.1.5. */
  const giveUp = (): true => {
    settle()
    if (accepted(facts.mail)) {
      pipeline.expect({
        phase: () => "rset",
        onReply: (reply) => {
          if (!accepted(reply) && reply.code !== 421) {
            pipeline.cut({ reason: new ServerRefused({ reply }), phase: "rset", kind: "broken", by: "client" })
          }
          return true
        },
        onCut: () => {}
      })
      pipeline.line(rset)
    }
    return true
  }

  const nextRcpt = () => {
    const line = job.rcpts[rcptSent]
    if (line === undefined) return
    rcptSent++
    pipeline.line(line)
  }

  const beginBody = () => {
    marks.envelope = link.now()
    finalsDue = ways.lmtp ? acceptedRecipients(facts) : 1
    const ready = link.ready(job, mode)
    if (ready === undefined) {
      bodyBegun = true
      pipeline.body(self)
    } else emit(ready)
  }

  /** Queues the whole content. */
  const emit = (ready: Ready) => {
    bodyBegun = true
    emitted = true
    self.octets = ready.size
    if (mode === "bdat") pipeline.line(fixedLine(Command.bdat(ready.size, { last: true })))
    pipeline.octets(ready.octets, () => {
      facts.endWritten = true
      bodyEnded = true
      marks.content = link.now()
      ready.record()
    })
  }

  /** Every RCPT is answered. */
  const decide = (): boolean => {
    if (dataSent || crossed) return false
    const some = acceptedRecipients(facts)
    if (cancelled || !accepted(facts.mail) || some === 0 || (job.requireAll && some < job.recipients.length)) {
      return giveUp()
    }
    if (mode === "bdat") beginBody()
    else {
      dataSent = true
      pipeline.line(data)
    }
    return false
  }

  const onMail = (reply: Reply): boolean => {
    if (intermediate(reply)) return outOfStep("MAIL", reply)
    facts.mail = reply
    if (ways.pipelining) return rcptSent === 0 ? giveUp() : false
    if (!accepted(reply) || cancelled) return giveUp()
    nextRcpt()
    return false
  }

  const onRcpt = (reply: Reply): boolean => {
    if (intermediate(reply)) return outOfStep("RCPT", reply)
    facts.rcpt.push(reply)
    if (facts.rcpt.length === job.recipients.length) return decide()
    if (!ways.pipelining && reply.code !== 421) {
      if (cancelled) return giveUp()
      nextRcpt()
    }
    return false
  }

  const onData = (reply: Reply): boolean => {
    if (accepted(reply)) return outOfStep("DATA", reply)
    dataReply = reply
    if (!intermediate(reply)) return giveUp()
    const some = acceptedRecipients(facts)
    if (some > 0 && (!accepted(facts.mail) || cancelled)) {
      // Content must follow, or the connection must end: a lone dot would deliver an empty message.
      return cut(
        cancelled
          ? new ConnectionLost({ kind: "Closed" })
          : new ProtocolViolation({ problem: "the server takes content for a sender that it refused" })
      )
    }
    if (some > 0) {
      beginBody()
      return false
    }
    if (ways.lmtp) {
      // as many final replies as recipients (RFC 2033 §4.2): none would come
      return cut(new ProtocolViolation({ problem: "the server takes content for nobody" }))
    }
    loneDot = true
    bodyBegun = true
    bodyEnded = true
    finalsDue = 1
    pipeline.octets([endOfData], () => {
      facts.endWritten = true
    })
    pipeline.line({ wire: "", log: "." })
    return false
  }

  /** 500 or 502 to BDAT: octets that were announced may be read as commands. Nothing more is written. */
  const unknownBdat = (reply: Reply): true => {
    link.onDistrust(`BDAT was answered by ${reply.code}`)
    return cut(new ContentRefused({ reply }))
  }

  const onChunk = (reply: Reply): boolean => {
    chunksAnswered++
    if (intermediate(reply)) return outOfStep("BDAT", reply)
    if (accepted(reply)) return bodyEnded && !facts.endWritten && chunksAnswered === chunksWritten ? giveUp() : false
    refusedChunk ??= reply
    if (reply.code === 500 || reply.code === 502) return unknownBdat(reply)
    return bodyEnded && !facts.endWritten && chunksAnswered === chunksWritten ? giveUp() : false
  }

  const onFinal = (reply: Reply): boolean => {
    if (intermediate(reply)) return outOfStep(mode === "data" ? "the content" : "BDAT", reply)
    if (loneDot) {
      if (accepted(reply)) link.note("the server accepted a message that has no recipient")
      return settle()
    }
    if (refusedChunk !== undefined && accepted(reply)) {
      return cut(new ProtocolViolation({ problem: "the server accepted content of which it had refused a part" }))
    }
    facts.finals.push(reply)
    if (mode === "bdat" && (reply.code === 500 || reply.code === 502)) return unknownBdat(reply)
    if (facts.finals.length < finalsDue) return false
    if (takenUnderAnotherSender(facts)) {
      return cut(new ProtocolViolation({ problem: "the server accepted content for a sender that it had refused" }))
    }
    return settle()
  }

  const self: Transaction<Content> = {
    job,
    facts,
    marks,
    mode,
    octets: 0,
    deadline: job.deadline,
    phase,
    failure: () => {
      if (accepted(facts.mail) || facts.mail === undefined) {
        const refusal = facts.rcpt.find((reply) => !accepted(reply) && reply.code !== 421)
        const every = facts.rcpt.length === job.recipients.length
        const some = acceptedRecipients(facts)
        if (every && refusal !== undefined && (some === 0 || (job.requireAll && some < job.recipients.length))) {
          return { reason: new RecipientsRefused({ reply: refusal }), phase: "rcpt" }
        }
      } else if (facts.mail.code !== 421 && !takenUnderAnotherSender(facts)) {
        return { reason: new SenderRefused({ sender: job.sender, reply: facts.mail }), phase: "mail" }
      }
      if (failure !== undefined) return failure
      if (dataReply !== undefined && !intermediate(dataReply)) {
        return { reason: refused(dataReply), phase: "data" }
      }
      const final = facts.finals.find((reply) => !accepted(reply))
      if (final !== undefined && !facts.finals.some(accepted)) {
        return ways.lmtp
          ? { reason: new RecipientsRefused({ reply: final }), phase: "verdict" }
          : { reason: refused(refusedChunk ?? final), phase: "verdict" }
      }
      if (refusedChunk !== undefined && facts.finals.length === 0) {
        return { reason: refused(refusedChunk), phase: "content" }
      }
      if (facts.mail?.code === 421) return { reason: new ServerRefused({ reply: facts.mail }), phase: "mail" }
      const closing = facts.rcpt.find((reply) => reply.code === 421)
      return closing === undefined ? undefined : { reason: new ServerRefused({ reply: closing }), phase: "rcpt" }
    },
    leavesOpen: () => crossed || (refusedChunk !== undefined && facts.endWritten) || facts.mail?.code === 503,
    isEmitted: () => settled || emitted,
    isSettled: () => settled,
    start: (ready, afterReset) => {
      pipeline.expect(self)
      if (afterReset === true) {
        resetDue = true
        pipeline.line(rset)
        if (!ways.pipelining) return
      }
      if (job.given !== undefined) {
        facts.mail = job.given.mail
        facts.rcpt.push(...job.given.rcpt)
        decide()
        return
      }
      pipeline.line(job.mail)
      if (!ways.pipelining) return
      while (rcptSent < job.rcpts.length) nextRcpt()
      if (ready !== undefined) {
        crossed = true
        marks.envelope = marks.begun
        return emit(ready)
      }
      if (mode === "data" && !ways.safe && !job.requireAll) {
        dataSent = true
        pipeline.line(data)
      }
    },
    onReply: (reply) => {
      if (resetDue) {
        resetDue = false
        if (reply.code === 421) return false
        if (!accepted(reply)) return cut(new ServerRefused({ reply }))
        if (!ways.pipelining) pipeline.line(job.mail)
        return false
      }
      if (facts.mail === undefined) return onMail(reply)
      if (facts.rcpt.length < rcptSent) return onRcpt(reply)
      if (dataSent && dataReply === undefined) return onData(reply)
      if (chunksAnswered < chunksWritten) return onChunk(reply)
      if (facts.endWritten) return onFinal(reply)
      if (mode === "data" && bodyBegun && !accepted(reply)) {
        // RFC 5321 does not foresee a reply in the middle of DATA content; servers hang up with one.
        return cut(reply.code === 421 ? new ServerRefused({ reply }) : new ContentRefused({ reply }), "server")
      }
      return cut(
        new ProtocolViolation({
          problem: "a reply came that nothing waits for",
          line: `${reply.code} ${reply.lines[0]}`
        })
      )
    },
    onCut: (why) => {
      facts.closing = why.kind === "closing"
      failure ??= { reason: why.reason, phase: why.phase }
      bodyEnded = true
      settle()
    },
    chunkWritten: (last) => {
      if (last) {
        facts.endWritten = true
        bodyEnded = true
        marks.content = link.now()
      } else chunksWritten++
    },
    endWritten: () => {
      facts.endWritten = true
      bodyEnded = true
      marks.content = link.now()
    },
    bodyStopped: (why) => {
      if (settled || facts.endWritten) return
      failure ??= why
      bodyEnded = true
      if (mode === "data") {
        cut(why?.reason ?? new ConnectionLost({ kind: "Closed" }))
        return
      }
      if (chunksAnswered === chunksWritten && pipeline.head() === self) {
        giveUp()
        pipeline.drop(self)
      }
    },
    outstanding: () => chunksWritten - chunksAnswered,
    wanted: () => !cancelled && refusedChunk === undefined && !settled,
    cancel: () => {
      // content that is queued behind neighbours goes out: only the session's end could take it back
      if (!settled && (facts.endWritten || (emitted && pipeline.waiting() > 1))) return "awaiting verdict"
      cancelled = true
      if (!settled && pipeline.waiting() <= 1) {
        link.note("the send was interrupted before its end of data: the connection is closed")
        pipeline.cut({ reason: new ConnectionLost({ kind: "Closed" }), phase: phase(), kind: "aborted", by: "client" })
      }
      return "ended"
    }
  }
  return self
}
