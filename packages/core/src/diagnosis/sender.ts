/** The sender: From that doesn't belong to the login, unverified, unknown, or not authorised by its domain. */
import * as people from "../internal/diagnosis/people.ts"
import type { Rule } from "../internal/diagnosis/rule.ts"
import * as source from "../internal/diagnosis/sources.ts"

export const rules: ReadonlyArray<Rule> = [
  {
    id: "sender/microsoft-send-as-denied",
    when: [
      { code: [5], tokens: ["SendAsDenied", "MapiExceptionSendAsDenied", "SubmissionQuotaSendAs"] },
      { code: [554, 550], enhanced: ["5.2.252", "5.7.60"] },
      {
        code: [550, 554],
        provider: ["exchange", "microsoft"],
        words: ["send as sender", "permissions send as", "allowed send as"]
      }
    ],
    what: "The login may not send as the address in From.",
    causes: ["From is another address than the mailbox of the login", "the right Send As is missing"],
    todo: ["send From the login's own address", "or grant the login Send As for that mailbox"],
    ask: people.tenant,
    retryAfter: "never",
    sources: [source.ndr]
  },
  {
    id: "sender/ses-not-verified",
    when: [
      { provider: ["ses"], code: [554], words: ["not verified", "failed check region"] },
      { code: [554], words: ["identities failed check", "failed check region"] }
    ],
    what: "Amazon SES has not verified the address in From (in the sandbox: the recipients neither) in this region.",
    causes: [
      "the address or domain is not verified in the region of the endpoint",
      "the account is in the sandbox, and a recipient is not verified"
    ],
    todo: [
      "verify the address or domain in that region",
      "ask for production access to leave the sandbox",
      "check the endpoint's region"
    ],
    ask: "the owner of the AWS account",
    retryAfter: "never",
    sources: [source.sesErrors]
  },
  {
    id: "sender/zoho-not-an-alias",
    when: [
      {
        provider: ["zoho"],
        phase: ["mail", "rcpt", "data", "verdict"],
        code: [553, 552, 550, 554],
        words: ["relaying disallowed", "relay* disallowed", "sender not allowed"]
      },
      { code: [553, 552], words: ["relaying disallowed as"] }
    ],
    what: "Zoho does not let this account send as the address in From.",
    causes: [
      "From is neither the account's address nor one of its aliases",
      "the domain is not set up or verified at Zoho"
    ],
    todo: ["send From the account's own address", "or add the address as an alias, and verify the domain"],
    ask: people.provider,
    retryAfter: "never",
    sources: [source.zoho]
  },
  {
    id: "sender/sendgrid-identity",
    when: [{ code: [550, 553], provider: ["sendgrid"], words: ["sender identity", "from address match"] }, {
      code: [550],
      words: ["verified sender identity"]
    }],
    what: "SendGrid does not know the address in From as a verified sender.",
    causes: ["neither the address nor its domain is verified"],
    todo: ["verify the sender or authenticate the domain at SendGrid", "send From a verified address"],
    ask: people.provider,
    retryAfter: "never",
    sources: ["sendgrid.com/docs/for-developers/sending-email/sender-identity"]
  },
  {
    id: "sender/mailgun-domain",
    when: [{
      provider: ["mailgun"],
      code: [4, 5],
      words: ["not allowed send", "sandbox", "domain unverified", "authorized recipients", "free accounts"]
    }, {
      code: [4, 5],
      words: ["sandbox subdomains", "sandbox domain"]
    }],
    what: "Mailgun does not let this domain send, or not to this recipient.",
    causes: [
      "a sandbox domain sends to authorised recipients only",
      "the domain's DNS records are not verified",
      "the account is on probation or stopped"
    ],
    todo: ["add a domain of your own and its DNS records", "or add the recipient to the authorised ones"],
    ask: people.provider,
    retryAfter: "never",
    sources: [source.mailgun]
  },
  {
    id: "sender/testing-domain",
    when: [{ code: [4, 5], words: ["testing emails own", "demo domains", "only send testing", "test domain"] }],
    what: "The provider's test domain sends only to the account's own address.",
    causes: ["no domain of your own is verified yet"],
    todo: ["verify a domain of your own and send From it"],
    ask: people.provider,
    retryAfter: "never",
    sources: ["resend.com/docs (domains)", "help.mailtrap.io (demo domain)"]
  },
  {
    id: "sender/not-verified",
    when: [{
      phase: ["mail", "rcpt", "data", "verdict"],
      code: [4, 5],
      words: [
        "unconfigured sending",
        "domain not verified",
        "sender not verified",
        "sender not valid",
        "from not verified",
        "unverified domain",
        "unverified sender",
        "sender signature",
        "invalid sender",
        "sender domain not",
        "not verified sender",
        "sender unauthorized",
        "validate sender",
        "address not verified"
      ],
      without: ["sender verify", "domain not found", "relay* denied"]
    }],
    what: "The service does not know the address in From as one that this account has verified.",
    causes: [
      "the address or its domain is not verified at the service",
      "From has another address than the one that was verified"
    ],
    todo: ["verify the address or domain at the service", "send From a verified address"],
    ask: people.provider,
    retryAfter: "never",
    sources: ["postmarkapp.com/developer/api/overview (sender signatures)", "documentation of Brevo, Mailjet, Resend"]
  },
  {
    id: "sender/not-owned",
    when: [
      {
        phase: ["mail", "rcpt", "data", "verdict"],
        code: [553, 550, 501, 554, 551, 503, 440, 535],
        words: [
          "not owned user",
          "not owned by",
          "same authorization",
          "must equal authorized",
          "same as login",
          "same as authorization",
          "not match authenticated",
          "not allowed from",
          "does not belong",
          "sender mismatch",
          "sender user mismatch",
          "use this sender",
          "not authorised send",
          "not authorized send",
          "not permitted send",
          "sender not allowed",
          "cannot send as",
          "not permitted from",
          "not allowed use"
        ],
        without: ["ip", "relay*", "spf", "client host", "quota", "dmarc"]
      },
      { phase: ["mail", "rcpt"], code: [553], enhanced: ["5.7.1"], authenticated: true },
      {
        phase: ["mail", "rcpt", "data", "verdict"],
        code: [501, 553, 550],
        provider: ["qq", "netease", "aliyun"],
        words: ["mail from must", "from address must", "from must same", "sender address must"]
      }
    ],
    what: "The address in From does not belong to the login.",
    causes: [
      "the program sends under another address than the one it logs in with",
      "an alias is not set up at the server"
    ],
    todo: ["send From the login's own address (Reply-To may be another)", "or have the address allowed for this login"],
    ask: people.administrator,
    retryAfter: "never",
    sources: [`${source.postfix} (reject_sender_login_mismatch)`, "RFC 6409 §6.1"]
  },
  {
    id: "sender/domain-not-found",
    when: [
      { phase: ["mail", "rcpt", "data", "verdict"], code: [4, 5], enhanced: ["*.1.8"] },
      {
        phase: ["mail", "rcpt"],
        code: [450, 451, 550, 553, 554, 501, 504, 512],
        words: [
          "sender domain not",
          "sender domain exist",
          "sender verify failed",
          "sender domain resolve",
          "domain sender address",
          "sender unresolvable",
          "sender no mx",
          "sender address domain",
          "verify sender",
          "sender need fully",
          "sender nullmx"
        ]
      }
    ],
    what: "The server does not believe in the sender's address: its domain does not exist, or takes no mail.",
    causes: [
      "the domain in From is misspelt or made up (localhost, .local)",
      "its DNS has neither MX nor address",
      "the address itself was asked for at its server and does not exist there"
    ],
    todo: ["send From an address that can receive mail", "check the DNS of its domain"],
    ask: people.dns,
    retryAfter: "never",
    sources: [`${source.postfix} (reject_unknown_sender_domain)`, `${source.exim} (verify = sender)`]
  },
  {
    id: "sender/bad-outbound-sender",
    when: [
      { enhanced: ["5.1.8"], provider: ["microsoft", "exchange"] },
      {
        code: [550],
        words: ["bad outbound sender"]
      },
      { enhanced: ["5.7.501", "5.7.502", "5.7.503"] },
      { code: [5], tokens: ["OutboundSpamException"] }
    ],
    what: "Microsoft 365 has blocked this mailbox from sending: it looks as if it sent spam.",
    causes: ["the mailbox was broken into", "bulk mail was sent from it"],
    todo: [
      "change the password and look for foreign rules",
      "have the administrator release it (Restricted entities, security.microsoft.com)"
    ],
    ask: people.tenant,
    retryAfter: "never",
    sources: [source.ndr]
  },
  {
    id: "sender/address-syntax",
    when: [
      { phase: ["mail"], code: [501, 553, 555], enhanced: ["5.1.7", "5.5.4", "5.5.2", "5.1.3"] },
      { phase: ["mail"], code: [501, 553, 555] }
    ],
    what: "The server cannot read the sender's address, or a parameter beside it.",
    causes: [
      "the address is not one, or has characters that this server does not take",
      "the server does not know a parameter of MAIL"
    ],
    todo: ["check the address in From", "see the C > MAIL line in the log"],
    ask: people.developer,
    retryAfter: "never",
    sources: [source.rfc3463, "RFC 5321 §4.1.1.2"]
  },
  {
    id: "sender/refused",
    when: [{ phase: ["mail"], code: [5] }, {
      phase: ["rcpt", "verdict"],
      code: [5],
      words: ["sender address rejected", "sender rejected", "sender denied"]
    }],
    what: "The server refused the sender.",
    causes: [
      "the login may not send as this address",
      "the server does not like the sender's domain or address",
      "a login is missing"
    ],
    todo: ["send From the login's own address", "ask with the server's words in hand"],
    ask: people.administrator,
    retryAfter: "never",
    sources: ["RFC 5321 §3.3"]
  }
]
