import * as Diagnosis from "@colloquy/core/Diagnosis"
import { LogEvent } from "@colloquy/core/LogEvent"
import * as LogReader from "@colloquy/core/LogReader"
import * as LogText from "@colloquy/core/LogText"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { conversation, stars } from "./conversation.ts"

const events = (text: string, options?: LogReader.ReadOptions) => Stream.runCollect(LogReader.readText(text, options))
const conversations = (text: string, options?: LogReader.ReadOptions) =>
  Stream.runCollect(LogReader.conversations()(LogReader.readText(text, options)))

/** The said and done of events, short. */
const short = (found: ReadonlyArray<LogEvent>): ReadonlyArray<string> =>
  found.map((event) => {
    switch (event._tag) {
      case "ClientLine":
        return `${event.session} C: ${event.line}`
      case "ServerLine":
        return `${event.session} S: ${event.line}`
      case "HeaderLine":
        return `${event.session} H: ${event.line}`
      case "BodyLine":
        return `${event.session} B: ${event.line}`
      case "Note":
        return `${event.session} note: ${event.text}`
      case "Unread":
        return `unread ${event.source}:${event.lineNumber}: ${event.text}`
      case "Connecting":
      case "Connected":
        return `${event.session} ${event._tag} ${event.host}:${event.port}${
          event._tag === "Connected" && event.secured ? " secured" : ""
        }`
      case "Closed":
        return `${event.session} Closed by ${event.by}`
      case "Secured":
        return `${event.session} Secured ${event.tls.protocol}`
      case "AttemptFailed":
        return `${event.session} AttemptFailed ${event.problem}`
      default:
        return `${event.session} ${event._tag}`
    }
  })

const article = `1 2019-02-06T15:03:11.586 5 7 ### SMTP Connecté à 'smtp.gmail.com' sur le port 465. (sécurisé)
2 2019-02-06T15:03:12.142 5 7 S < "220 smtp.gmail.com ESMTP y139sm19463388wmd.22 - gsmtp"
3 2019-02-06T15:03:12.143 5 7 C > "EHLO [192.168.18.9]"
4 2019-02-06T15:03:12.154 5 7 S < "250-smtp.gmail.com à votre service, [195.68.52.79]"
7 2019-02-06T15:03:12.154 5 7 S < "250-AUTH LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER XOAUTH"
11 2019-02-06T15:03:12.161 5 7 S < "250 SMTPUTF8"
12 2019-02-06T15:03:12.162 5 7 C > "AUTH PLAIN"
13 2019-02-06T15:03:12.168 5 7 S < "334 "
14 2019-02-06T15:03:12.168 5 7 C > "********************************"
15 2019-02-06T15:03:12.234 5 7 S < "535-5.7.8 Nom d'utilisateur et mot de passe non acceptés. En savoir plus à"
16 2019-02-06T15:03:12.234 5 7 S < "535 5.7.8 https://support.google.com/mail/?p=BadCredentials y139sm19463388wmd.22 - gsmtp"
17 2019-02-06T15:03:12.235 5 7 C > "QUIT"
18 2019-02-06T15:03:12.242 5 7 S < "221 2.0.0 closing connection y139sm19463388wmd.22 - gsmtp"
19 2019-02-06T15:03:12.242 5 7 ### Connexion SMTP fermée67 2019-01-10T11:00:08.653 -5 ### Connexion SMTP fermée
`

const swaks = `=== Trying mail.example.com:587...
=== Connected to mail.example.com.
<-  220 mail.example.com ESMTP Postfix
 -> EHLO client.example.org
<-  250-mail.example.com
<-  250 STARTTLS
 -> STARTTLS
<-  220 2.0.0 Ready to start TLS
=== TLS started with cipher TLSv1.3:TLS_AES_256_GCM_SHA384:256
=== TLS no local certificate set
 ~> EHLO client.example.org
<~  250 mail.example.com
 ~> AUTH LOGIN
<~  334 VXNlcm5hbWU6
 ~> YW5uQGV4YW1wbGUuY29t
<~  334 UGFzc3dvcmQ6
 ~> aHVudGVyMmh1bnRlcjI=
<~* 535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6
*** No authentication type succeeded
 ~> QUIT
<~  221 2.0.0 Bye
=== Connection closed with remote host.
`

const mailkit = `Connected to smtp://mail.example.com:587/?starttls=always
S: 220 mail.example.com ESMTP Postfix
C: EHLO [192.0.2.9]
S: 250-mail.example.com
S: 250 AUTH PLAIN
C: AUTH PLAIN AGFubgBodW50ZXIy
S: 235 2.7.0 Authentication successful
C: MAIL FROM:<ann@example.com>
C: RCPT TO:<bob@example.net>
S: 250 2.1.0 Ok
S: 554 5.7.1 <bob@example.net>: Relay access denied
C: RSET
S: 250 2.0.0 Ok
C: MAIL FROM:<ann@example.com>
S: 250 2.1.0 Ok
C: RCPT TO:<carl@example.com>
S: 250 2.1.5 Ok
C: DATA
S: 354 End data with <CR><LF>.<CR><LF>
C: Subject: QUIT
C: 
C: MAIL FROM:<not@a.command>
C: .
S: 250 2.0.0 Ok: queued as 4F1A2
C: QUIT
S: 221 2.0.0 Bye
`

