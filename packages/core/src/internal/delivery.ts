/**
 * Who has the message: the delivery table, as a pure function of what was written and what was read.
 *
 * What counts is what was *written*, not which replies came: a server may have processed a whole group of
 * commands and lost the replies that it had buffered. "Written" means that the write which holds the last octet
 * of the end of data was handed to the socket, whether or not that write succeeded. The first rule that fits
 * decides; the numbers in the code are the table's in `docs/dialogue.md`.
 *
 * RFC 5321 §3.8 has a broken connection treated as a 451, that is, sent again. We deviate on purpose: a recipient
 * who may have the message is `Unknown`, and nothing sends to `Unknown` again by itself.
 */
import type { RecipientVerdict } from "../Receipt.ts"
import type { Reply } from "../Reply.ts"

/** What is known of one mail transaction. */
export interface Facts {
  readonly lmtp: boolean
  readonly recipients: ReadonlyArray<string>
  mail: Reply | undefined
  /** In the order of the recipients; shorter where replies are outstanding. */
  readonly rcpt: Array<Reply>
  endWritten: boolean
  /** After the end of data: one (SMTP), or one for each RCPT that got 2yz, in order (LMTP, RFC 2033 §4.2). */
  readonly finals: Array<Reply>
  /** A 421 stood in the place of a reply that came before this transaction's final one. */
  closing: boolean
}

export const makeFacts = (recipients: ReadonlyArray<string>, lmtp: boolean): Facts => ({
  lmtp,
  recipients,
  mail: undefined,
  rcpt: [],
  endWritten: false,
  finals: [],
  closing: false
})

/** 2yz. A 3yz is an answer to DATA only (RFC 5321 §4.2.1). */
export const accepted = (reply: Reply | undefined): boolean =>
  reply !== undefined && reply.code >= 200 && reply.code < 300

export const acceptedRecipients = (facts: Facts): number =>
  facts.rcpt.reduce((count, reply) => accepted(reply) ? count + 1 : count, 0)

/** Rule 0: taken under another sender's name. The session cannot be trusted with another message. */
export const takenUnderAnotherSender = (facts: Facts): boolean =>
  facts.mail !== undefined && !accepted(facts.mail) && facts.finals.some(accepted) && facts.rcpt.some(accepted)

export const verdicts = (facts: Facts): ReadonlyArray<RecipientVerdict> => {
  const mail = facts.mail
  const mailRefused = mail !== undefined && !accepted(mail)
  let turn = 0
  return facts.recipients.map((recipient, index): RecipientVerdict => {
    const rcpt = facts.rcpt[index]
    const final = facts.finals[facts.lmtp && accepted(rcpt) ? turn++ : 0]
    // 0
    if (mailRefused && accepted(rcpt) && accepted(final)) return { _tag: "Unknown", recipient }
    // 1
    if (rcpt !== undefined && !accepted(rcpt)) return { _tag: "Refused", recipient, reply: rcpt }
    if (mailRefused) return { _tag: "Refused", recipient, reply: mail }
    // 2, 3, 4
    if (rcpt !== undefined && final !== undefined) {
      if (!accepted(final)) return { _tag: "Refused", recipient, reply: final }
      return { _tag: "Accepted", recipient, reply: facts.lmtp ? final : rcpt }
    }
    // 5, 6
    if (!facts.endWritten || facts.closing) return { _tag: "NotSent", recipient }
    // 8 (7 is 1)
    return { _tag: "Unknown", recipient }
  })
}

/** What all verdicts together say of the message. `undefined`: somebody has it and nobody is in doubt. */
export const delivery = (
  verdicts: ReadonlyArray<RecipientVerdict>
): "NotAccepted" | "Unknown" | "Partial" | undefined => {
  const some = verdicts.some((verdict) => verdict._tag === "Accepted")
  const doubt = verdicts.some((verdict) => verdict._tag === "Unknown")
  return some ? (doubt ? "Partial" : undefined) : doubt ? "Unknown" : "NotAccepted"
}
