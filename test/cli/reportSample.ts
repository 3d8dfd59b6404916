/**
 * A day's log for the report, made by the engine itself: scripted servers of each kind of luck, under the test's clock.
 *
 * Deterministic: delays come from a small generator with a fixed seed.
 */
import * as LogEvent from "@colloquy/core/LogEvent"
import * as Message from "@colloquy/core/Message"
import * as SmtpError from "@colloquy/core/SmtpError"
import * as SmtpLog from "@colloquy/core/SmtpLog"
import * as Script from "@colloquy/core/testing/Script"
import * as TestPlatform from "@colloquy/core/testing/TestPlatform"
import * as Transporter from "@colloquy/core/Transporter"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { TestClock } from "effect/testing"

export interface Luck {
  readonly script: string | ReadonlyArray<Script.Step>
  readonly options: Transporter.Options
  readonly to?: ReadonlyArray<string>
  readonly content?: string
}

/** Pseudo-random numbers from 0 to 1 (a linear congruence): the same in each run. */
export const generator = (seed: number) => {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}
type Random = ReturnType<typeof generator>

const login = { user: "shop@example.com", password: Redacted.make("correct horse battery") }
const submission: Transporter.Options = {
  host: "mail.example.com",
  port: 587,
  tls: "required",
  name: "shop.example.com",
  keepAlive: false,
  ...login
}
const relay: Transporter.Options = {
  host: "mx.partner.example",
  port: 25,
  tls: "opportunistic",
  name: "shop.example.com",
  keepAlive: false
}
const google: Transporter.Options = {
  host: "smtp.gmail.com",
  port: 465,
  tls: "implicit",
  name: "shop.example.com",
  keepAlive: false,
  ...login
}

const ms = (random: Random, about: number) => `-- delay ${Math.round(about * (0.4 + random() ** 3 * 4))} millis`
const queueId = (random: Random) => Math.floor(random() * 2 ** 40).toString(36).toUpperCase()

const day = 86_400_000
const chain = (now: number) => [
  {
    subject: "CN=mail.example.com",
    names: ["mail.example.com", "smtp.example.com"],
    issuer: "CN=R11, O=Let's Encrypt, C=US",
    validFrom: now - 40 * day,
    validTo: now + 50 * day,
    fingerprint256: "9C:1F:52:07:3B:E8:44:AD:10:66:C2:7E:91:D5:0B:38:F3:27:6A:84:EE:15:B9:C0:4D:72:98:A1:5F:36:DB:02"
  }
]
const tlsInfo = (now: number) =>
  JSON.stringify({
    protocol: "TLSv1.3",
    cipher: "TLS_AES_256_GCM_SHA384",
    servername: "mail.example.com",
    verified: true,
    chain: chain(now)
  })

const secured = (random: Random, now: number, name = "mail.example.com") => `
  ${ms(random, 35)}
  S: 220 ${name} ESMTP Postfix
  C: EHLO shop.example.com
  ${ms(random, 20)}
  S: 250-${name}
  S: 250-PIPELINING
  S: 250-SIZE 52428800
  S: 250-STARTTLS
  S: 250 ENHANCEDSTATUSCODES
  C: STARTTLS
  ${ms(random, 15)}
  S: 220 2.0.0 Ready to start TLS
  ${ms(random, 25)}
  -- starttls ${tlsInfo(now)}
  C: EHLO shop.example.com
  ${ms(random, 20)}
  S: 250-${name}
  S: 250-PIPELINING
  S: 250-SIZE 52428800
  S: 250-AUTH PLAIN LOGIN
  S: 250-8BITMIME
  S: 250 ENHANCEDSTATUSCODES
`
const loggedIn = (random: Random, now: number) =>
  `${secured(random, now)}
  C: AUTH PLAIN ********************************
  ${ms(random, 90)}
  S: 235 2.7.0 Authentication successful
`
const bye = `
  C: QUIT
  S: 221 2.0.0 Bye
  -- close
`
const from = "C: /^MAIL FROM:<shop@example.com>/"
const rcpt = (address: string, reply: string) => `C: /^RCPT TO:<${address}>/\n  S: ${reply}`

const customers = ["ann", "bob", "carla", "dmitri", "elif", "farid", "grace", "hiro", "ines", "jan"]
const customer = (random: Random) =>
  `${customers[Math.floor(random() * customers.length)]}@${random() < 0.5 ? "customer.example" : "buyer.example.net"}`

const accepted = (random: Random, now: number, verdict: number): Luck => {
  const to = customer(random)
  return {
    options: submission,
    to: [to],
    content: `Subject: Your order\r\n\r\n${"Thank you for your order.\r\n".repeat(20 + Math.floor(random() * 3_000))}`,
    script: `${loggedIn(random, now)}
  ${from}
  ${ms(random, 25)}
  S: 250 2.1.0 Ok
  ${rcpt(to, "250 2.1.5 Ok")}
  C: DATA
  S: 354 End data with <CR><LF>.<CR><LF>
  -- content
  ${ms(random, verdict)}
  S: 250 2.0.0 Ok: queued as ${queueId(random)}
  ${bye}`
  }
}