const nodemailer = `[2026-02-06 15:03:11] DEBUG Creating transport: nodemailer (6.9.7)
[2026-02-06 15:03:11] DEBUG [aXb1] Resolved mail.example.com as 192.0.2.1 [cache miss]
[2026-02-06 15:03:11] INFO  [aXb1] Secure connection established to 192.0.2.1:465
[2026-02-06 15:03:11] DEBUG [#2] [cYd2] Resolved mail.example.com as 192.0.2.1 [cache hit]
[2026-02-06 15:03:12] DEBUG [aXb1] SMTP handshake finished
[2026-02-06 15:03:12] DEBUG [aXb1] S: 220 mail.example.com ESMTP
app-1  | [2026-02-06 15:03:12] INFO  [#2] [cYd2] Connection established to 192.0.2.1:587
[2026-02-06 15:03:12] DEBUG [aXb1] C: EHLO [127.0.0.1]
[2026-02-06 15:03:12] DEBUG [aXb1] S: 250-mail.example.com
[2026-02-06 15:03:12] DEBUG [aXb1] S: 250 AUTH PLAIN
[2026-02-06 15:03:12] DEBUG [aXb1] C: AUTH PLAIN AGFubgAvKiBzZWNyZXQgKi8=
[2026-02-06 15:03:13] DEBUG [aXb1] S: 535 5.7.8 Error: authentication failed
[2026-02-06 15:03:13] DEBUG [#2] [cYd2] S: 220 mail.example.com ESMTP
[2026-02-06 15:03:13] INFO  [aXb1] Connection closed
    at SMTPConnection._formatError (/app/node_modules/nodemailer/lib/smtp-connection/index.js:790:19)
`

const exchange = `#Software: Microsoft Exchange Server
#Version: 15.0.0.0
#Log-type: SMTP Send Protocol Log
#Date: 2026-02-06T15:00:00.000Z
#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context
2026-02-06T15:03:11.586Z,Internet,08DD0A1B2C3D4E5F,0,,203.0.113.5:25,*,,attempting to connect
2026-02-06T15:03:11.690Z,Internet,08DD0A1B2C3D4E5F,1,192.0.2.1:50000,203.0.113.5:25,+,,
2026-02-06T15:03:12.142Z,Internet,08DD0A1B2C3D4E5F,2,192.0.2.1:50000,203.0.113.5:25,<,"220 mail.example.net ESMTP, ""ready""",
2026-02-06T15:03:12.143Z,Internet,08DD0A1B2C3D4E5F,3,192.0.2.1:50000,203.0.113.5:25,>,EHLO mx.example.com,
2026-02-06T15:03:12.143Z,Internet,08DD0A1B2C3D4E60,0,,198.51.100.7:25,*,,attempting to connect
2026-02-06T15:03:12.243Z,Internet,08DD0A1B2C3D4E5F,4,192.0.2.1:50000,203.0.113.5:25,<,250 mail.example.net,
2026-02-06T15:03:12.343Z,Internet,08DD0A1B2C3D4E5F,5,192.0.2.1:50000,203.0.113.5:25,>,MAIL FROM:<ann@example.com>,
2026-02-06T15:03:12.443Z,Internet,08DD0A1B2C3D4E5F,6,192.0.2.1:50000,203.0.113.5:25,<,"554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
2026-02-06T15:03:12.543Z,Internet,08DD0A1B2C3D4E5F,7,192.0.2.1:50000,203.0.113.5:25,-,,Remote
`

const indent = `${" ".repeat(19)}\t${" ".repeat(18)}`
const phpmailer = `2026-02-06 15:03:11\tConnection: opening to mail.example.com:587, timeout=300, options=array (
${indent}  'ssl' =>
${indent}  array (
${indent}    'passphrase' => 'hunter2hunter2',
${indent}  ),
${indent})
2026-02-06 15:03:11\tConnection: opened
2026-02-06 15:03:12\tSERVER -> CLIENT: 220 mail.example.com ESMTP Postfix
2026-02-06 15:03:12\tCLIENT -> SERVER: EHLO client.example.org
2026-02-06 15:03:12\tSERVER -> CLIENT: 250-mail.example.com
${indent}250-SIZE 35882577
${indent}250 AUTH LOGIN
2026-02-06 15:03:12\tCLIENT -> SERVER: AUTH LOGIN
2026-02-06 15:03:12\tSERVER -> CLIENT: 334 VXNlcm5hbWU6
2026-02-06 15:03:12\tCLIENT -> SERVER: YW5uQGV4YW1wbGUuY29t
2026-02-06 15:03:12\tSERVER -> CLIENT: 334 UGFzc3dvcmQ6
2026-02-06 15:03:12\tCLIENT -> SERVER: aHVudGVyMmh1bnRlcjI=
2026-02-06 15:03:14\tSERVER -> CLIENT: 535-5.7.8 Nope: aHVudGVyMmh1bnRlcjI=
${indent}535 5.7.8 Error: authentication failed
2026-02-06 15:03:14\tSMTP ERROR: Password command failed: 535-5.7.8 Nope: aHVudGVyMmh1bnRlcjI=
${indent}535 5.7.8 Error: authentication failed
SMTP Error: Could not authenticate.
2026-02-06 15:03:14\tCLIENT -> SERVER: QUIT
2026-02-06 15:03:14\tSERVER -> CLIENT: 221 2.0.0 Bye
2026-02-06 15:03:14\tConnection: closed
SMTP connect() failed. https://github.com/PHPMailer/PHPMailer/wiki/Troubleshooting
`

