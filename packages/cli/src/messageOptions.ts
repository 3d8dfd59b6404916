/**
 * The flags that make a message, shared by `send` and `compose`, and the message that they make.
 *
 * Invariant: files are read only where a flag names one; keys and passwords are `Redacted` from where they are read. A
 * file that is missing is told by its path, before anything is sent.
 */
import * as Dkim from "@colloquy/core/Dkim"
import * as Mailbox from "@colloquy/core/Mailbox"
import * as Message from "@colloquy/core/Message"
import * as MessageError from "@colloquy/core/MessageError"
import * as SmimeSigner from "@colloquy/core/SmimeSigner"
import type * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as PlatformError from "effect/PlatformError"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { contentFile, inputFailed, nameOf, problemOf, readText, readUtf8, sizeOf } from "./internal/files.ts"
import * as MessageJson from "./internal/messageJson.ts"
import * as Report from "./report.ts"

const several = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description), Flag.atLeast(0))
const one = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description), Flag.optional)

const content = {
  subject: one("subject", "TEXT", "The subject"),
  text: one("text", "TEXT", "The message as plain text"),
  textFile: one("text-file", "FILE|-", "The plain text from a file in UTF-8; - is standard input"),
  html: one("html", "HTML", "The message as HTML, alone or beside the text"),
  htmlFile: one("html-file", "FILE", "The HTML from a file in UTF-8"),
  embedImages: several(
    "embed-images",
    "FOLDER",
    "Local pictures of the HTML file become parts of the message: those in this folder"
  ),
  attach: several("attach", "FILE", "A file to attach; may be given several times"),
  inline: several("inline", "CID=FILE", "A picture for the HTML, which shows it by <img src=\"cid:CID\">"),
  calendar: one("calendar", "FILE", "An invitation: an iCalendar file with a METHOD line"),
  header: several("header", "NAME: VALUE", "A header field of your own"),
  message: one("message", "FILE|-", "A Message as JSON; what the other flags say goes before it"),
  priority: Flag.Literals("priority", ["high", "normal", "low"]).pipe(
    Flag.withDescription("How urgent it is"),
    Flag.optional
  ),
  replyTo: several("reply-to", "ADDRESS", "Where answers should go"),
  listUnsubscribe: several("list-unsubscribe", "URL", "Where readers unsubscribe: https: or mailto:"),
  oneClick: Flag.Boolean("one-click").pipe(
    Flag.withDescription(
      "The https: URL unsubscribes by itself when it is posted to (RFC 8058); wants a DKIM signature"
    ),
    Flag.withDefault(false)
  )
}

const signing = {
  dkimKey: one("dkim-key", "FILE", "Signs with this private key (PEM, RSA or Ed25519)"),
  dkimDomain: one("dkim-domain", "DOMAIN", "The domain that signs"),
  dkimSelector: one("dkim-selector", "NAME", "The key's name in the DNS: NAME._domainkey.DOMAIN"),
  smime: one("smime", "FILE", "Signs by S/MIME with this certificate and key (PKCS#12, or PEM)"),
  smimePasswordFile: one(
    "smime-password-file",
    "FILE",
    "A file with the certificate's password; or COLLOQUY_SMIME_PASSWORD in the environment"
  )
}

export const flags = {
  from: one("from", "ADDRESS", "The sender"),
  to: several("to", "ADDRESS", "A recipient; may be given several times"),
  cc: several("cc", "ADDRESS", "A recipient of a copy"),
  bcc: several("bcc", "ADDRESS", "A recipient whom the message does not name"),
  ...content,
  ...signing,
  raw: one(
    "raw",
    "FILE|-",
    "The message as it is; - is standard input. Without --from and --to its header section says who"
  )
}
export type Input = Command.Command.Config.Infer<typeof flags>

const isGiven = (value: unknown): boolean =>
  Option.isOption(value) ? Option.isSome(value) : Array.isArray(value) ? value.length > 0 : value === true