const refusedLogin = (random: Random): Luck => ({
  options: google,
  script: `
  ${ms(random, 40)}
  -- tls ${tlsInfo(dawn)}
  ${ms(random, 60)}
  S: 220 smtp.gmail.com ESMTP y139sm19463388wmd.22 - gsmtp
  C: EHLO shop.example.com
  ${ms(random, 15)}
  S: 250-smtp.gmail.com at your service, [195.68.52.79]
  S: 250-SIZE 35882577
  S: 250-8BITMIME
  S: 250-AUTH LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER XOAUTH
  S: 250-ENHANCEDSTATUSCODES
  S: 250-PIPELINING
  S: 250-CHUNKING
  S: 250 SMTPUTF8
  C: AUTH PLAIN ********************************
  ${ms(random, 400)}
  S: 535-5.7.8 Username and Password not accepted. For more information, go to
  S: 535 5.7.8  https://support.google.com/mail/?p=BadCredentials y139sm19463388wmd.22 - gsmtp
  ${bye}`
})

const plainHello = (random: Random, name: string) => `
  ${ms(random, 60)}
  S: 220 ${name} ESMTP
  C: EHLO shop.example.com
  ${ms(random, 40)}
  S: 250-${name}
  S: 250-PIPELINING
  S: 250 ENHANCEDSTATUSCODES
`

