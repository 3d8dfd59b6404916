/**
 * The service extensions that a server offers: its reply to EHLO or LHLO as a value (RFC 5321 §4.1.1.1, §2.2).
 *
 * Everything is derived from `keywords`, which hold what was said, unknown extensions included: so what a policy takes
 * away (`without`) is gone from the rest too. Keywords are read in any case, parameters after a blank or, in the old
 * form, after `=`.
 *
 * An offer is forgotten when TLS begins (RFC 3207 §4.2): that is Session's. What a parameter of MAIL or RCPT needs is
 * Envelope's.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Reply } from "./Reply.ts"

export interface Extensions {
  /** The server's name: the first word of the reply. */
  readonly domain: string
  /** Keywords in upper case, with their parameters as said; one that was said twice has the parameters of both. */
  readonly keywords: ReadonlyMap<string, ReadonlyArray<string>>
  /** SIZE (RFC 1870): the parameter may be sent. */
  readonly sizeOffered: boolean
  /** The largest message in octets; undefined: no limit was named (no SIZE, none with it, 0, or a number too big). */
  readonly size: number | undefined
  /** AUTH (RFC 4954): the mechanisms, in upper case and in the server's order. */
  readonly auth: ReadonlyArray<string>
  /** RFC 2920 */
  readonly pipelining: boolean
  /** RFC 3030: BDAT */
  readonly chunking: boolean
  /** RFC 6152: BODY=8BITMIME */
  readonly eightBitMime: boolean
  /** RFC 3030 §3: BODY=BINARYMIME */
  readonly binaryMime: boolean
  /** RFC 6531 */
  readonly smtpUtf8: boolean
  /** RFC 3461: RET, ENVID, NOTIFY, ORCPT */
  readonly dsn: boolean
  /** RFC 3207 */
  readonly startTls: boolean
  /** RFC 2034 */
  readonly enhancedStatusCodes: boolean
  /** RFC 8689 */
  readonly requireTls: boolean
  /** RFC 9422: transactions a session, recipients a transaction, recipient domains a session; undefined: not named. */
  readonly limits: {
    readonly mailMax: number | undefined
    readonly rcptMax: number | undefined
    readonly rcptDomainMax: number | undefined
  }
  /** RFC 6710, with the name of the priority profile if one was given. */
  readonly mtPriority: { readonly profile: string | undefined } | undefined
  /** RFC 2852: the shortest time in seconds that the server takes with mode R; undefined: no minimum. */
  readonly deliverBy: { readonly minimum: number | undefined } | undefined
  /** RFC 4865: how far ahead a message may be held, in seconds, and until when (RFC 3339, as said). */
  readonly futureRelease: { readonly maxInterval: number | undefined; readonly maxDate: string | undefined } | undefined
  /** RFC 1985 */
  readonly etrn: boolean
  /** Postfix's XCLIENT: the attributes that this client may set, in upper case; none: not offered to this client. */
  readonly xclient: ReadonlyArray<string>
}

/** The most lines of keywords in one reply. */
export const maxKeywords = 256

/** More keywords than any server has reason to say. */
export class ExtensionsError extends Schema.TaggedError<ExtensionsError>()("ExtensionsError", {
  what: Schema.Literal("ehloKeywords"),
  limit: Schema.Int
}) {
  override get message(): string {
    return `The reply to EHLO has more than ${this.limit} keywords`
  }
}

/**
 * What a positive reply to EHLO, LHLO or HELO offers. A line that is no keyword is passed over; `250 ` without text, as
 * the last line, is one.
 */
export const parse = (reply: Reply): Result.Result<Extensions, ExtensionsError> => {
  const [greeting, ...lines] = reply.lines
  if (lines.length > maxKeywords) {
    return Result.fail(new ExtensionsError({ what: "ehloKeywords", limit: maxKeywords }))
  }
  const keywords = new Map<string, ReadonlyArray<string>>()
  for (const line of lines) {
    const [, keyword, separated = ""] = keywordLine.exec(line) ?? []
    if (keyword !== undefined) add(keywords, keyword, separated.split(/[ \t]+/).filter((parameter) => parameter !== ""))
  }
  const [domain = ""] = greeting.trimStart().split(/[ \t]/, 1)
  return Result.succeed(fromKeywords(domain, keywords))
}

const keywordLine = /^[ \t]*([A-Za-z0-9][\w.+-]*)(?:[ \t=]+(.*))?$/s