const samples = { colloquy: article, exchange, mailkit, nodemailer, phpmailer, swaks } as const

describe("LogReader: formats", () => {
  it("Finds out whose log it is", () => {
    for (const [format, text] of Object.entries(samples)) assert.strictEqual(LogReader.detect(text), format)
    const ndjson = LogText.encodeJson(conversation({})[0] ?? assert.fail())
    assert.strictEqual(LogReader.detect(ndjson), "colloquy")
    assert.isUndefined(LogReader.detect("Dear all,\nplease find attached\n"))
  })

  it.effect("The article's log is one whole conversation and one stray closing", () =>
    Effect.gen(function*() {
      const found = yield* conversations(article)
      assert.deepStrictEqual(
        found.map(({ events, kind, process, session }) => [kind, process, session, events.length]),
        [["whole", 5, 7, 14], ["partial", -5, 0, 1]]
      )
      const diagnosis = Diagnosis.diagnose(found[0]?.events ?? [])
      assert.strictEqual(diagnosis.rule, "authentication/google-bad-credentials")
      assert.deepStrictEqual(diagnosis.evidence.map(({ counter }) => counter), [12, 14, 15, 16])
    }))

  it.effect("swaks: secrets in base64 become asterisks, and the diagnosis is right", () =>
    Effect.gen(function*() {
      const found = yield* events(swaks)
      assert.deepStrictEqual(short(found), [
        "1 Connecting mail.example.com:587",
        "1 Connected mail.example.com:587",
        "1 S: 220 mail.example.com ESMTP Postfix",
        "1 C: EHLO client.example.org",
        "1 S: 250-mail.example.com",
        "1 S: 250 STARTTLS",
        "1 C: STARTTLS",
        "1 S: 220 2.0.0 Ready to start TLS",
        "1 Secured TLSv1.3",
        "1 note: TLS no local certificate set",
        "1 C: EHLO client.example.org",
        "1 S: 250 mail.example.com",
        "1 C: AUTH LOGIN",
        "1 S: 334 VXNlcm5hbWU6",
        `1 C: ${stars}`,
        "1 S: 334 UGFzc3dvcmQ6",
        `1 C: ${stars}`,
        "1 S: 535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6",
        "1 note: No authentication type succeeded",
        "1 C: QUIT",
        "1 S: 221 2.0.0 Bye",
        "1 Closed by client"
      ])
      assert.deepStrictEqual(found.map(({ counter }) => counter), Array.from({ length: 22 }, (_, at) => at + 1))
      assert.strictEqual(Diagnosis.diagnose(found).rule, "authentication/bad-credentials")
    }))

  it.effect("swaks: a connection that did not come about", () =>
    Effect.gen(function*() {
      const found = yield* events(
        "=== Trying mail.example.com:2525...\n*** Error connecting to mail.example.com:2525:\n*** \tIO::Socket::INET6: connect: Connection refused\n"
      )
      assert.deepStrictEqual(short(found).slice(-1), ["1 AttemptFailed connect: Connection refused"])
      assert.strictEqual(Diagnosis.diagnose(found).rule, "connection/refused")
    }))

  it.effect("MailKit: the message among the commands is content, and the refusal before it is found", () =>
    Effect.gen(function*() {
      const found = yield* events(mailkit)
      assert.deepStrictEqual(short(found).slice(5, 7), [
        `1 C: AUTH PLAIN ${stars}`,
        "1 S: 235 2.7.0 Authentication successful"
      ])
      assert.deepStrictEqual(short(found).slice(18, 24), [
        "1 S: 354 End data with <CR><LF>.<CR><LF>",
        "1 H: Subject: QUIT",
        "1 H: ",
        "1 B: MAIL FROM:<not@a.command>",
        "1 C: .",
        "1 S: 250 2.0.0 Ok: queued as 4F1A2"
      ])
      assert.deepStrictEqual(Diagnosis.diagnoseAll(found).map(({ rule }) => rule), ["recipient/relay-denied"])
    }))

  it.effect("MailKit: times are read where it wrote them", () =>
    Effect.gen(function*() {
      const [first] = yield* events("2026-02-06T15:03:11Z C: EHLO me\n")
      assert.strictEqual(first?.time, Date.parse("2026-02-06T15:03:11Z"))
    }))

  it.effect("Nodemailer: connections that interleave are told apart, stray lines are kept as unread", () =>
    Effect.gen(function*() {
      const found = yield* events(nodemailer, { source: "app.log" })
      assert.deepStrictEqual(short(found), [
        "0 note: Creating transport: nodemailer (6.9.7)",
        "1 note: Resolved mail.example.com as 192.0.2.1 [cache miss]",
        "1 Connected mail.example.com:465 secured",
        "2 note: Resolved mail.example.com as 192.0.2.1 [cache hit]",
        "1 note: SMTP handshake finished",
        "1 S: 220 mail.example.com ESMTP",
        "2 Connected mail.example.com:587",
        "1 C: EHLO [127.0.0.1]",
        "1 S: 250-mail.example.com",
        "1 S: 250 AUTH PLAIN",
        `1 C: AUTH PLAIN ${stars}`,
        "1 S: 535 5.7.8 Error: authentication failed",
        "2 S: 220 mail.example.com ESMTP",
        "1 Closed by server",
        "unread app.log:15:     at SMTPConnection._formatError (/app/node_modules/nodemailer/lib/smtp-connection/index.js:790:19)"
      ])
      const grouped = LogReader.conversationsOf(found).filter(({ kind }) => kind !== "apart")
      assert.deepStrictEqual(grouped.map(({ events, session }) => [session, Diagnosis.diagnose(events).rule]), [
        [1, "authentication/bad-credentials"],
        [2, "unclear/not-enough"]
      ])
    }))

  it.effect("MailKit: other prefixes, as web tests of servers show them", () =>
    Effect.gen(function*() {
      const found = yield* events(
        "Connected to smtp://mail.example.com:587/?starttls=when-available\n<< 220 mail.example.com ESMTP\n>> EHLO [192.0.2.9]\n<< 250 mail.example.com\n>> AUTH PLAIN AGFubgBodW50ZXIy\n<< 235 2.7.0 Ok\n"
      )
      assert.deepStrictEqual(short(found).slice(1), [
        "1 S: 220 mail.example.com ESMTP",
        "1 C: EHLO [192.0.2.9]",
        "1 S: 250 mail.example.com",
        `1 C: AUTH PLAIN ${stars}`,
        "1 S: 235 2.7.0 Ok"
      ])
    }))

  it.effect("Nodemailer: the content stands there without C:, and ends with the reply", () =>
    Effect.gen(function*() {
      const at = "[2026-02-06 15:03:12]"
      const found = yield* events([
        `${at} DEBUG [aXb1] C: DATA`,
        `${at} DEBUG [aXb1] S: 354 Go ahead`,
        `${at} DEBUG [aXb1] Subject: Hi`,
        `${at} DEBUG [aXb1] `,
        `${at} DEBUG [aXb1] Hello`,
        `${at} INFO  [aXb1] <19 bytes encoded mime message (source size 17 bytes)>`,
        `${at} DEBUG [aXb1] S: 250 Accepted`,
        `${at} DEBUG [aXb1] C: QUIT`
      ].join("\n"))
      assert.deepStrictEqual(short(found).slice(2), [
        "1 H: Subject: Hi",
        "1 H: ",
        "1 B: Hello",
        "1 Content",
        "1 S: 250 Accepted",
        "1 C: QUIT"
      ])
    }))

  it.effect("Nodemailer: older versions, its server's log, and records without a time", () =>
    Effect.gen(function*() {
      const old =
        "[2016-08-20 07:36:56] DEBUG: [QsdX] S: 250-STARTTLS\n250-PIPELINING\n250 AUTH LOGIN PLAIN\n[2016-08-20 07:36:56] DEBUG: [QsdX] C: STARTTLS"
      assert.deepStrictEqual(short(yield* events(old)), [
        "1 S: 250-STARTTLS",
        "1 S: 250-PIPELINING",
        "1 S: 250 AUTH LOGIN PLAIN",
        "1 C: STARTTLS"
      ])
      const server =
        "[2019-04-18 11:32:38] INFO  [#zug] Connection from [::1]\n[2019-04-18 11:32:38] DEBUG [#zug] S: 250-mail Nice to meet you\n[2019-04-18 11:32:38] DEBUG [#zug] 250 8BITMIME\n[2019-04-18 11:32:38] DEBUG [#zug] C: QUIT"
      assert.deepStrictEqual(short(yield* events(server)), [
        "0 note: Connection from [::1]",
        "1 S: 250-mail Nice to meet you",
        "1 S: 250 8BITMIME",
        "1 C: QUIT"
      ])
      const timeless = "DEBUG [JEYE] S: 220 mail.example.com ESMTP\nDEBUG [JEYE] C: EHLO [127.0.0.1]"
      assert.deepStrictEqual(short(yield* events(timeless)), [
        "1 S: 220 mail.example.com ESMTP",
        "1 C: EHLO [127.0.0.1]"
      ])
    }))

  it.effect("swaks: a transcript that was copied from a terminal, with the message in it", () =>
    Effect.gen(function*() {
      const found = yield* events(
        "=== Connected to 192.0.2.7.\n<-  220 hi\n -> DATA\n<-  354 End data with <CR><LF>.<CR><LF>\n -> To: ann@example.com\n -> \n -> Hello\n  ->  \n ->\n -> .\n<-  250 2.0.0 Ok: queued as 4F1\n=== TLS peer[0]   subject=[/CN=mail.example.com]\n===               commonName=[mail.example.com]\n"
      )
      assert.deepStrictEqual(short(found).slice(4), [
        "1 H: To: ann@example.com",
        "1 H: ",
        "1 B: Hello",
        "1 B:  ",
        "1 B: ",
        "1 C: .",
        "1 S: 250 2.0.0 Ok: queued as 4F1",
        "1 note: TLS peer[0]   subject=[/CN=mail.example.com]",
        "1 note:               commonName=[mail.example.com]"
      ])
    }))

  it.effect("Exchange: quoted fields, two sessions, and who hung up", () =>
    Effect.gen(function*() {
      const found = yield* events(exchange)
      assert.deepStrictEqual(short(found).slice(5), [
        "1 Connecting 203.0.113.5:25",
        "1 Connected 203.0.113.5:25",
        "1 S: 220 mail.example.net ESMTP, \"ready\"",
        "1 C: EHLO mx.example.com",
        "2 Connecting 198.51.100.7:25",
        "1 S: 250 mail.example.net",
        "1 C: MAIL FROM:<ann@example.com>",
        "1 S: 554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
        "1 Closed by server"
      ])
      const first = LogReader.conversationsOf(found).find(({ kind }) => kind === "whole")
      assert.strictEqual(Diagnosis.diagnose(first?.events ?? []).rule, "policy/block-list")
    }))

  it.effect("Exchange: in a receive log the directions are the other way round", () =>
    Effect.gen(function*() {
      const found = yield* events(
        "#Log-type: SMTP Receive Protocol Log\n2026-02-06T15:03:12.142Z,Default,08DD,0,192.0.2.1:25,203.0.113.5:5000,>,220 mx,\n2026-02-06T15:03:12.143Z,Default,08DD,1,192.0.2.1:25,203.0.113.5:5000,<,EHLO them,\n2026-02-06T15:03:12.143Z,Default,08DD,2,192.0.2.1:25,203.0.113.5:5000,-,,Local\n"
      )
      assert.deepStrictEqual(short(found).slice(1), ["1 S: 220 mx", "1 C: EHLO them", "1 Closed by server"])
    }))

  it.effect("PHPMailer: printed, with times and the further lines of a reply indented", () =>
    Effect.gen(function*() {
      const found = yield* events(phpmailer)
      assert.deepStrictEqual(short(found), [
        "1 Connecting mail.example.com:587",
        "1 note: 'ssl' =>",
        "1 note: array (",
        `1 note: 'passphrase' => '${stars}',`,
        "1 note: ),",
        "1 note: )",
        "1 Connected mail.example.com:587",
        "1 S: 220 mail.example.com ESMTP Postfix",
        "1 C: EHLO client.example.org",
        "1 S: 250-mail.example.com",
        "1 S: 250-SIZE 35882577",
        "1 S: 250 AUTH LOGIN",
        "1 C: AUTH LOGIN",
        "1 S: 334 VXNlcm5hbWU6",
        `1 C: ${stars}`,
        "1 S: 334 UGFzc3dvcmQ6",
        `1 C: ${stars}`,
        `1 S: 535-5.7.8 Nope: ${stars}`,
        "1 S: 535 5.7.8 Error: authentication failed",
        `1 note: SMTP ERROR: Password command failed: 535-5.7.8 Nope: ${stars}`,
        "1 note: 535 5.7.8 Error: authentication failed",
        "1 note: SMTP Error: Could not authenticate.",
        "1 C: QUIT",
        "1 S: 221 2.0.0 Bye",
        "1 Closed by client",
        "0 note: SMTP connect() failed. https://github.com/PHPMailer/PHPMailer/wiki/Troubleshooting"
      ])
      assert.strictEqual(found[7]?.time, Date.UTC(2026, 1, 6, 15, 3, 12))
      const conversation = LogReader.conversationsOf(found).find(({ kind }) => kind === "whole")
      const diagnosis = Diagnosis.diagnose(conversation?.events ?? [])
      assert.strictEqual(diagnosis.rule, "authentication/bad-credentials")
      assert.deepStrictEqual(diagnosis.slow.map(({ milliseconds, phase, what }) => [what, phase, milliseconds]), [
        ["reply", "auth", 2_000],
        ["reply", "greeting", 1_000]
      ])
    }))

  it.effect("PHPMailer: as HTML, where a reply is one line, and a handshake that failed is told by what follows", () =>
    Effect.gen(function*() {
      const found = yield* events([
        "2026-02-06 15:03:12 SERVER -&gt; CLIENT: 220 smtp.gmail.com ESMTP x - gsmtp<br>",
        "2026-02-06 15:03:12 CLIENT -&gt; SERVER: EHLO &lt;localhost&gt;<br>",
        "2026-02-06 15:03:12 SERVER -&gt; CLIENT: 250-smtp.gmail.com at your service, [192.0.2.250]250-SIZE 35882577250-8BITMIME250 STARTTLS 250 &amp; 3<br>",
        "2026-02-06 15:03:12 CLIENT -&gt; SERVER: STARTTLS<br>",
        "2026-02-06 15:03:13 SERVER -&gt; CLIENT: 220 2.0.0 Ready to start TLS<br>",
        "SMTP Error: Could not connect to SMTP host.<br>",
        "2026-02-06 15:03:13 CLIENT -&gt; SERVER: QUIT<br>",
        "2026-02-06 15:03:13 SERVER -&gt; CLIENT: <br>",
        "SMTP connect() failed. https://github.com/PHPMailer/PHPMailer/wiki/Troubleshooting<br>"
      ].join("\n"))
      assert.deepStrictEqual(short(found), [
        "1 S: 220 smtp.gmail.com ESMTP x - gsmtp",
        "1 C: EHLO <localhost>",
        "1 S: 250-smtp.gmail.com at your service, [192.0.2.250]",
        "1 S: 250-SIZE 35882577",
        "1 S: 250-8BITMIME",
        "1 S: 250 STARTTLS 250 & 3",
        "1 C: STARTTLS",
        "1 S: 220 2.0.0 Ready to start TLS",
        "1 Failed",
        "1 C: QUIT",
        "1 note: the server said nothing",
        "1 note: SMTP connect() failed. https://github.com/PHPMailer/PHPMailer/wiki/Troubleshooting"
      ])
      assert.strictEqual(Diagnosis.diagnose(found).rule, "tls/handshake")
    }))

  it.effect("PHPMailer: to a logger, without times; why the certificate was not accepted; two mails", () =>
    Effect.gen(function*() {
      const found = yield* events([
        "mail.DEBUG: SERVER -> CLIENT: 220 mail.example.com ESMTP",
        "mail.DEBUG: CLIENT -> SERVER: EHLO localhost",
        "mail.DEBUG: SERVER -> CLIENT: 250-mail.example.com",
        "250 STARTTLS",
        "mail.DEBUG: CLIENT -> SERVER: STARTTLS",
        "mail.DEBUG: SERVER -> CLIENT: 220 Go on",
        "mail.DEBUG: Connection failed. Error #2: stream_socket_enable_crypto(): Peer certificate CN=`*.host.example' did not match expected CN=`mail.example.com'",
        "mail.DEBUG: SERVER -> CLIENT: 220 mail.example.com ESMTP",
        "mail.DEBUG: CLIENT -> SERVER: AUTH PLAIN [credentials hidden]",
        "mail.DEBUG: SERVER -> CLIENT: 235 Ok",
        "mail.DEBUG: CLIENT -> SERVER: DATA",
        "mail.DEBUG: SERVER -> CLIENT: 354 Go on",
        "mail.DEBUG: CLIENT -> SERVER: Subject: Hi",
        "mail.DEBUG: CLIENT -> SERVER:",
        "mail.DEBUG: CLIENT -> SERVER: MAIL FROM:<not@a.command>",
        "mail.DEBUG: CLIENT -> SERVER: .",
        "mail.DEBUG: SERVER -> CLIENT: 250 Queued",
        "SMTP NOTICE: EOF caught while checking if connected"
      ].join("\n"))
      assert.deepStrictEqual(short(found).slice(6), [
        "1 Failed",
        "2 S: 220 mail.example.com ESMTP",
        `2 C: AUTH PLAIN ${stars}`,
        "2 S: 235 Ok",
        "2 C: DATA",
        "2 S: 354 Go on",
        "2 H: Subject: Hi",
        "2 H: ",
        "2 B: MAIL FROM:<not@a.command>",
        "2 C: .",
        "2 S: 250 Queued",
        "2 Closed by server"
      ])
      assert.deepStrictEqual(
        LogReader.conversationsOf(found).map(({ events, session }) => [session, Diagnosis.diagnose(events).rule]),
        [[2, "fine/nothing"], [1, "tls/certificate-name"]]
      )
    }))

  it.effect("PHPMailer: a dial that failed, and a page that was copied as one line", () =>
    Effect.gen(function*() {
      const dial = yield* events(
        "2026-02-06 15:03:11\tConnection: opening to ssl://mail.example.com:465, timeout=300, options=array()\n2026-02-06 15:03:11\tSMTP ERROR: Failed to connect to server: Connection refused (111)\nSMTP connect() failed."
      )
      assert.deepStrictEqual(short(dial), [
        "1 Connecting mail.example.com:465",
        "1 AttemptFailed Connection refused (111)",
        "0 note: SMTP connect() failed."
      ])
      assert.strictEqual(Diagnosis.diagnose(dial).rule, "connection/refused")
      const page = "2026-02-06 15:03:12 SERVER -> CLIENT: 220 a 2026-02-06 15:03:12 CLIENT -> SERVER: EHLO b " +
        "2026-02-06 15:03:13 SERVER -> CLIENT: 250-a 250-SIZE 1 250 DSN"
      assert.deepStrictEqual(short(yield* events(page)), [
        "1 S: 220 a",
        "1 C: EHLO b",
        "1 S: 250-a",
        "1 S: 250-SIZE 1",
        "1 S: 250 DSN"
      ])
    }))

  it.effect("PHPMailer: a hostile line is read at once", () =>
    Effect.gen(function*() {
      const many = yield* events(`SERVER -> CLIENT: ${"250-x".repeat(200_000)}`, { format: "phpmailer" })
      assert.strictEqual(many.length, 200_000)
      const blanks = " ".repeat(500_000)
      const found = yield* events(
        `SERVER -&gt; CLIENT: 250 a${blanks}b\n${blanks}x\nSERVER -> CLIENT: a${blanks}<br>b`,
        {
          format: "phpmailer"
        }
      )
      assert.deepStrictEqual(found.map(({ _tag }) => _tag), ["ServerLine", "Unread", "ServerLine"])
    }))

  it.effect("No secret of a login comes through, in any format that has one", () =>
    Effect.gen(function*() {
      for (const text of [swaks, mailkit, nodemailer, phpmailer]) {
        const shown = JSON.stringify(yield* events(text))
        for (
          const secret of ["hunter2", "aHVudGVyMmh1bnRlcjI", "YW5uQGV4YW1wbGUuY29t", "AGFubgBodW50ZXIy", "AGFubgAv"]
        ) {
          assert.notInclude(shown, secret)
        }
      }
    }))

  it.effect("A format that is named is used, and what does not fit it is unread, with its line", () =>
    Effect.gen(function*() {
      const found = yield* events("hello\n\nS: 220 x", { format: "swaks", source: "a.txt" })
      assert.deepStrictEqual(short(found), ["unread a.txt:1: hello", "unread a.txt:3: S: 220 x"])
    }))

  it.effect("A line without end is given in pieces, under one line number", () =>
    Effect.gen(function*() {
      const text = `=== Connected to a.\n${"x".repeat(3_000_000)}\n<-  220 hi\n`
      const found = yield* events(text)
      assert.deepStrictEqual([...new Set(found.map(({ counter }) => counter))], [1, 2, 3])
      assert.strictEqual(
        found.flatMap((event) => event._tag === "Unread" ? [event.text] : []).join("").length,
        3_000_000
      )
    }))
})

