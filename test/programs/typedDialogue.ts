import { Sasl, Session } from "@colloquy/core"
import { Effect, Redacted } from "effect"

const login = Sasl.scramSha256({ user: "ann", password: Redacted.make("…") })

export const program = Effect.scoped(Effect.gen(function*() {
  const connected = yield* Session.connect({ host: "mail.example", port: 587 })
  // @ts-expect-error MAIL before EHLO
  void (() => Session.mail(connected, "ann@mail.example"))

  const clear = yield* Session.ehlo(connected, "client.example")
  // @ts-expect-error AUTH before TLS
  void (() => Session.auth(clear, login))

  const secured = yield* Session.startTls(clear)
  // @ts-expect-error what the server said before TLS is forgotten: EHLO again
  void (() => Session.auth(secured, login))

  const ready = yield* Session.ehlo(secured, "client.example")
  const session = yield* Session.auth(ready, login)
  yield* Effect.log(session.tls.protocol, session.extensions.size)

  const transaction = yield* Session.mail(session, "ann@mail.example")
  const verdict = yield* Session.rcpt(transaction, "bob@mail.example")
  if (verdict._tag === "Refused") return yield* Session.rset(transaction)
  // @ts-expect-error a second MAIL inside a transaction
  void (() => Session.mail(transaction, "eve@mail.example"))
  yield* Session.data(transaction, "Subject: Hi\r\n\r\nHi\r\n")
  yield* Session.quit(session)
}))
