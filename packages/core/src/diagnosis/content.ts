/** The message itself: attachments, malformed messages, spam and viruses, and what the client could not compose. */
import * as people from "../internal/diagnosis/people.ts"
import type { Rule } from "../internal/diagnosis/rule.ts"
import * as source from "../internal/diagnosis/sources.ts"

export const rules: ReadonlyArray<Rule> = [
  {
    id: "content/google-blocked-attachment",
    when: [
      { provider: ["google"], phase: ["content", "verdict", "data"], code: [552], enhanced: ["5.7.0"] },
      { code: [552], tokens: ["BlockedMessage"] }
    ],
    what: "Google refused the message for its content: an attachment of a kind that it blocks, or a harmful link.",
    causes: [
      "the attachment is a program or script, or an archive that holds one or is encrypted",
      "a link in the text is listed as harmful"
    ],
    todo: ["send a link to the file instead", "send without the attachment to see whether that is it"],
    retryAfter: "never",
    sources: [source.google, "support.google.com/mail/answer/6590 (blocked file types)"]
  },
  {
    id: "content/attachment-blocked",
    when: [{
      phase: ["content", "verdict", "data"],
      code: [5],
      words: [
        "attachment blocked",
        "attachment not",
        "banned file",
        "executable",
        "attachment type",
        "prohibited attachment",
        "blocked file",
        "file type",
        "filename not",
        "banned attachment",
        "dangerous attachment",
        "file extension",
        "attachment policy"
      ]
    }],
    what: "The server does not take an attachment of this kind.",
    causes: ["the type or name of the attachment is blocked", "an archive holds such a file, or is encrypted"],
    todo: ["send a link to the file instead", "ask which types are allowed"],
    ask: people.postmaster,
    retryAfter: "never",
    sources: [source.rfc3463, "RFC 5321 §4.2.3"]
  },
  {
    id: "content/virus",
    when: [{
      phase: ["content", "verdict", "data"],
      code: [5],
      words: ["virus", "malware", "infected", "trojan", "phishing", "clamav"]
    }],
    what: "The server found a virus, or what looks like one.",
    causes: ["a file is infected", "a false alarm of the virus scanner"],
    todo: ["scan the attachments", "send without them", "report the false alarm"],
    ask: people.postmaster,
    retryAfter: "never",
    sources: [source.rfc3463]
  },
  {
    id: "content/not-rfc5322",
    when: [
      {
        provider: ["google"],
        phase: ["content", "verdict"],
        code: [550, 554],
        enhanced: ["5.7.1", "5.6.0"],
        words: ["rfc 5322", "multiple headers", "valid address header", "from header", "malformed"]
      },
      { tokens: ["RfcMessageNonCompliant"], code: [5] },
      {
        phase: ["content", "verdict", "data"],
        code: [5],
        words: [
          "rfc 5322",
          "rfc 2822",
          "rfc5322",
          "rfc2822",
          "rfc compliant",
          "multiple from",
          "duplicate header",
          "missing header",
          "headers missing",
          "header syntax",
          "missing from",
          "from header",
          "missing date",
          "header field",
          "malformed",
          "valid message id",
          "message id missing",
          "invalid header",
          "bare lf",
          "bare linefeed",
          "bare newline",
          "missing message",
          "expected disposition",
          "missing final",
          "no from"
        ],
        without: ["dmarc", "spf", "authentication"]
      },
      { phase: ["content", "verdict"], enhanced: ["5.6.0", "5.6.7"] }
    ],
    what: "The server says that the message is not made as it should be.",
    causes: [
      "a header field is missing, doubled or malformed (From, Date, Message-ID)",
      "the address in a header field is not one",
      "lines do not end in CRLF"
    ],
    todo: ["log the header section (content level headers) and look at what the server names"],
    ask: people.developer,
    retryAfter: "never",
    sources: [source.google, "RFC 5322 §3.6"]
  },
  {
    id: "content/line-too-long",
    when: [{
      phase: ["content", "verdict", "data"],
      code: [5],
      words: ["line too long", "line length", "lines too long", "line longer", "maximum line", "text line"]
    }],
    what: "A line of the message is longer than 998 characters.",
    causes: ["the body was sent without encoding"],
    todo: ["let the client encode the body (quoted-printable or base64)"],
    ask: people.developer,
    retryAfter: "never",
    sources: ["RFC 5322 §2.1.1", "RFC 5321 §4.5.3.1.6"]
  },
  {
    id: "content/conversion",
    when: [{ enhanced: ["5.6.1", "5.6.3", "5.6.5", "5.6.9", "5.6.10"] }, {
      phase: ["mail", "rcpt", "data"],
      code: [5],
      words: ["8bitmime", "smtputf8", "non ascii", "utf 8"]
    }],
    what: "The next server cannot take characters of this message as they are (8BITMIME, SMTPUTF8).",
    causes: [
      "an address or header field is not ASCII, and the server does not speak SMTPUTF8",
      "the content is 8-bit, and the server takes 7-bit only"
    ],
    todo: ["use an ASCII form of the address", "let the client encode the content"],
    ask: people.postmaster,
    retryAfter: "never",
    sources: ["RFC 6531 §3.6", source.rfc3463]
  },
  {
    id: "content/spam",
    when: [
      { tokens: ["UnsolicitedMessageError"], code: [5] },
      {
        phase: ["content", "verdict", "data"],
        code: [5],
        words: [
          "spam",
          "unsolicited",
          "junk",
          "bulk mail",
          "suspected",
          "content rejected",
          "message content",
          "content filter*",
          "content unacceptable",
          "spamassassin",
          "reject* content",
          "high probability spam"
        ],
        without: [
          "block list",
          "blocklist",
          "blacklist*",
          "spamhaus",
          "dnsbl",
          "client host",
          "poor reputation",
          "volume"
        ]
      },
      { phase: ["content", "verdict"], enhanced: ["5.7.7"], code: [5] },
      { code: [554], tokens: ["DT:SPM", "HL:ITC"] }
    ],
    what: "The server takes the message for spam.",
    causes: [
      "words, links or pictures of the message",
      "sending address or domain have a poor reputation",
      "SPF, DKIM or DMARC are missing"
    ],
    todo: [
      "send a plain text message to see whether it is the content",
      "check the links",
      "set up SPF, DKIM and DMARC",
      "ask the recipient to allow the sender"
    ],
    ask: people.postmaster,
    retryAfter: "never",
    sources: [source.googleSenders, source.rfc3463]
  },
  {
    id: "content/invalid-message",
    when: [{ kind: ["InvalidMessage"] }],
    what: "The client could not make a message of what it was given; nothing was sent.",
    causes: ["an address is not one", "no recipient, or a field with characters that are not allowed"],
    todo: ["read the failure's own words, and correct the message"],
    ask: people.developer,
    retryAfter: "never",
    sources: ["RFC 5322 §3"]
  },
  {
    id: "content/extension-unavailable",
    when: [{ kind: ["ExtensionUnavailable"] }],
    what: "The message needs something that this server does not offer.",
    causes: ["an address that is not ASCII (SMTPUTF8), or an option such as DSN or REQUIRETLS"],
    todo: ["leave the option away, or use an ASCII address", "use another server"],
    ask: people.administrator,
    retryAfter: "never",
    sources: ["RFC 5321 §2.2"]
  },
  {
    id: "content/source-failed",
    when: [{ kind: ["ContentSourceFailed"] }],
    what: "The source of an attachment or of the content failed while it was being sent. Nothing was delivered.",
    causes: ["a file vanished or could not be read", "a stream of the program failed"],
    todo: ["see the failure's own words", "send again when the source is whole"],
    ask: people.developer,
    retryAfter: "never",
    sources: ["Colloquy, P6 of docs/design.md"]
  },
  {
    id: "content/refused-before-sent",
    when: [{ phase: ["data"], code: [5] }],
    what: "The server took sender and recipients, and refused the message before any of it was sent.",
    causes: ["a rule of the server for this client, sender or recipient", "the server counts the recipients as none"],
    todo: ["read the server's words", "ask with them in hand"],
    ask: people.administrator,
    retryAfter: "never",
    sources: ["RFC 5321 §3.3"]
  },
  {
    id: "content/refused",
    when: [{ phase: ["content", "verdict"], code: [5] }],
    what: "The server had the whole message and refused it.",
    causes: ["its content or size", "a rule or filter of the server", "the sender may not send this"],
    todo: ["send a small plain text message to see whether it is the content", "ask with the server's words in hand"],
    ask: people.administrator,
    retryAfter: "never",
    sources: ["RFC 5321 §3.3"]
  }
]