const cut = (octets: Uint8Array, size: number): ReadonlyArray<Uint8Array> =>
  Array.from({ length: Math.ceil(octets.length / size) }, (_, at) => octets.subarray(at * size, (at + 1) * size))

describe("LogReader: any octets", () => {
  it.effect("However the octets are cut, the events are the same", () =>
    Effect.gen(function*() {
      for (const text of Object.values(samples)) {
        const octets = new TextEncoder().encode(text)
        const whole = yield* events(text)
        for (const size of [1, 2, 7, 64]) {
          const pieces = yield* Stream.runCollect(LogReader.read()(Stream.fromIterable(cut(octets, size))))
          assert.deepStrictEqual(pieces, whole)
        }
      }
    }))

  it.effect.prop(
    "Reading and explaining never fail, and lose no line",
    [Schema.Array(Schema.String), Schema.Array(Schema.Int), Schema.Literals([...LogReader.formats, "found"])],
    ([texts, numbers, format]) =>
      Effect.gen(function*() {
        const noise = Uint8Array.from(numbers, (number) => number & 0xff)
        const marks = [
          " -> ",
          "<-  ",
          "=== ",
          "S: ",
          "C: ",
          "[2026-02-06 15:03:12] DEBUG [a] S: ",
          "SERVER -> CLIENT: ",
          "2026-02-06 15:03:12\tCLIENT -> SERVER: ",
          "2026-02-06T15:03:12.142Z,I,08,0,,a:1,<,"
        ]
        const lines = texts.map((text, at) => `${marks[at % marks.length]}${text}`)
        const octets = new TextEncoder().encode(lines.join("\n"))
        const found = yield* Stream.runCollect(
          LogReader.read(format === "found" ? {} : { format })(Stream.make(octets, noise))
        )
        for (const event of found) assert.isTrue(Schema.is(LogEvent)(event))
        for (const { events } of LogReader.conversationsOf(found)) Diagnosis.diagnoseAll(events)
      })
  )

  it.effect("A text that is nobody's log is kept line by line", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(short(yield* events("Dear all,\n\nregards")), [
        "unread log:1: Dear all,",
        "unread log:3: regards"
      ])
    }))

  it.effect("A file that was cut in the middle of a character is read to its last octet", () =>
    Effect.gen(function*() {
      const octets = new TextEncoder().encode(article.slice(0, article.indexOf("à votre") + 1)).slice(0, -1)
      const found = yield* Stream.runCollect(LogReader.read()(Stream.make(octets)))
      assert.deepStrictEqual(short(found).slice(-1), ["7 S: 250-smtp.gmail.com \udcc3"])
    }))

  it.effect("An empty log has no events and no conversations", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* conversations(""), [])
    }))
})

