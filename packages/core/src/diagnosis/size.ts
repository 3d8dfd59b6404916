/** Messages that are too large. */
import * as people from "../internal/diagnosis/people.ts"
import type { Rule } from "../internal/diagnosis/rule.ts"
import * as source from "../internal/diagnosis/sources.ts"

export const rules: ReadonlyArray<Rule> = [
  {
    id: "size/client-limit",
    when: [{ kind: ["MessageTooLarge"] }],
    what: "The message is larger than the server says it takes; the client did not try.",
    causes: ["attachments: they grow by a third when encoded"],
    todo: ["send a link in place of the attachment", "compress or split it"],
    ask: people.administrator,
    retryAfter: "never",
    sources: ["RFC 1870 §6"]
  },
  {
    id: "size/too-large",
    when: [
      { phase: ["mail", "rcpt", "data", "content", "verdict"], code: [4, 5], enhanced: ["*.3.4", "*.2.3"] },
      { tokens: ["MaxSizeError"], code: [5] },
      {
        phase: ["mail", "rcpt", "data", "content", "verdict"],
        code: [552, 554, 550, 523, 534, 452],
        words: [
          "message size",
          "too large",
          "too big",
          "size exceeds",
          "maximum size",
          "size limit",
          "message too long",
          "maximum message",
          "exceeds size",
          "max message",
          "exceeded size",
          "exceeds maximum",
          "size exceeded",
          "content size"
        ],
        without: ["line", "mailbox full", "over quota", "recipients", "header"]
      },
      { phase: ["mail"], code: [552] }
    ],
    what: "The message is larger than the server or the recipient's mailbox takes.",
    causes: ["attachments: they grow by a third when encoded"],
    todo: ["send a link in place of the attachment", "compare with SIZE in the EHLO reply", "compress or split it"],
    ask: people.administrator,
    retryAfter: "never",
    sources: ["RFC 1870 §6.1", source.rfc3463, source.google]
  },
  {
    id: "size/refused-at-verdict",
    when: [{ phase: ["content", "verdict"], code: [552] }],
    what: "The server says that an allocation was exceeded: the message is too large, or the mailbox is full.",
    causes: ["the message is too large", "the recipient's mailbox is full"],
    todo: ["send a small message to see which it is", "send a link in place of the attachment"],
    ask: people.recipient,
    retryAfter: "never",
    sources: ["RFC 5321 §4.2.3"]
  },
  {
    id: "size/headers",
    when: [{
      phase: ["content", "verdict"],
      code: [5],
      words: ["header too", "headers too", "header size", "headers exceed"]
    }],
    what: "The header section is larger than the server takes.",
    causes: ["too many recipients in To and Cc", "a header field of the program's own"],
    todo: ["send to fewer, or with Bcc"],
    ask: people.developer,
    retryAfter: "never",
    sources: [source.postfixServer]
  }
]