/** What a server offers, from keywords (in any case) with their parameters: `make("mx.example", { SIZE: ["1000"] })`. */
export const make = (
  domain: string,
  keywords: Readonly<Record<string, ReadonlyArray<string>>> = {}
): Extensions => {
  const map = new Map<string, ReadonlyArray<string>>()
  for (const [keyword, parameters] of Object.entries(keywords)) add(map, keyword, parameters)
  return fromKeywords(domain, map)
}

/** As if the server had not said these keywords (in any case). */
export const without = (extensions: Extensions, keywords: Iterable<string>): Extensions => {
  const kept = new Map(extensions.keywords)
  for (const keyword of keywords) kept.delete(keyword.toUpperCase())
  return kept.size === extensions.keywords.size ? extensions : fromKeywords(extensions.domain, kept)
}

/** The texts of the reply's lines, for the server's side: `Reply.make(250, ...toLines(extensions))`. */
export const toLines = (extensions: Extensions): readonly [string, ...Array<string>] => [
  extensions.domain,
  ...Array.from(extensions.keywords, ([keyword, parameters]) => [keyword, ...parameters].join(" "))
]

const add = (
  keywords: Map<string, ReadonlyArray<string>>,
  keyword: string,
  parameters: ReadonlyArray<string>
): void => {
  const key = keyword.toUpperCase()
  keywords.set(key, Array.from(new Set([...keywords.get(key) ?? [], ...parameters])))
}

const fromKeywords = (domain: string, keywords: ReadonlyMap<string, ReadonlyArray<string>>): Extensions => {
  const limits = keywords.get("LIMITS") ?? []
  const mtPriority = keywords.get("MT-PRIORITY")
  const deliverBy = keywords.get("DELIVERBY")
  const futureRelease = keywords.get("FUTURERELEASE")
  return {
    domain,
    keywords,
    sizeOffered: keywords.has("SIZE"),
    size: positive(keywords.get("SIZE")?.[0]),
    auth: upperCase(keywords.get("AUTH")),
    pipelining: keywords.has("PIPELINING"),
    chunking: keywords.has("CHUNKING"),
    eightBitMime: keywords.has("8BITMIME"),
    binaryMime: keywords.has("BINARYMIME"),
    smtpUtf8: keywords.has("SMTPUTF8"),
    dsn: keywords.has("DSN"),
    startTls: keywords.has("STARTTLS"),
    enhancedStatusCodes: keywords.has("ENHANCEDSTATUSCODES"),
    requireTls: keywords.has("REQUIRETLS"),
    limits: {
      mailMax: limit(limits, "MAILMAX"),
      rcptMax: limit(limits, "RCPTMAX"),
      rcptDomainMax: limit(limits, "RCPTDOMAINMAX")
    },
    mtPriority: mtPriority && { profile: mtPriority[0] },
    deliverBy: deliverBy && { minimum: positive(deliverBy[0]?.split(",")[0]) },
    futureRelease: futureRelease && { maxInterval: positive(futureRelease[0]), maxDate: futureRelease[1] },
    etrn: keywords.has("ETRN"),
    xclient: upperCase(keywords.get("XCLIENT"))
  }
}

/** Is this, in any case, a keyword that means something here? */
export const isKnown = (keyword: string): boolean => known.has(keyword.toUpperCase())

const known = new Set([
  ..."SIZE AUTH PIPELINING CHUNKING 8BITMIME BINARYMIME SMTPUTF8 DSN STARTTLS ENHANCEDSTATUSCODES".split(" "),
  ..."REQUIRETLS LIMITS MT-PRIORITY DELIVERBY FUTURERELEASE ETRN XCLIENT".split(" ")
])

const upperCase = (parameters: ReadonlyArray<string> = []): ReadonlyArray<string> =>
  Array.from(new Set(parameters.map((parameter) => parameter.toUpperCase())))

/** A number above 0 that can be counted to; undefined for all else. */
const positive = (text: string | undefined): number | undefined => {
  const number = text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : 0
  return number > 0 && Number.isSafeInteger(number) ? number : undefined
}

/** RFC 9422: `NAME=number`; a value out of form is as good as none. */
const limit = (limits: ReadonlyArray<string>, name: string): number | undefined => {
  const found = limits.find((entry) => entry.toUpperCase().startsWith(`${name}=`))
  return positive(found?.slice(name.length + 1))
}

/** Nothing is offered: before EHLO, and after HELO. */
export const none: Extensions = make("")