const of = (process: number, session: number, lines: ReadonlyArray<LogEvent>, from = 0): ReadonlyArray<LogEvent> =>
  lines.map((event) => ({ ...event, process, session, counter: event.counter + from }))

const small = conversation({}, "S: 220 hi", "C: QUIT", "S: 221 bye", { _tag: "Closed", by: "client", elapsed: 1 })

const opened = (instance: string, process: number): LogEvent => ({
  _tag: "Opened",
  counter: 0,
  time: 0,
  process,
  session: 0,
  format: 1,
  program: "colloquy",
  instance,
  zone: "UTC"
})

describe("LogReader: conversations", () => {
  it("Sessions that interleave are separated by process and session, in the order in which they end", () => {
    const [a, b, c] = [of(1, 1, small), of(1, 2, small), of(2, 1, small)]
    const mixed = small.flatMap((_, at) => [c, a, b].flatMap((events) => events[at] ?? []))
    const found = LogReader.conversationsOf(mixed)
    assert.deepStrictEqual(
      found.map(({ dropped, kind, process, session }) => [process, session, kind, dropped]),
      [[2, 1, "whole", 0], [1, 1, "whole", 0], [1, 2, "whole", 0]]
    )
    assert.deepStrictEqual(found.map(({ events }) => events), [c, a, b])
  })

  it("What is still said of a session behind its end belongs to it; an opening under its numbers is another one", () => {
    const failed: LogEvent = {
      _tag: "Failed",
      counter: 99,
      time: 0,
      process: 1,
      session: 1,
      phase: "quit",
      reason: "ConnectionLost",
      message: "x"
    }
    const found = LogReader.conversationsOf([...of(1, 1, small), failed, ...of(1, 1, small, 100)])
    assert.deepStrictEqual(found.map(({ events, kind }) => [kind, events.length]), [["whole", 7], ["whole", 6]])
  })

  it("A process that was started anew begins its session numbers anew", () => {
    const begun = of(1, 1, small.slice(0, 3))
    const found = LogReader.conversationsOf([opened("a", 1), ...begun, opened("b", 1), ...of(1, 1, small)])
    assert.deepStrictEqual(found.map(({ events, kind }) => [kind, events.length]), [
      ["apart", 1],
      ["partial", 3],
      ["apart", 1],
      ["whole", 6]
    ])
  })

  it("Two dials of 4D's one process after the other are two conversations", () => {
    const text = article.split("\n").slice(0, 13).join("\n")
    const again = article.split("\n").slice(0, 13).map((line) => line.replace(/^\d+/, (n) => `${Number(n) + 100}`))
      .join("\n")
    const found = LogReader.conversationsOf(`${text}\n${again}`.split("\n").flatMap((line) => LogText.decode(line)))
    assert.deepStrictEqual(found.map(({ events, kind }) => [kind, events.length]), [["partial", 13], ["partial", 13]])
  })

  it("Of a conversation that is too long the ends are kept and the rest is counted", () => {
    const body = Array.from({ length: 1_000 }, (_, at): LogEvent => ({
      _tag: "BodyLine",
      counter: at,
      time: 0,
      process: 1,
      session: 1,
      line: `${at}`
    }))
    const [found] = LogReader.conversationsOf([...small.slice(0, 3), ...body, ...small.slice(3)], { maxEvents: 10 })
    assert.strictEqual(found?.events.length, 10)
    assert.strictEqual(found?.dropped, 996)
    assert.deepStrictEqual(short(found?.events ?? []).slice(5), [
      "1 B: 998",
      "1 B: 999",
      "1 C: QUIT",
      "1 S: 221 bye",
      "1 Closed by client"
    ])
  })

  it("Of too many open sessions the one that was silent longest is given up", () => {
    const open = Array.from({ length: 5 }, (_, at) => of(1, at + 1, small.slice(0, 2))).flat()
    const found = LogReader.conversationsOf([...open, ...of(1, 4, small.slice(2))], { maxOpen: 2 })
    assert.deepStrictEqual(found.map(({ kind, session }) => [session, kind]), [
      [1, "partial"],
      [2, "partial"],
      [3, "partial"],
      [4, "whole"],
      [5, "partial"]
    ])
  })
})

