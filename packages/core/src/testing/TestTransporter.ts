/**
 * A transporter that sends nothing: it keeps what an application wanted to send, for the application's own tests.
 *
 * A message is checked as a real transporter checks it (addresses, header fields, body), and is then accepted for everybody,
 * or fails as the test says. There is no dialogue and no log: for those there are `Script` and `CaptureServer`. A file that
 * is attached need not exist, and is taken to be empty.
 */
import * as ByteSize from "effect/ByteSize"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as Stream from "effect/Stream"
import * as Extensions from "../Extensions.ts"
import type { Phase } from "../LogEvent.ts"
import * as Message from "../Message.ts"
import { Receipt, type RecipientVerdict } from "../Receipt.ts"
import * as Reply from "../Reply.ts"
import { InvalidMessage, SmtpError, type SmtpErrorReason } from "../SmtpError.ts"
import * as Transporter from "../Transporter.ts"

/** How a send fails, where it is not as its reason suggests. */
export interface FailOptions {
  /** Default: where such a reason comes up. */
  readonly phase?: Phase | undefined
  /** "Unknown": somebody may have it. Default "NotAccepted". */
  readonly delivery?: "NotAccepted" | "Unknown" | undefined
}

export class SentMail extends Context.Service<SentMail, {
  /** What was sent, as it was handed over, oldest first. What failed is not among it. */
  readonly messages: Effect.Effect<ReadonlyArray<Message.Composed | Message.Draft>>
  /** The next attempt to send fails so. Several are used up one after another. */
  readonly failNext: (reason: SmtpErrorReason, options?: FailOptions) => Effect.Effect<void>
  readonly clear: Effect.Effect<void>
}>()("@colloquy/core/testing/SentMail") {}

const server = { host: "mail.test", port: 587 }
const zero = Duration.zero

/** Every file is there, and empty. */
const files = FileSystem.layerNoop({
  access: () => Effect.void,
  stat: () =>
    Effect.succeed({
      type: "File",
      mtime: Option.none(),
      atime: Option.none(),
      birthtime: Option.none(),
      dev: 0n,
      ino: Option.none(),
      mode: 0o600,
      nlink: Option.none(),
      uid: Option.none(),
      gid: Option.none(),
      rdev: Option.none(),
      size: ByteSize.bytes(0),
      blksize: Option.none(),
      blocks: Option.none()
    }),
  stream: () => Stream.empty
})
const platform = Layer.mergeAll(files, Path.layer, SecureRandom.layerWebCrypto)

const phaseOf = (reason: SmtpErrorReason): Phase => {
  switch (reason._tag) {
    case "TlsUnavailable":
      return "starttls"
    case "CertificateRejected":
    case "TlsFailed":
      return "tls"
    case "CredentialsUnavailable":
    case "AuthenticationFailed":
    case "AuthenticationUnavailable":
      return "auth"
    case "ExtensionUnavailable":
    case "MessageTooLarge":
    case "SenderRefused":
      return "mail"
    case "RecipientsRefused":
      return "rcpt"
    case "ContentSourceFailed":
      return "content"
    case "ConnectionLost":
    case "TimedOut":
    case "ContentRefused":
    case "ProtocolViolation":
      return "verdict"
    default:
      return "connect"
  }
}

const failure = (
  reason: SmtpErrorReason,
  recipients: ReadonlyArray<string>,
  options?: FailOptions
): SmtpError => {
  const verdict = (recipient: string): RecipientVerdict =>
    options?.delivery === "Unknown"
      ? { _tag: "Unknown", recipient }
      : "reply" in reason && reason.reply !== undefined
      ? { _tag: "Refused", recipient, reply: reason.reply }
      : { _tag: "NotSent", recipient }
  return new SmtpError({
    reason,
    phase: options?.phase ?? phaseOf(reason),
    delivery: options?.delivery ?? "NotAccepted",
    recipients: recipients.map(verdict),
    server,
    conversation: []
  })
}

const make = Effect.gen(function*() {
  const services = yield* Effect.context<FileSystem.FileSystem | Path.Path | SecureRandom.SecureRandom>()
  const sent: Array<Message.Composed | Message.Draft> = []
  const failures: Array<readonly [SmtpErrorReason, FailOptions | undefined]> = []
  /** What a prepared message was before. */
  const originals = new WeakMap<object, Message.Draft>()
  let transaction = 0

  const invalid = Effect.mapError((error: InvalidMessage["error"]) => failure(new InvalidMessage({ error }), []))
  const rendered = (message: Message.Composed | Message.Prepared): Effect.Effect<Message.Composed, SmtpError> =>
    Message.isComposed(message)
      ? Effect.succeed(message)
      : invalid(message.render({ eightBitMime: true, smtpUtf8: true, binaryMime: false }))

  const transporter = Transporter.fromParts({
    ...server,
    concurrency: 1,
    prepare: (message) =>
      Message.isComposed(message)
        ? Effect.succeed(message)
        : Message.prepare(message).pipe(
          Effect.provideContext(services),
          invalid,
          Effect.tap((prepared) => Effect.sync(() => originals.set(prepared, message)))
        ),
    deliver: Effect.fnUntraced(function*(message) {
      const composed = yield* rendered(message)
      const [first, ...rest] = composed.envelope.to
      const address = (recipient: typeof first) => typeof recipient === "string" ? recipient : recipient.address
      const next = failures.shift()
      if (next !== undefined) return yield* failure(next[0], composed.envelope.to.map(address), next[1])
      sent.push(originals.get(message) ?? composed)
      transaction++
      const queueId = `T${transaction}`
      const reply = Reply.make(250, `2.0.0 Ok: queued as ${queueId}`)
      const accepted = (recipient: typeof first): RecipientVerdict => ({
        _tag: "Accepted",
        recipient: address(recipient),
        reply
      })
      return new Receipt({
        session: 0,
        transaction,
        ...(composed.messageId === undefined ? {} : { messageId: composed.messageId }),
        server,
        reply,
        queueId,
        recipients: [accepted(first), ...rest.map(accepted)],
        octets: composed.size ?? 0,
        timings: { queue: zero, envelope: zero, content: zero, verdict: zero, total: zero }
      })
    }),
    checkConnection: Effect.suspend(() => {
      const next = failures.shift()
      return next !== undefined ? failure(next[0], [], next[1]) : Effect.succeed({
        ...server,
        address: undefined,
        greeting: "mail.test ESMTP",
        extensions: Extensions.none,
        tls: undefined,
        mechanism: undefined,
        timings: { connect: 0, tls: undefined, greeting: 0, auth: undefined, total: 0 }
      })
    })
  })
  const mail = SentMail.of({
    messages: Effect.sync(() => [...sent]),
    failNext: (reason, options) => Effect.sync(() => void failures.push([reason, options])),
    clear: Effect.sync(() => {
      sent.length = 0
      failures.length = 0
    })
  })
  return { transporter, mail }
})

/** In the place of a transporter of one's own (`class Bulk extends Transporter.Service<Bulk>()("app/Bulk") {}`). */
export const layerFor = <I>(tag: Context.Key<I, Transporter.Transporter>): Layer.Layer<I | SentMail> =>
  Layer.effectContext(
    Effect.map(make, ({ mail, transporter }) => Context.make(tag, transporter).pipe(Context.add(SentMail, mail)))
  ).pipe(Layer.provide(platform))

export const layer: Layer.Layer<Transporter.Transporter | SentMail> = layerFor(Transporter.Transporter)