const greylisted = (random: Random): Luck => {
  const to = customer(random)
  return {
    options: { ...relay, tls: "none" },
    to: [to],
    script: `${plainHello(random, "mx.partner.example")}
  ${from}
  S: 250 2.1.0 Ok
  ${ms(random, 120)}
  ${rcpt(to, `450 4.2.0 <${to}>: Recipient address rejected: Greylisted, see https://postgrey.schweikert.ch/`)}
  C: DATA
  S: 554 5.5.1 Error: no valid recipients
  ${bye}`
  }
}

const twoOfThree = (random: Random, now: number): Luck => ({
  options: submission,
  to: ["ann@customer.example", "nobody@customer.example", "carla@buyer.example.net"],
  script: `${loggedIn(random, now)}
  ${from}
  S: 250 2.1.0 Ok
  ${rcpt("ann@customer.example", "250 2.1.5 Ok")}
  ${ms(random, 80)}
  ${
    rcpt(
      "nobody@customer.example",
      "550 5.1.1 <nobody@customer.example>: Recipient address rejected: User unknown in virtual mailbox table"
    )
  }
  ${rcpt("carla@buyer.example.net", "250 2.1.5 Ok")}
  C: DATA
  S: 354 End data with <CR><LF>.<CR><LF>
  -- content
  ${ms(random, 300)}
  S: 250 2.0.0 Ok: queued as ${queueId(random)}
  ${bye}`
})

const refusedContent = (random: Random, now: number): Luck => {
  const to = customer(random)
  return {
    options: submission,
    to: [to],
    script: `${loggedIn(random, now)}
  ${from}
  S: 250 2.1.0 Ok
  ${rcpt(to, "250 2.1.5 Ok")}
  C: DATA
  S: 354 End data with <CR><LF>.<CR><LF>
  -- content
  ${ms(random, 2_400)}
  S: 554 5.7.1 Message rejected due to content restrictions: spam score 11.3
  ${bye}`
  }
}

const silentVerdict = (random: Random, now: number): Luck => {
  const to = customer(random)
  return {
    options: submission,
    to: [to],
    script: `${loggedIn(random, now)}
  ${from}
  S: 250 2.1.0 Ok
  ${rcpt(to, "250 2.1.5 Ok")}
  C: DATA
  S: 354 End data with <CR><LF>.<CR><LF>
  -- content
  -- delay 700 seconds
  S: 250 2.0.0 Ok`
  }
}

const busy = (random: Random): Luck => ({
  options: { ...relay, tls: "none" },
  script: `${ms(random, 900)}
  S: 421 4.7.0 mx.partner.example Error: too many connections from 192.0.2.10
  -- close`
})

const notThere: Luck = {
  options: { ...submission, host: "mail.old.example", port: 25, tls: "none" },
  script: [
    Script.delay("20 millis"),
    Script.refuse(
      new SmtpError.ConnectionFailed({
        kind: "Refused",
        host: "mail.old.example",
        port: 25,
        attempts: [
          { address: "2001:db8::25", problem: "connection refused" },
          { address: "203.0.113.99", problem: "connection refused" }
        ]
      })
    )
  ]
}

const expired = (random: Random, now: number): Luck => ({
  options: submission,
  script: [
    ...Script.fromText(`
  ${ms(random, 35)}
  S: 220 mail.example.com ESMTP Postfix
  C: EHLO shop.example.com
  S: 250-mail.example.com
  S: 250 STARTTLS
  C: STARTTLS
  S: 220 2.0.0 Ready to start TLS`),
    Script.startTlsWith({
      fails: new SmtpError.CertificateRejected({
        problem: "the certificate expired on 2026-02-01",
        servername: "mail.example.com",
        chain: chain(now - 60 * day)
      })
    })
  ]
})

const broken = (random: Random, now: number): Luck => {
  const to = customer(random)
  return {
    options: submission,
    to: [to],
    script: `${loggedIn(random, now)}
  ${from}
  ${ms(random, 500)}
  -- reset`
  }
}

/** What a server says that does not mean well. */
export const hostileGreeting = [
  "220-<script>document.title='owned'</script>",
  "220-</script><script>document.title='owned'</script>",
  "220-\"><img src=x onerror=\"document.title='owned'\">",
  "220-<svg onload=document.title='owned'> <!-- <![CDATA[ ]]> &lt;script&gt;",
  "220-javascript:document.title='owned' see http://plain.example/ and https://good.example/help?x=1.",
  "220-https://google.com@evil.example/ https://xn--80ak6aa92e.example/ data:text/html,<script>x</script>",
  `220-${"A".repeat(400)} \u202egnp.exe \u2066isolated\u2069 \u200bnothing\u0007`,
  "220 mail.evil.example"
]
export const hostile: Luck = {
  options: { ...relay, host: "mail.evil.example", tls: "none" },
  script: [
    Script.greet(...hostileGreeting),
    Script.on("EHLO shop.example.com", "250-mail.evil.example", "250 SIZE"),
    Script.on(/^MAIL FROM/, "550 5.7.1 <script>document.title='owned'</script> \u202eforged"),
    Script.bye
  ]
}

export const dawn = Date.UTC(2026, 1, 6, 6, 0, 0)

const luckOf = (random: Random, now: number): Luck => {
  const die = random()
  if (die < 0.05) return refusedLogin(random)
  if (die < 0.10) return greylisted(random)
  if (die < 0.13) return twoOfThree(random, now)
  if (die < 0.15) return refusedContent(random, now)
  if (die < 0.16) return silentVerdict(random, now)
  if (die < 0.18) return busy(random)
  if (die < 0.20) return notThere
  if (die < 0.22) return broken(random, now)
  if (die < 0.24) return expired(random, now)
  return accepted(random, now, die < 0.30 ? 4_000 : 220)
}

/** The events of one send, from `now` on. */
const events = Effect.fnUntraced(function*(luck: Luck, now: number, sequence: LogEvent.Sequence) {
  yield* TestClock.setTime(now)
  const script = typeof luck.script === "string" ? Script.fromText(luck.script) : luck.script
  const [first = "bob@customer.example", ...others] = luck.to ?? []
  const send = Effect.gen(function*() {
    const log = yield* SmtpLog.LogMemory
    yield* Effect.scoped(Effect.gen(function*() {
      const transporter = yield* Transporter.make(luck.options)
      const content = luck.content ?? "Subject: Your order\r\n\r\nThank you.\r\n"
      const message = yield* Message.raw({ from: "shop@example.com", to: [first, ...others] }, content)
      yield* Effect.result(transporter.send(message))
    }))
    return yield* log.events
  }).pipe(
    Effect.provide(
      Layer.fresh(Layer.mergeAll(Script.layer(script, { chunks: "whole" }), SmtpLog.layerMemory, TestPlatform.layer))
    ),
    Effect.provideService(LogEvent.Sequence, sequence),
    Effect.provideService(LogEvent.ProcessId, 4_711)
  )
  const sending = yield* Effect.forkChild(send, { startImmediately: true })
  for (let turn = 0; turn < 200 && sending.pollUnsafe() === undefined; turn++) {
    yield* turnOfLoop
    if (turn > 2) yield* TestClock.adjust(turn < 190 ? "1 seconds" : "5 minutes")
  }
  return yield* Fiber.join(sending)
})

const turnOfLoop = Effect.callback<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

/** So many sends over a day, busiest before noon, and at last the hostile one. */
export const sample = Effect.fnUntraced(function*(count: number, seed = 7) {
  const random = generator(seed)
  let counter = 0
  let session = 0
  const sequence = { nextCounterUnsafe: () => ++counter, nextSessionUnsafe: () => ++session }
  const all: Array<LogEvent.LogEvent> = []
  let now = dawn
  for (let n = 0; n < count; n++) {
    const hour = (now - dawn) / 3_600_000
    const rush = 1 + 4 * Math.exp(-((hour - 5) ** 2) / 6)
    now += Math.round(-Math.log(1 - random()) * 12 * 3_600_000 / count * 2.4 / rush)
    all.push(...yield* events(luckOf(random, now), now, sequence))
  }
  all.push(...yield* events(hostile, now + 60_000, sequence))
  return all
})