const at = (counter: number, time: number): LogEvent => ({
  _tag: "Note",
  counter,
  time,
  process: 1,
  session: 0,
  text: `${counter}`
})

const merged = (first: ReadonlyArray<LogEvent>, second: ReadonlyArray<LogEvent>, by?: "counter" | "time") =>
  Effect.map(
    Stream.runCollect(LogReader.merge([Stream.fromIterable(first), Stream.fromIterable(second)], { by })),
    (events) => events.flatMap((event) => event._tag === "Note" ? [event.counter] : [])
  )

describe("LogReader: several files", () => {
  it.effect("Files of one process merge by counter, of several by time", () =>
    Effect.gen(function*() {
      const [a, b] = [[at(1, 50), at(4, 40)], [at(2, 10), at(3, 60)]]
      assert.deepStrictEqual(yield* merged(a, b, "counter"), [1, 2, 3, 4])
      assert.deepStrictEqual(yield* merged(a, b), [2, 1, 4, 3])
      assert.deepStrictEqual(yield* merged([opened("x", 1), ...a], [opened("x", 1), ...b]), [1, 2, 3, 4])
      assert.deepStrictEqual(yield* merged([opened("x", 1), ...a], [opened("y", 1), ...b]), [2, 1, 4, 3])
      assert.deepStrictEqual(yield* merged([], []), [])
    }))

  it.effect("A rotated set is read in the order of its numbers, each file by its own format", () =>
    Effect.gen(function*() {
      const files: Readonly<Record<string, string>> = {
        "4DSMTPLog_10.txt": "5 2019-02-06T15:03:12.142 5 7 C > \"QUIT\"\n",
        "4DSMTPLog_9.txt": "4 2019-02-06T15:03:12.142 5 7 S < \"220 hi\"\njunk\n",
        "4DSMTPLog_9.txt.bak": "no",
        "4DSMTPLog_11.txt": "S: 221 bye\n"
      }
      const layer = FileSystem.layerNoop({
        readDirectory: () => Effect.succeed(Object.keys(files)),
        stream: (path) => Stream.make(new TextEncoder().encode(files[path.replace(/^.*\//, "")] ?? "")) as never
      })
      const found = yield* Stream.runCollect(LogReader.readFiles("Logs/4DSMTPLog_*.txt")).pipe(
        Effect.provide(Layer.merge(layer, Path.layer))
      )
      assert.deepStrictEqual(short(found), [
        "7 S: 220 hi",
        "unread Logs/4DSMTPLog_9.txt:2: junk",
        "7 C: QUIT",
        "1 S: 221 bye"
      ])
    }))
})
