/** What is wrong with the fields that every message has (RFC 5322 §3.6), as far as receivers complain of it. */
import * as Mailbox from "@colloquy/core/Mailbox"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { Complaint, Field } from "./scan.ts"

const addressed = ["from", "sender", "reply-to", "to", "cc", "bcc"]
const single = new Set(["sender"])

const mailboxes = (list: ReadonlyArray<Mailbox.Mailbox | Mailbox.Group>) =>
  list.flatMap((entry) => "members" in entry ? entry.members : [entry])

const ofAddresses = (name: string, value: string, hasSender: boolean): string | undefined => {
  const list = Mailbox.parseList(value)
  if (Result.isFailure(list)) return `${name} is no list of addresses: ${list.failure.message}`
  const found = mailboxes(list.success)
  if (found.length === 0 && (name === "from" || name === "sender")) return `${name} names nobody`
  if (single.has(name) && found.length > 1) return `${name} names more than one`
  return name === "from" && found.length > 1 && !hasSender
    ? "from names more than one, and there is no Sender (RFC 5322 §3.6.2)"
    : undefined
}

const isDate = (value: string) =>
  /\d{1,2} [A-Za-z]{3} \d{2,4} \d{1,2}:\d{2}/.test(value) &&
  Option.isSome(DateTime.make(value.slice(0, 200).replaceAll(/\([^()]*\)/g, "").trim()))

const complaint = (problem: string): Complaint => ({ line: 1, problem })

/** Complaints are about the section as a whole: line 1. */
export const check = (fields: ReadonlyArray<Field>): {
  readonly defects: ReadonlyArray<Complaint>
  readonly notes: ReadonlyArray<Complaint>
} => {
  const defects: Array<string> = []
  const notes: Array<string> = []
  const find = (name: string) => fields.find((field) => field.name === name)?.value
  const has = (name: string) => find(name) !== undefined
  if (!has("from")) defects.push("From is missing (RFC 5322 §3.6)")
  if (!has("date")) defects.push("Date is missing (RFC 5322 §3.6)")
  if (!has("message-id")) defects.push("Message-ID is missing: many receivers refuse it, or mark it as spam")
  for (const { name, value } of fields) {
    if (!addressed.includes(name)) continue
    const problem = ofAddresses(name, value, has("sender"))
    if (problem !== undefined) defects.push(problem)
  }
  const date = find("date")
  if (date !== undefined && !isDate(date)) defects.push("Date is no date (RFC 5322 §3.3)")
  const id = find("message-id")
  if (id !== undefined && !/^<[^<>@\s]+@[^<>@\s]+>$/.test(id)) {
    defects.push("Message-ID is none: it must be like <left@right>")
  }
  if (has("bcc")) notes.push("there is a Bcc: sent as it is, every recipient could read it")
  if (has("list-unsubscribe-post") && !has("dkim-signature")) {
    notes.push("List-Unsubscribe-Post counts only under a DKIM signature (RFC 8058 §3)")
  }
  return { defects: defects.map(complaint), notes: notes.map(complaint) }
}
