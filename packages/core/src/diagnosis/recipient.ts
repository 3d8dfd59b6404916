/** The recipient: unknown, full, disabled, elsewhere, and mail that the server won't relay for the sender. */
import * as people from "../internal/diagnosis/people.ts"
import type { Rule } from "../internal/diagnosis/rule.ts"
import * as source from "../internal/diagnosis/sources.ts"

export const rules: ReadonlyArray<Rule> = [
  {
    id: "recipient/relay-denied",
    when: [
      {
        phase: ["rcpt", "data", "verdict", "mail"],
        code: [454, 450, 550, 551, 553, 554, 571, 503, 530, 451],
        words: [
          "relay* denied",
          "relay* not",
          "unable relay",
          "not relay*",
          "relay* prohibited",
          "relay* disallowed",
          "relay access",
          "no relay*",
          "cannot relay",
          "relay* blocked",
          "relay* rejected",
          "relay* forbidden",
          "not permitted relay",
          "non relayable",
          "nonlocal",
          "non local",
          "rcpthosts",
          "not allowed relay",
          "not local domain",
          "not accepted domain",
          "not a gateway",
          "not hosted here",
          "relay* operation"
        ]
      },
      { phase: ["rcpt"], code: [5], enhanced: ["5.7.54"] },
      { phase: ["rcpt"], tokens: ["TenantAttribution"], code: [5] }
    ],
    what:
      "The server will not pass this message on: it knows neither the sender as one of its own nor the recipient's domain.",
    causes: [
      "no login was made",
      "it is the wrong server for this recipient (one that receives, not one that sends)",
      "the program's address is not among those that may relay"
    ],
    todo: [
      "log in (user, password, TLS), on port 587 or 465",
      "check the host",
      "or have the machine's address allowed to relay"
    ],
    ask: people.administrator,
    retryAfter: "never",
    sources: [`${source.postfix} (reject_unauth_destination)`, source.exim, source.ndr]
  },
  {
    id: "recipient/mailbox-full",
    when: [
      {
        phase: ["rcpt", "verdict", "mail"],
        code: [452, 552, 422, 450, 550, 554],
        enhanced: ["*.2.2"],
        words: ["full", "quota", "storage", "space", "over*", "exceed*"]
      },
      { phase: ["rcpt", "verdict"], enhanced: ["*.2.2"] },
      {
        phase: ["rcpt", "verdict"],
        code: [4, 5],
        words: [
          "exhausted storage",
          "user many messages",
          "quota violation",
          "mailbox full",
          "over quota",
          "mailbox quota",
          "overquota",
          "quota exceeded",
          "recipient storage",
          "user quota",
          "out of storage",
          "mailbox is full",
          "disk quota",
          "insufficient mailbox"
        ],
        without: ["queue", "organization", "daily", "hour*", "sending", "sender", "rate", "messages per"]
      }
    ],
    what: "The recipient's mailbox is full.",
    causes: ["the recipient has not tidied up", "the mailbox is no longer read"],
    todo: ["tell the recipient on another way", "send again in some days"],
    ask: people.recipient,
    retryAfter: "hours",
    sources: [source.rfc3463, source.google]
  },
  {
    id: "recipient/null-mx",
    when: [
      {
        enhanced: ["5.1.10"],
        without: ["resolver", "recipnotfound", "recipient not found"],
        words: ["nullmx", "null mx", "not accept mail", "does accept"]
      },
      { code: [556] },
      { code: [5], tokens: ["nullMX"] }
    ],
    what: "The recipient's domain takes no mail at all.",
    causes: ["the domain is misspelt", "the domain says so in its DNS (null MX)"],
    todo: ["check the spelling of the address"],
    ask: people.recipient,
    retryAfter: "never",
    sources: ["RFC 7505", "RFC 7504 §4"]
  },
  {
    id: "recipient/domain-not-found",
    when: [
      { phase: ["rcpt", "verdict"], enhanced: ["5.1.2", "5.4.4", "4.1.2", "4.4.4"], code: [4, 5] },
      {
        phase: ["rcpt"],
        code: [4, 5],
        words: [
          "domain not found",
          "recipient domain not",
          "unrouteable",
          "unroutable",
          "no such domain",
          "domain does exist",
          "host not found",
          "recipient domain exist",
          "no mx"
        ],
        without: ["sender", "helo", "client host"]
      }
    ],
    what: "The recipient's domain could not be found.",
    causes: ["the domain is misspelt", "the domain has expired, or its DNS is out of order"],
    todo: ["check the spelling of the address", "look up the domain's MX"],
    ask: people.recipient,
    retryAfter: "never",
    sources: [source.rfc3463, `${source.postfix} (reject_unknown_recipient_domain)`, source.exim]
  },
  {
    id: "recipient/disabled",
    when: [
      { phase: ["rcpt", "verdict"], enhanced: ["5.2.1"], code: [4, 5] },
      {
        phase: ["rcpt", "verdict"],
        code: [5],
        words: [
          "delivered account disabled",
          "account closed",
          "recipient closed",
          "mailbox disabled",
          "user disabled",
          "recipient disabled",
          "account inactive",
          "inactive",
          "mailbox suspended",
          "user suspended",
          "account not active",
          "is disabled",
          "mailbox frozen",
          "user account deactivated"
        ],
        without: ["basic", "sending", "smtpclientauthentication"]
      },
      { code: [550], tokens: ["DisabledUser"] }
    ],
    what: "The recipient's mailbox exists and takes no mail: it is disabled.",
    causes: ["the account was closed, or not used for long"],
    todo: ["ask the recipient for another address"],
    ask: people.recipient,
    retryAfter: "never",
    sources: [source.rfc3463, source.google]
  },
  {
    id: "recipient/receiving-rate",
    when: [
      { enhanced: ["5.2.122", "4.2.122"], words: ["recipient exceeded limit"] },
      { enhanced: ["5.2.122", "4.2.122"] },
      { tokens: ["ReceivingRate", "ReceivingRatePerm"], code: [4, 5] },
      {
        phase: ["rcpt", "verdict"],
        code: [450, 550, 452],
        words: ["receiving mail rate", "receiving mail too", "recipient rate limit", "recipient exceeded rate"]
      }
    ],
    what: "The recipient gets more mail just now than the server lets in.",
    causes: ["a flood of mail to this mailbox"],
    todo: ["send again in some hours, and less to this mailbox"],
    ask: people.recipient,
    retryAfter: "hours",
    sources: [source.google]
  },
  {
    id: "recipient/suppressed",
    when: [{ code: [4, 5], words: ["suppression list", "suppressed", "on bounce list", "inactive recipient"] }],
    what: "The sending service has this recipient on its suppression list and does not try.",
    causes: ["an earlier message bounced or was reported as spam"],
    todo: ["check the address", "take it off the service's suppression list"],
    ask: people.provider,
    retryAfter: "never",
    sources: ["docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html"]
  },
  {
    id: "recipient/microsoft-access-denied",
    when: [{ phase: ["rcpt", "verdict"], code: [550], enhanced: ["5.4.1"], provider: ["microsoft"] }, {
      code: [550],
      enhanced: ["5.4.1"],
      words: ["recipient address rejected"]
    }],
    what: "Microsoft 365 does not know the recipient (it blocks unknown ones at its edge).",
    causes: ["the address is misspelt or was removed", "the mailbox is not known to the tenant yet (a migration)"],
    todo: ["check the address", "if it exists, have their administrator look at directory-based edge blocking"],
    ask: people.postmaster,
    retryAfter: "never",
    sources: [source.ndr]
  },
  {
    id: "recipient/restricted",
    when: [{
      tokens: [
        "RESOLVER.RST.AuthRequired",
        "RESOLVER.RST.NotAuthorized",
        "RESOLVER.RST.SenderNotAuthenticatedForGroup"
      ],
      code: [5]
    }, {
      phase: ["rcpt", "verdict"],
      enhanced: ["5.7.133", "5.7.134", "5.7.12", "5.7.124"]
    }, { phase: ["rcpt", "verdict"], enhanced: ["5.7.2"] }],
    what: "The recipient (often a distribution list) takes mail only from certain senders.",
    causes: ["the list or mailbox takes mail only from inside its organisation, or from listed senders"],
    todo: ["ask the owner of the list to allow the sender"],
    ask: people.postmaster,
    retryAfter: "never",
    sources: [source.ndr, source.rfc3463]
  },
  {
    id: "recipient/unknown",
    when: [
      { phase: ["rcpt", "verdict"], code: [550, 551, 553, 554, 511, 521, 550], enhanced: ["5.1.1"] },
      {
        phase: ["rcpt", "verdict"],
        code: [5],
        enhanced: ["5.1.10", "5.1.0", "5.1.6", "5.0.1", "5.0.0"],
        words: ["recipient", "user", "mailbox", "address", "recipnotfound", "alias"]
      },
      {
        phase: ["rcpt", "verdict"],
        code: [5],
        words: [
          "address marked invalid",
          "address is invalid",
          "addressee unknown",
          "user doesn",
          "not exist",
          "not listed directory",
          "recipient unavailable",
          "user unknown",
          "unknown user",
          "no such user",
          "no such recipient",
          "recipient unknown",
          "mailbox unknown",
          "mailbox unavailable",
          "unknown recipient",
          "does not exist",
          "doesn exist",
          "no mailbox",
          "mailbox not found",
          "user not found",
          "recipient not found",
          "invalid recipient",
          "unknown local",
          "not our customer",
          "no such address",
          "no such person",
          "unknown address",
          "invalid mailbox",
          "recipient not exist",
          "user exist",
          "recipient verification failed",
          "unverified recipient",
          "undeliverable address",
          "mailbox not available",
          "no valid recipients",
          "nonexistent"
        ],
        without: ["sender", "domain does", "policy", "spam", "blocked", "helo", "reputation"]
      },
      { tokens: ["NoSuchUser", "RESOLVER.ADR.RecipNotFound", "RecipientNotFound"], code: [5] }
    ],
    what: "There is no such mailbox at the recipient's server.",
    causes: ["the address is misspelt", "the person is no longer there"],
    todo: [
      "check the spelling, blanks and quotation marks included",
      "ask the recipient for the right address",
      "take it off the list"
    ],
    ask: people.recipient,
    retryAfter: "never",
    sources: [source.rfc3463, source.google, source.postfix]
  },
  {
    id: "recipient/moved",
    when: [{ phase: ["rcpt"], code: [551] }, { enhanced: ["5.1.6"] }],
    what: "The recipient has moved; the server may say where.",
    causes: ["the mailbox was moved without forwarding"],
    todo: ["use the address in the server's words"],
    ask: people.recipient,
    retryAfter: "never",
    sources: ["RFC 5321 §3.4"]
  },
  {
    id: "recipient/address-syntax",
    when: [
      { phase: ["rcpt"], code: [501, 553, 555], enhanced: ["5.1.3", "5.5.4", "5.5.2"] },
      { phase: ["rcpt", "verdict"], enhanced: ["5.1.3"] },
      { phase: ["rcpt"], code: [5], words: ["syntax error", "address syntax", "bad recipient"] },
      { phase: ["rcpt"], code: [501, 555] }
    ],
    what: "The server cannot read the recipient's address, or a parameter beside it.",
    causes: ["the address is not one: blanks, missing domain, two @", "the server does not know a parameter of RCPT"],
    todo: ["check the address", "see the C > RCPT line in the log"],
    ask: people.developer,
    retryAfter: "never",
    sources: [source.rfc3463, "RFC 5321 §4.1.1.3"]
  },
  {
    id: "recipient/ambiguous-or-looping",
    when: [{ enhanced: ["5.4.6", "5.4.14", "5.4.12"] }, {
      code: [5],
      words: ["too many hops", "mail loop", "loop detected", "hop count"]
    }],
    what: "The message goes round in circles between servers.",
    causes: ["a forwarding rule leads back", "the domain's MX points to a server that sends it back"],
    todo: ["look for the loop in the Received fields", "tell the recipient's postmaster"],
    ask: people.postmaster,
    retryAfter: "never",
    sources: [source.rfc3463, "RFC 5321 §6.3"]
  },
  {
    id: "recipient/refused",
    when: [{ phase: ["rcpt"], code: [5] }],
    what: "The server refused the recipient.",
    causes: ["there is no such mailbox", "the server takes no mail from this sender for it", "a login is missing"],
    todo: ["check the address", "ask with the server's words in hand"],
    ask: people.postmaster,
    retryAfter: "never",
    sources: ["RFC 5321 §3.3"]
  },
  {
    id: "recipient/deferred",
    when: [
      { phase: ["rcpt"], code: [450, 451, 452] },
      { phase: ["rcpt"], code: [4], words: ["unverified address", "address verification", "verification progress"] }
    ],
    what: "The server does not take mail for this recipient just now.",
    causes: [
      "greylisting: the first try of an unknown sender is put off",
      "the mailbox is busy, or the server could not check it"
    ],
    todo: ["send again in some minutes"],
    ask: people.postmaster,
    retryAfter: "seconds",
    sources: ["RFC 5321 §4.2.1", "RFC 6647"]
  }
]
