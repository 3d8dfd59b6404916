/**
 * The SMTP engine for Effect applications: the front page.
 *
 * A message's way, each step in a module of its own:
 *
 * 1. `Transporter.send` takes a `Message` (or a `Draft` with files and streams, or raw content).
 * 2. `Message.prepare` checks all of it and fixes Message-ID, Date and boundaries, the same in every attempt; `Dkim` and
 *    `SmimeSigner` sign (`internal/signing`).
 * 3. It waits for a session (`internal/sessions`). One is opened where there is none (`internal/opening`): a `Connector`
 *    dials, `internal/handshake` has the greeting, EHLO and STARTTLS, `internal/login` chooses the `Sasl` mechanism.
 * 4. It is rendered for what this server offers (`Extensions`); `Envelope` makes MAIL and RCPT (`internal/deliver`).
 * 5. Commands and content are queued by `internal/transaction`, kept in order with their replies by `internal/pipeline`,
 *    written and read by `internal/engine`. `Command.encode` ends a line, `internal/stuffing` the content; nothing else.
 * 6. Every line goes, without secrets, through `internal/recorder` to `SmtpLog` and its sinks as a `LogEvent`.
 * 7. `Reply`s become a verdict for each recipient (`internal/delivery`): a `Receipt`, or an `SmtpError` with the end of
 *    the conversation.
 *
 * `Session` is the same dialogue by hand, phases as types; `Server` is the other side of it. `LogReader` and `Diagnosis`
 * read logs and say what went wrong. What tests need is `@colloquy/core/testing`.
 *
 * | RFC | what | module |
 * | --- | --- | --- |
 * | 5321 | SMTP | `Session`, `Command`, `Reply`, `Envelope`, `Mailbox`, `Server` |
 * | 2033 | LMTP | `Session.lhlo`, `Transporter` (`lmtp`) |
 * | 1870, 2852, 2920, 3030, 3461, 4865, 6152, 6531, 6710, 8689, 9422 | SIZE, DELIVERBY, PIPELINING, CHUNKING and BINARYMIME, DSN, FUTURERELEASE, 8BITMIME, SMTPUTF8, MT-PRIORITY, REQUIRETLS, LIMITS | `Extensions`, `Envelope` |
 * | 1985 | ETRN | `Command` |
 * | 2034, 3463 | enhanced status codes | `Reply` |
 * | 3207, 8314, 9525 | STARTTLS, implicit TLS, names in certificates | `Tls`, `Connection` |
 * | 4954, 4422, 4013 | AUTH, SASL, SASLprep | `Sasl` |
 * | 4616, 2195, 5802, 7677, 9266, 7628, 4505 | PLAIN, CRAM-MD5, SCRAM and its channel binding, OAUTHBEARER, ANONYMOUS | `sasl/` |
 * | 6749, 7523 | OAuth 2.0: token endpoints, signed assertions | `OAuth2` |
 * | 1928, 1929, 9110 §9.3.6, 7617 | SOCKS5, HTTP CONNECT | `ProxyConnector` |
 * | 5322, 6532, 2045 to 2047, 2231, 3676 | messages and MIME | `Message` |
 * | 2369, 2919, 8058, 3834, 5545, 6047 | mailing lists, automatic mail, calendars | `Message` |
 * | 6376, 8301, 8463 | DKIM | `Dkim` |
 * | 8551, 5652 | S/MIME signatures | `SmimeSigner` |
 *
 * Delivering to the world's MX hosts is not in here: a transporter speaks to the one server that it is given.
 */
export * as Command from "./Command.ts"
export * as Connection from "./Connection.ts"
export * as Connector from "./Connector.ts"
export * as Diagnosis from "./Diagnosis.ts"
export * as Dkim from "./Dkim.ts"
export * as Envelope from "./Envelope.ts"
export * as Extensions from "./Extensions.ts"
export * as LogEvent from "./LogEvent.ts"
export * as LogFilter from "./LogFilter.ts"
export * as LogReader from "./LogReader.ts"
export * as LogSink from "./LogSink.ts"
export * as LogText from "./LogText.ts"
export * as Mailbox from "./Mailbox.ts"
export * as MediaTypes from "./MediaTypes.ts"
export * as Message from "./Message.ts"
export * as MessageError from "./MessageError.ts"
export * as MimeParser from "./MimeParser.ts"
export * as OAuth2 from "./OAuth2.ts"
export * as OAuth2Error from "./OAuth2Error.ts"
export * as ProxyConnector from "./ProxyConnector.ts"
export * as Receipt from "./Receipt.ts"
export * as Redaction from "./Redaction.ts"
export * as Reply from "./Reply.ts"
export * as Sasl from "./Sasl.ts"
export * as Server from "./Server.ts"
export * as Session from "./Session.ts"
export * as SmimeSigner from "./SmimeSigner.ts"
export * as SmtpError from "./SmtpError.ts"
export * as SmtpLog from "./SmtpLog.ts"
export * as Tls from "./Tls.ts"
export * as Transporter from "./Transporter.ts"