const flagOf = (key: string) => `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

const given = (input: Input, keys: ReadonlyArray<keyof Input>): ReadonlyArray<string> =>
  keys.filter((key) => isGiven(input[key])).map(flagOf)

const keysOf = <A extends object>(record: A) =>
  Object.keys(record).filter((key): key is keyof A & string => key in record)

/** The flags of a message that were given; those that sign are not among them. */
export const ofOneMessage = (input: Input): ReadonlyArray<string> =>
  given(input, keysOf(flags).filter((key) => !Object.hasOwn(signing, key)))

/** Bare addresses: an envelope has no display names. */
export const envelopeOf = Effect.fnUntraced(function*(from: string, to: ReadonlyArray<string>) {
  const addresses = Effect.fnUntraced(function*(texts: ReadonlyArray<string>) {
    const lists = yield* Effect.forEach(texts, (text) => Effect.fromResult(Mailbox.parseList(text)))
    return lists.flat().flatMap((entry) => "members" in entry ? entry.members : [entry]).map(Mailbox.address)
  })
  // The null reverse-path (RFC 5321 §4.5.5) is no address.
  const [sender] = from === "" || from === "<>" ? [""] : yield* addresses([from])
  const [first, ...others] = yield* addresses(to)
  if (sender === undefined || first === undefined) {
    return yield* new Report.Usage({ problem: "--from and --to name nobody" })
  }
  return { from: sender, to: [first, ...others] as const }
}, (self) => Effect.mapError(self, (error) => error._tag === "Usage" ? error : ofMailbox(error)))

const ofMailbox = (error: Mailbox.MailboxError) =>
  new MessageError.MessageError({ field: "address", problem: error.message, input: error.input, offset: error.offset })

const unreadable = (path: string) => (error: PlatformError.PlatformError) =>
  new MessageError.MessageError({ field: nameOf(path), problem: problemOf(error) })

/** A message as it is, from a file, with the envelope that was given or that its header section makes. */
export const rawMessage = Effect.fnUntraced(
  function*(path: string, from: string | undefined, to: ReadonlyArray<string>) {
    const fs = yield* FileSystem.FileSystem
    const envelope = from === undefined && to.length === 0 ? undefined : yield* envelopeOf(from ?? "", to)
    const file = yield* contentFile(path)
    const size = yield* sizeOf(file)
    return yield* Message.raw(envelope, Stream.mapError(fs.stream(file), unreadable(path)), { size })
  }
)

const split = (text: string, separator: string): readonly [string, string] | undefined => {
  const at = text.indexOf(separator)
  return at <= 0 ? undefined : [text.slice(0, at).trim(), text.slice(at + 1).trim()]
}

const usage = (problem: string) => new Report.Usage({ problem })

const attachments = Effect.fnUntraced(function*(input: Input) {
  const found: Array<Message.AttachmentSource> = []
  for (const path of input.attach) {
    yield* sizeOf(path)
    found.push(Message.file(path))
  }
  for (const text of input.inline) {
    const parts = split(text, "=")
    if (parts === undefined || parts[1] === "") {
      return yield* usage("--inline wants CID=FILE: the name by which the HTML shows the picture, and its file")
    }
    const [cid, path] = parts
    yield* sizeOf(path)
    found.push(Message.file(path, { cid }))
  }
  return found
})

const headers = Effect.fnUntraced(function*(input: Input) {
  return yield* Effect.forEach(input.header, (text) => {
    const parts = split(text, ":")
    return parts === undefined
      ? Effect.fail(usage("--header wants a field with its colon: --header 'X-Campaign: spring'"))
      : Effect.succeed({ name: parts[0], value: parts[1] })
  })
})

const headerList = (
  found: Message.Headers | undefined
): ReadonlyArray<{ readonly name: string; readonly value: string }> =>
  found === undefined
    ? []
    : Array.isArray(found)
    ? found
    : Object.entries(found).flatMap(([name, values]) => [values].flat().map((value) => ({ name, value })))

const stored = Effect.fnUntraced(function*(path: string, input: Input) {
  const value = yield* Effect.fromResult(MessageJson.parse(yield* readUtf8(path)))
  return yield* Effect.fromResult(MessageJson.fromValue(value, { senderElsewhere: Option.isSome(input.from) }))
})

const htmlOf = Effect.fnUntraced(function*(input: Input) {
  if (Option.isSome(input.html)) return { html: input.html.value }
  if (Option.isNone(input.htmlFile)) return {}
  yield* sizeOf(input.htmlFile.value)
  return { html: Message.htmlFile(input.htmlFile.value, { images: input.embedImages }) }
})

const textOf = Effect.fnUntraced(function*(input: Input) {
  if (Option.isSome(input.text)) return { text: input.text.value }
  return Option.isSome(input.textFile) ? { text: yield* readUtf8(input.textFile.value) } : {}
})

const together = Effect.fnUntraced(function*(input: Input, a: keyof Input, b: keyof Input) {
  if (isGiven(input[a]) && isGiven(input[b])) {
    return yield* usage(`${flagOf(a)} and ${flagOf(b)} say the same thing twice`)
  }
})

const draft = Effect.fnUntraced(function*(input: Input) {
  yield* together(input, "text", "textFile")
  yield* together(input, "html", "htmlFile")
  if (input.embedImages.length > 0 && Option.isNone(input.htmlFile)) {
    return yield* usage("--embed-images is about the pictures of --html-file")
  }
  if (input.oneClick && input.listUnsubscribe.length === 0) {
    return yield* usage("--one-click is about the URL of --list-unsubscribe")
  }
  const base = Option.isSome(input.message) ? yield* stored(input.message.value, input) : undefined
  const from = Option.getOrElse(input.from, () => base?.from)
  if (from === undefined) return yield* usage("--from is missing")
  const to = [...input.to, ...input.cc, ...input.bcc]
  if (base === undefined && to.length === 0) return yield* usage("--to is missing")
  const calendar = Option.isSome(input.calendar) ? { content: yield* readUtf8(input.calendar.value) } : undefined
  const text = yield* textOf(input)
  const html = yield* htmlOf(input)
  const files = yield* attachments(input)
  const fields = yield* headers(input)
  if (
    base === undefined && calendar === undefined && files.length === 0 && !("text" in text) && !("html" in html)
  ) {
    return yield* usage("there is no message: --text, --html, --attach, --message or --raw is missing")
  }
  return {
    ...base,
    from,
    ...(input.to.length > 0 ? { to: input.to } : {}),
    ...(input.cc.length > 0 ? { cc: input.cc } : {}),
    ...(input.bcc.length > 0 ? { bcc: input.bcc } : {}),
    ...(input.replyTo.length > 0 ? { replyTo: input.replyTo } : {}),
    ...(Option.isSome(input.subject) ? { subject: input.subject.value } : {}),
    ...text,
    ...html,
    ...(calendar === undefined ? {} : { calendar }),
    ...(files.length === 0 ? {} : { attachments: [...base?.attachments ?? [], ...files] }),
    ...(fields.length === 0 ? {} : { headers: [...headerList(base?.headers), ...fields] }),
    ...(Option.isSome(input.priority) ? { priority: input.priority.value } : {}),
    ...(input.listUnsubscribe.length === 0
      ? {}
      : { list: { ...base?.list, unsubscribe: input.listUnsubscribe, ...(input.oneClick ? { oneClick: true } : {}) } })
  } satisfies Message.Draft
})

const dkimOf = Effect.fnUntraced(function*(input: Input) {
  const { dkimDomain, dkimKey, dkimSelector } = input
  if (Option.isNone(dkimKey)) {
    return Option.isSome(dkimDomain) || Option.isSome(dkimSelector)
      ? yield* usage("--dkim-domain and --dkim-selector go with --dkim-key")
      : undefined
  }
  if (Option.isNone(dkimDomain) || Option.isNone(dkimSelector)) {
    return yield* usage("--dkim-key needs --dkim-domain and --dkim-selector")
  }
  return yield* Dkim.make({
    domain: dkimDomain.value,
    selector: dkimSelector.value,
    privateKey: Redacted.make(yield* readText(dkimKey.value), { label: "DKIM key" })
  })
})

const smimePassword = Effect.fnUntraced(function*(input: Input) {
  if (Option.isSome(input.smimePasswordFile)) {
    const text = yield* readText(input.smimePasswordFile.value)
    return Redacted.make(text.replace(/\r?\n$/, ""), { label: "certificate password" })
  }
  return Option.getOrUndefined(yield* Effect.orDie(Config.option(Config.Redacted("COLLOQUY_SMIME_PASSWORD"))))
})

const smimeOf = Effect.fnUntraced(function*(input: Input) {
  if (Option.isNone(input.smime)) {
    return Option.isSome(input.smimePasswordFile)
      ? yield* usage("--smime-password-file goes with --smime")
      : undefined
  }
  const fs = yield* FileSystem.FileSystem
  const path = input.smime.value
  yield* sizeOf(path)
  const octets = yield* Effect.mapError(fs.readFile(path), inputFailed(path))
  const isPem = Buffer.from(octets.subarray(0, 65_536)).includes("-----BEGIN ")
  return yield* SmimeSigner.make({
    certificate: isPem ? Redacted.make(Buffer.from(octets).toString(), { label: "certificate" }) : octets,
    certificatePassword: yield* smimePassword(input)
  })
})

/** What signs, as the flags say. */
export const signers = Effect.fnUntraced(function*(input: Input) {
  const dkim = yield* dkimOf(input)
  const smime = yield* smimeOf(input)
  return { ...(dkim === undefined ? {} : { dkim }), ...(smime === undefined ? {} : { smime }) }
})

/** The message that the flags make. */
export const make = Effect.fnUntraced(function*(input: Input) {
  if (Option.isNone(input.raw)) return { ...yield* draft(input), ...yield* signers(input) }
  const others = given(input, [...keysOf(content), ...keysOf(signing)])
  if (others.length > 0) {
    return yield* usage(`--raw is a whole message, and sent as it is: ${others.join(", ")} would make another`)
  }
  return yield* rawMessage(
    input.raw.value,
    Option.getOrUndefined(input.from),
    [...input.to, ...input.cc, ...input.bcc]
  )
})
