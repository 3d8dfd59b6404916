/**
 * Mailboxes: `local-part@domain`, with or without a display name (RFC 5321 §4.1.2, RFC 5322 §3.4), in any script
 * (RFC 6531, RFC 6532).
 *
 * A Mailbox that exists can travel: its parts hold no control character, no line end and no lone surrogate, its local part
 * has at most 64 octets and its path at most 256 (RFC 5321 §4.5.3.1), its domain is one by form. So `address` needs no
 * check. Reading takes linear time, whatever comes.
 *
 * Whether a domain exists is not asked here. Display names are text: encoding them (RFC 2047), folding and unfolding is
 * Message's.
 *
 * A-labels are made by the platform's own URL parser (WHATWG URL §3.3: UTS 46, non-transitional, with CheckBidi and
 * CheckJoiners), which Node and browsers both have: no library, no table of our own. What it adds for the sake of URLs
 * (percent-decoding, IPv4 numbers, ports and paths) is kept from it by checking what goes in and what comes out.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as reader from "./internal/addressReader.ts"
import { maxExcerpt, quoted } from "./internal/excerpt.ts"
import * as path from "./internal/path.ts"

/**
 * One mailbox. `localPart` is as it is meant, without quotes and escapes; `domain` as it was written, a name with or
 * without non-ASCII characters, or an address literal in its brackets. No `displayName` where there is none or an empty one.
 */
export class Mailbox extends Schema.Class<Mailbox>("@colloquy/core/Mailbox")(
  Schema.Struct({
    localPart: Schema.String.check(Schema.makeFilter(reader.localPartProblem)),
    domain: Schema.String.check(Schema.makeFilter(reader.domainProblem)),
    displayName: Schema.optionalKey(
      Schema.String.check(
        Schema.makeFilter((name: string) => path.forbidden.test(name) ? "a control character" : undefined)
      )
    )
  }).check(Schema.makeFilter(({ domain, localPart }) => reader.lengthProblem(localPart, domain)))
) {}

/** A named group of mailboxes, possibly empty (`undisclosed-recipients:;`). */
export class Group extends Schema.Class<Group>("@colloquy/core/Mailbox/Group")({
  name: Schema.String,
  members: Schema.Array(Mailbox)
}) {}

/**
 * No mailbox, or no list of them. `input` is the text, or of a long one at most 200 characters around the place where it
 * broke; `offset` is that place, an index into `input`.
 */
export class MailboxError extends Schema.TaggedError<MailboxError>()("MailboxError", {
  input: Schema.String,
  offset: Schema.Int,
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.problem}, at ${this.offset} in ${quoted(this.input)}`
  }
}

/** A mailbox's address: what of it travels. */
export type Address = Pick<Mailbox, "localPart" | "domain">

/**
 * One mailbox: `ann@a.example`, `Ann <ann@a.example>`, `"Ann, A." <"ann a"@[192.0.2.1]>`. Comments are dropped, obsolete
 * forms are read where they are harmless. A name with `@`, `,` or other specials must be quoted.
 */
export const parse = (text: string): Result.Result<Mailbox, MailboxError> => {
  const source = new reader.AddressReader(text)
  const parts = source.mailbox()
  return parts === undefined ? failure(text, source.failure) : Result.succeed(fromParts(parts))
}

/**
 * Mailboxes and groups, with `,` between them; outside of groups `;` is taken too. Empty elements are passed over, and a
 * blank text is an empty list.
 */
export const parseList = (text: string): Result.Result<ReadonlyArray<Mailbox | Group>, MailboxError> => {
  const source = new reader.AddressReader(text)
  const all = source.list()
  if (all === undefined) return failure(text, source.failure)
  return Result.succeed(
    all.map((parts) =>
      "members" in parts
        ? new Group({ name: parts.name, members: parts.members.map(fromParts) }, unchecked)
        : fromParts(parts)
    )
  )
}

/** `local-part@domain` as it travels in MAIL and RCPT, the local part quoted where it must be. */
export const address = (mailbox: Address): string => `${reader.quoteLocalPart(mailbox.localPart)}@${mailbox.domain}`

/** The form of header fields: `Ann <ann@a.example>`, the display name quoted where it must be; groups with their members. */
export const format = (entry: Mailbox | Group): string => {
  if (entry instanceof Group) {
    const members = entry.members.map(format).join(", ")
    return `${phrase(entry.name)}:${members === "" ? "" : ` ${members}`};`
  }
  return entry.displayName === undefined || entry.displayName === ""
    ? address(entry)
    : `${phrase(entry.displayName)} <${address(entry)}>`
}

/** Neither part has a non-ASCII character: it travels without SMTPUTF8. */
export const isAscii = (mailbox: Address): boolean => path.isAscii(mailbox.localPart) && path.isAscii(mailbox.domain)

/**
 * The domain in ASCII: A-labels for those with non-ASCII characters (`bücher.example`: `xn--bcher-kva.example`). A domain
 * in ASCII and an address literal come back as they are.
 */
export const toAscii = (domain: string): Result.Result<string, MailboxError> => {
  const problem = reader.domainProblem(domain)
  if (problem !== undefined) return failure(domain, { offset: 0, problem })
  if (path.isAscii(domain)) return Result.succeed(domain)
  const ascii = URL.parse(`http://${domain}`)?.hostname
  if (ascii === undefined) {
    return failure(domain, { offset: 0, problem: "not an internationalized domain name (UTS 46)" })
  }
  const afterwards = path.isAscii(ascii) ? reader.domainProblem(ascii) : "no form in ASCII"
  return afterwards === undefined
    ? Result.succeed(ascii)
    : failure(domain, { offset: 0, problem: `in ASCII ${quoted(ascii.slice(0, 80))}: ${afterwards}` })
}

/** What the reader has found is checked. */
const unchecked = { disableChecks: true }

const fromParts = ({ displayName, domain, localPart }: reader.Parts): Mailbox =>
  new Mailbox({ localPart, domain, ...(displayName === undefined ? undefined : { displayName }) }, unchecked)

const failure = (text: string, found: reader.Failure | undefined): Result.Result<never, MailboxError> => {
  const { offset, problem } = found ?? { offset: 0, problem: "no address" }
  const start = text.length <= maxExcerpt ? 0 : Math.max(0, Math.min(offset - maxExcerpt / 2, text.length - maxExcerpt))
  const input = text.slice(start, start + maxExcerpt)
  return Result.fail(new MailboxError({ input, offset: offset - start, problem }))
}

/** A phrase of atoms stays as it is; anything else becomes one quoted string (RFC 5322 §3.2.5). */
const phrase = (text: string): string => atoms.test(text) ? text : `"${text.replaceAll(/["\\]/g, "\\$&")}"`

// oxlint-disable-next-line no-control-regex
const atoms = /^[\w!#$%&'*+/=?^`{|}~\u0080-\uffff-]+(?: [\w!#$%&'*+/=?^`{|}~\u0080-\uffff-]+)*$/
