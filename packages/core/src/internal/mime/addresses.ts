/**
 * The addresses of a message: from the many forms that people write to header fields and to an envelope.
 *
 * A domain goes out as A-label. A local part that is not ASCII can't: such an address stays as it is, and the message needs
 * SMTPUTF8 (RFC 6531, RFC 6532).
 */
import * as Result from "effect/Result"
import * as Mailbox from "../../Mailbox.ts"
import { MessageError } from "../../MessageError.ts"
import type { CharsetPolicy } from "./charset.ts"
import { isAscii } from "./charset.ts"
import * as Field from "./field.ts"
import { describe, line } from "./text.ts"

/** As it travels. */
export interface Address {
  readonly name: string | undefined
  readonly address: string
  readonly domain: string
}
export interface Group {
  readonly group: string
  readonly members: ReadonlyArray<Address>
}
export type Entry = Address | Group

const isGroup = (entry: Entry): entry is Group => "group" in entry

/** Every address, those in groups too. */
export const flatten = (entries: ReadonlyArray<Entry>): ReadonlyArray<Address> =>
  entries.flatMap((entry) => isGroup(entry) ? entry.members : [entry])

export const needsUtf8 = (entries: ReadonlyArray<Entry>): Address | undefined =>
  flatten(entries).find(({ address }) => !isAscii(address))

const fromMailbox = (field: string, mailbox: Mailbox.Mailbox): Address | MessageError => {
  const name = mailbox.displayName === "" ? undefined : mailbox.displayName
  if (Mailbox.isAscii(mailbox) || !isAscii(mailbox.localPart)) {
    return { name, address: Mailbox.address(mailbox), domain: mailbox.domain }
  }
  const domain = Mailbox.toAscii(mailbox.domain)
  if (Result.isFailure(domain)) return fromError(field, domain.failure)
  return {
    name,
    address: Mailbox.address({ localPart: mailbox.localPart, domain: domain.success }),
    domain: domain.success
  }
}

const fromError = (field: string, error: Mailbox.MailboxError): MessageError =>
  new MessageError({ field, problem: error.problem, input: error.input, offset: error.offset })

const read = (field: string, value: unknown, entries: Array<Entry>): MessageError | undefined => {
  if (typeof value === "string") {
    const checked = line(field, value)
    if (checked instanceof MessageError) return checked
    const parsed = Mailbox.parseList(checked)
    if (Result.isFailure(parsed)) return fromError(field, parsed.failure)
    for (const entry of parsed.success) {
      if (entry instanceof Mailbox.Mailbox) {
        const address = fromMailbox(field, entry)
        if (address instanceof MessageError) return address
        entries.push(address)
      } else {
        const members: Array<Address> = []
        for (const member of entry.members) {
          const address = fromMailbox(field, member)
          if (address instanceof MessageError) return address
          members.push(address)
        }
        entries.push({ group: entry.name, members })
      }
    }
    return undefined
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const error = read(value.length > 1 ? `${field}[${i}]` : field, value[i], entries)
      if (error !== undefined) return error
    }
    return undefined
  }
  if (typeof value !== "object" || value === null) {
    return new MessageError({ field, problem: `is ${describe(value)}, not an address` })
  }
  return readObject(field, value, entries)
}

const readObject = (field: string, value: object, entries: Array<Entry>): MessageError | undefined => {
  if ("addresses" in value) {
    const group = line(`${field}.name`, "name" in value ? value.name : undefined)
    if (group instanceof MessageError) return group
    const members: Array<Entry> = []
    const inside = read(`${field}.addresses`, value.addresses, members)
    if (inside !== undefined) return inside
    entries.push({ group, members: flatten(members) })
    return undefined
  }
  const spec: unknown = "address" in value
    ? value.address
    : "email" in value
    ? value.email
    : "localPart" in value && "domain" in value && typeof value.localPart === "string" &&
        typeof value.domain === "string"
    ? Mailbox.address({ localPart: value.localPart, domain: value.domain })
    : undefined
  if (typeof spec !== "string") {
    return new MessageError({
      field,
      problem: "is no address: a text, { name, address }, { name, email } or { name, addresses }"
    })
  }
  const name: unknown = "name" in value ? value.name : "displayName" in value ? value.displayName : undefined
  if (name !== undefined && name !== null) {
    const checked = line(`${field}.name`, name)
    if (checked instanceof MessageError) return checked
  }
  const parsed = Mailbox.parse(spec)
  if (Result.isFailure(parsed)) return fromError(field, parsed.failure)
  const address = fromMailbox(field, parsed.success)
  if (address instanceof MessageError) return address
  entries.push(typeof name === "string" && name !== "" ? { ...address, name } : address)
  return undefined
}

/** Each address once, in order. A local part's case may matter, a domain's does not (RFC 5321 §2.4). */
export const distinct = (addresses: ReadonlyArray<Address>): ReadonlyArray<string> => {
  const found = new Map<string, string>()
  for (const { address, domain } of addresses) {
    const key = address.slice(0, address.length - domain.length) + domain.toLowerCase()
    if (!found.has(key)) found.set(key, address)
  }
  return [...found.values()]
}

/** All entries of a field, in order. */
export const entries = (field: string, value: unknown): ReadonlyArray<Entry> | MessageError => {
  const found: Array<Entry> = []
  if (value === undefined) return found
  return read(field, value, found) ?? found
}

const addressTokens = (address: Address, policy: CharsetPolicy | undefined): Array<string> =>
  address.name === undefined
    ? [address.address]
    : [...Field.phrase(address.name, policy), `<${address.address}>`]

/** The field, or nothing where there is no entry. */
export const field = (name: string, list: ReadonlyArray<Entry>, policy: CharsetPolicy | undefined): string => {
  if (list.length === 0) return ""
  const tokens: Array<string> = []
  for (let i = 0; i < list.length; i++) {
    const entry = list[i]
    if (entry === undefined) continue
    if (isGroup(entry)) {
      Field.append(tokens, Field.phrase(entry.group, policy))
      Field.behind(tokens, ":")
      entry.members.forEach((member, j) => {
        Field.append(tokens, addressTokens(member, policy))
        if (j < entry.members.length - 1) Field.behind(tokens, ",")
      })
      Field.behind(tokens, ";")
    } else Field.append(tokens, addressTokens(entry, policy))
    if (i < list.length - 1) Field.behind(tokens, ",")
  }
  return Field.fold(name, tokens)
}
